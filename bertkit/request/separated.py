"""Whether the cells of a label's column hold several labels, and what separates them. Light."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bertkit.data.cell_kinds import BOOLEAN, COMMA, INTEGER, SEPARATORS, WHOLE, parts_of
from bertkit.data.profile import Column

WIDEST = 6
"""Words of a label on average, above which cells are text with commas, and no labels."""
RARE_MARKS = ("/", "+", "&", " ")
"""What separates labels too, but stands within names as well: taken only where --head says multi-label."""
UNREADABLE = re.compile(r"""\[.*[\s,'"].*\]|\{.*\}|\(\s*['"].*\)|<[^<>]+>(\s*,?\s*<[^<>]+>)+""", re.S)
"""A list that is neither JSON's nor Python's: [a, b], {'a', 'b'}, ['a' 'b'] of NumPy, ('a', 'b'), <a><b>."""
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


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


def rare_mark(column: Column) -> str | None:
    """The rare mark at which half of the cells with it fall into labels; None if none does.

    A part is a label if it is a cell by itself, or stands at several places: `joy` of joy, joy/love, anger/joy; but not
    `very` of good, very good, very bad.
    """
    for mark in RARE_MARKS:
        cells = [parts_of(text, mark) for text in column.values]
        places: dict[str, set[int]] = {}
        for parts in cells:
            for place, part in enumerate(parts):
                places.setdefault(part, set()).add(place if len(parts) > 1 else -1)
        free = {part for part, found in places.items() if -1 in found or len(found) > 1}
        combined = [parts for parts in cells if len(parts) > 1]
        if combined and 2 * sum(set(parts) <= free for parts in combined) >= len(combined):
            return mark
    return None


def may_have_thousands(column: Column) -> bool:
    """Whether all its commas may separate thousands, as in 1,370."""
    commas = [text.strip() for text in column.values if "," in text]
    return bool(commas) and all(map(THOUSANDS.fullmatch, commas))


def may_be_decimal(column: Column) -> bool:
    """Whether its cells could all be numbers with a decimal comma, or labels that a comma separates."""
    return column.has(COMMA) and column.only(COMMA, INTEGER, WHOLE, BOOLEAN)


def is_separated(column: Column) -> bool:
    """Whether its cells surely hold several labels, few in all, though they make many combinations."""
    found = best_separated(column)
    return found is not None and found.is_sure and found.labels <= max(2, 0.5 * column.filled)
