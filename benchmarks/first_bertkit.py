"""Run `bertkit` to the end of its first update, print the time (`time.monotonic`) and exit."""

import os
import time

from bertkit.cli import main, screen
from bertkit.progress import Progress
from bertkit.spec import Spec

progress_of = screen.progress


class FirstUpdate(Progress):
    """Exits after the first update; until then passes everything to bertkit's own progress."""

    def __init__(self, quiet: bool, spec: Spec) -> None:
        self.inner = progress_of(quiet, spec)
        self.training = False

    def phase(self, name: str, total: int) -> None:
        """A phase begins."""
        self.training = name == "training"
        self.inner.phase(name, total)

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """Exit at the first update of training."""
        if self.training:
            print(time.monotonic(), flush=True)
            os._exit(0)
        self.inner.advance(steps, loss, examples)


screen.progress = FirstUpdate
main()
