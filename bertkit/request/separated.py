"""Whether the cells of a label's column hold several labels, and what separates them. Light."""

from __future__ import annotations

from dataclasses import dataclass

from bertkit.data.cell_kinds import BOOLEAN, COMMA, INTEGER, SEPARATORS, WHOLE, parts_of
from bertkit.data.profile import Column

WIDEST = 6
"""Words of a label on average, above which cells are text with commas, and no labels."""


@dataclass(frozen=True, kw_only=True)
class Separated:
    """What splitting a column's cells at a mark gives.

    cells   distinct cells with several parts, and `most` parts in one of them
    labels  distinct parts
    shared  the share of the parts of such cells that occur in another distinct cell too
    """

    mark: str
    cells: int
    most: int
    labels: int
    shared: float

    @property
    def is_sure(self) -> bool:
        """Whether the parts are labels: they come back in other cells."""
        return self.shared >= 0.5


def separated(column: Column, mark: str) -> Separated | None:
    """What splitting the cells at `mark` gives; None if no cell has several parts, or they are text."""
    cells = [parts_of(text, mark) for text in column.values]
    combined = [parts for parts in cells if len(parts) > 1]
    if not combined:
        return None
    seen: dict[str, int] = {}
    for parts in cells:
        for part in set(parts):
            seen[part] = seen.get(part, 0) + 1
    inside = {part for parts in combined for part in parts}
    if sum(len(part.split()) for part in inside) > WIDEST * len(inside):
        return None
    return Separated(
        mark=mark,
        cells=len(combined),
        most=max(map(len, combined)),
        labels=len(seen),
        shared=sum(seen[part] > 1 for part in inside) / len(inside),
    )


def best_separated(column: Column) -> Separated | None:
    """The mark that most surely separates labels; None if none does."""
    found = [one for mark in SEPARATORS if (one := separated(column, mark))]
    return max(found, key=lambda one: (one.is_sure, one.cells), default=None)


def may_be_decimal(column: Column) -> bool:
    """Whether its cells could all be numbers with a decimal comma, or labels that a comma separates."""
    return column.has(COMMA) and column.only(COMMA, INTEGER, WHOLE, BOOLEAN)


def is_separated(column: Column) -> bool:
    """Whether its cells surely hold several labels, few in all, though they make many combinations."""
    found = best_separated(column)
    return found is not None and found.is_sure and found.labels <= max(2, 0.5 * column.filled)
