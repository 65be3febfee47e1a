"""Checks of raw values that heads share. Each raises DataError that begins with `where`."""

from __future__ import annotations

import math
from typing import Any

from bertkit.errors import DataError


def text(where: str, role: str, value: Any) -> str:
    """`value`, checked to be non-empty text that UTF-8 can encode."""
    if not isinstance(value, str) or not value.strip():
        kind = "empty" if value is None or isinstance(value, str) else f"a {type(value).__name__}, not text"
        raise DataError(f"{where}: the {role} is {kind}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: the {role} holds half a surrogate pair, which is no character") from error
    return value


def listed(where: str, what: str, value: Any) -> list[Any]:
    """`value`, checked to be a list."""
    if not isinstance(value, list):
        raise DataError(f"{where}: the {what} are a {type(value).__name__}, not a list")
    return value


def words(where: str, value: Any, lines: Any) -> list[str]:
    """`value`, checked to be a list of words, at least one and none of them empty; `lines` as in `word_place`."""
    found = listed(where, "words", value)
    for place, word in enumerate(found):
        text(word_place(where, lines, place), "word", word)
    if not found:
        raise DataError(f"{where}: a sentence without words")
    return found


def number(where: str, raw: Any, low: float | None = None, high: float | None = None) -> float:
    """`raw` as a finite number, from `low` to `high` where those are given."""
    try:
        found = float(raw)
    except (TypeError, ValueError):
        raise DataError(f"{where}: '{raw}' is not a number") from None
    if low is not None and high is not None and not low <= found <= high:
        raise DataError(f"{where}: {found:g} is not between {low:g} and {high:g}")
    if not math.isfinite(found):
        raise DataError(f"{where}: '{raw}' is not a finite number")
    if (low is not None and found < low) or (high is not None and found > high):
        bound = f"less than {low:g}" if low is not None else f"more than {high:g}"
        raise DataError(f"{where}: {found:g} is {bound}")
    return found


def word_place(where: str, lines: Any, place: int) -> str:
    """The place of a word: its line if the reader gives the words' `lines`, else its row's place."""
    line = lines[place] if isinstance(lines, list) and place < len(lines) else None
    return f"{where.rpartition(', ')[0]}, line {line}" if isinstance(line, int) else where
