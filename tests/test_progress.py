"""The progress bar: a run continues without it once the terminal is closed."""

from __future__ import annotations

import os
import pty
from contextlib import suppress

from rich.console import Console

from bertkit.cli.progress_bar import ProgressBar


def test_a_closed_terminal_ends_neither_a_run_nor_its_cleanup() -> None:
    ours, theirs = pty.openpty()
    with suppress(OSError), os.fdopen(theirs, "w") as terminal:  # what it still held
        progress = ProgressBar("a run", Console(file=terminal, force_terminal=True, width=80))
        progress.phase("training", 3)
        progress.note("all is well")
        assert not progress.gone and b"all is well" in os.read(ours, 10_000)
        os.close(ours)
        progress.note("not shown")
        progress.advance(loss=1.0)
        progress.phase("scoring", 3)
        progress.close()
    assert progress.gone
