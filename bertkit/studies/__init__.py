"""Several runs: seeds, suites, comparisons."""
