"""The interface through which a run reports its progress; the default is silent."""

from __future__ import annotations


class Watch:
    """Told of phases with a number of steps, of steps done, and of what a person should know."""

    def phase(self, name: str, total: int) -> None:
        """A phase of `total` steps begins; the one before is over."""

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """`steps` more of this phase are done, with the last update's loss and the rows it took."""

    def note(self, text: str) -> None:
        """One line that a person should know: a choice made, a part that is missing."""

    def close(self) -> None:
        """Nothing more will be told."""
