"""Divide rows into parts: by quartiles of a number, or by the values that they have.

R rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 12
"""Values that have a part of their own; the others share one."""
MISSING = ("-", "na", "n/a", "none", "null", "nan")
"""What stands for a number that is missing, in lower case. Among labels each may be one."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Division:
    """Parts of R rows: for each name which rows are in it, (R,). A row may be in several, or in none.

    by  what they are divided by
    """

    by: str
    parts: Mapping[str, Mask]


def quartered(by: str, numbers: Sequence[float] | NDArray[Any]) -> Division:
    """Four parts with about as many rows, by their numbers (NaN for none); equal numbers are in one part."""
    values = np.asarray(numbers, np.float64)
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return Division(by=by, parts={})
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75, 1], method="inverted_cdf"))
    found, parts = np.searchsorted(edges, values, side="left"), {}
    for place in range(len(edges)):
        mask = found == place
        parts[_span(values[mask].min(), values[mask].max())] = mask
    assert len(parts) == len(edges), "two parts of one name"
    return Division(by=by, parts=parts)


def _span(low: float, high: float) -> str:
    return _written(low) if low == high else f"{_written(low)} to {_written(high)}"


def _written(number: float) -> str:
    """An integer whole, another number with as many digits as tell it from others."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def by_value(by: str, names: Sequence[Sequence[str]]) -> Division:
    """A part for each of the MOST commonest names that rows have, and one for rows with any other."""
    counts = Counter(name for several in names for name in set(several))
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    own = ordered[:MOST] if len(ordered) > MOST + 1 else ordered
    part = {name: name for name in own}
    rest = f"other ({len(ordered) - len(own):,})"
    parts = {name: np.zeros(len(names), bool) for name in [*own, *([rest] if len(own) < len(ordered) else [])]}
    for row, several in enumerate(names):
        for name in several:
            parts[part.get(name, rest)][row] = True
    return Division(by=by, parts=parts)


def by_column(by: str, cells: Sequence[Any]) -> Division:
    """The parts by a column's cells: quartiles of numbers with more than MOST values, else a part a value."""
    texts = ["" if is_empty(cell) else str(cell).strip() for cell in cells]
    numbers = [_number(text) for text in texts]
    known = {number for number in numbers if number is not None}
    others = {text for number, text in zip(numbers, texts, strict=True) if number is None and text}
    if len(known) > MOST and all(text.casefold() in MISSING for text in others):
        return quartered(by, [float("nan") if number is None else number for number in numbers])
    return by_value(by, [[text or "(empty)"] for text in texts])


def by_agreement(by: str, given: Sequence[Sequence[Any]]) -> Division:
    """Rows whose annotators all gave the same label, and the others; rows with fewer than two labels are in neither."""
    names = []
    for several in given:
        labels = [str(label).strip() for label in several if not is_empty(label)]
        names.append([] if len(labels) < 2 else ["agree" if len(set(labels)) == 1 else "disagree"])
    return by_value(by, names)


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: it is missing, blank, or the number that is none."""
    return cell is None or cell != cell or not str(cell).strip()


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None
