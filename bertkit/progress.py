"""The interface through which a run reports its progress; the default is silent."""

from __future__ import annotations


class Progress:
    """Receives a run's phases, steps and notes; does nothing with them."""

    def phase(self, name: str, total: int) -> None:
        """A phase of `total` steps starts; the previous one has ended."""

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """`steps` more steps of the phase are done; `loss` and `examples` are those of the last update."""

    def note(self, text: str) -> None:
        """One line for the user: a choice that was made, or a part that is missing."""

    def close(self) -> None:
        """The run has ended."""
