"""What of a head's contract is about its rows' inputs: vectors, texts that are read together, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertkit.heads.vectors import Vectors
    from bertkit.heads.window import Window


class Fits:
    """By default a row's texts are the columns before its gold, and all of them fit: the rest is cut off."""

    if TYPE_CHECKING:  # of the head

        @property
        def roles(self) -> tuple[str, ...]: ...

    @property
    def of_vectors(self) -> Vectors | None:
        """What is known of the vectors that its rows are; None where they are texts."""
        found: Vectors | None = getattr(self, "vectors", None)
        return found

    def read_together(self, rows: Mapping[str, Sequence[Any]]) -> list[Sequence[Any]]:
        """One column or two: what a model reads at once of each row, for counting its tokens."""
        columns = [rows[role] for role in self.roles[:-1] if role in rows]
        return [column for column in columns if any(cell is not None for cell in column)]

    def check_fit(self, blocks: Iterable[Mapping[str, Sequence[Any]]], tokenizer: Any, window: Window) -> None:
        """Raise DataError, naming the row, where what must not be cut off leaves no room in the window.

        blocks  of rows, which a head that cuts anything does not read
        """
