"""The progress bar: a run continues without it once the terminal is closed."""

from __future__ import annotations

import os
import pty
from contextlib import suppress

from rich.console import Console

from bertkit.cli.progress_bar import ScreenWatch


def test_a_terminal_that_was_closed_neither_ends_a_run_nor_its_tidying() -> None:
    ours, theirs = pty.openpty()
    with suppress(OSError), os.fdopen(theirs, "w") as terminal:  # what it still held
        watch = ScreenWatch("a run", Console(file=terminal, force_terminal=True, width=80))
        watch.phase("training", 3)
        watch.note("all is well")
        assert not watch.gone and b"all is well" in os.read(ours, 10_000)
        os.close(ours)
        watch.note("nobody reads this")
        watch.advance(loss=1.0)
        watch.phase("scoring", 3)
        watch.close()
    assert watch.gone
