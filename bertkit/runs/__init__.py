"""One run: its order, its folder, lock, provenance, failures, rescoring."""
