"""Rows whose texts are equal but for case and white space; which rows of an evaluation are train rows too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bertkit.data.rows import Rows
    from bertkit.data.table import Table

Mask = NDArray[np.bool_]


def alike_texts(table: Table, columns: Sequence[str]) -> Iterator[str]:
    """Each row's texts in these columns, joined: lower case, one space between words. Equal ones are duplicates."""
    for parts in zip(*(table.column(column) for column in columns), strict=True):
        yield "\0".join(" ".join(_text(part).casefold().split()) for part in parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(map(str, value or ()))


def leaked(evaluations: Mapping[str, Rows], trained: Sequence[Rows], columns: Sequence[str]) -> dict[str, Mask]:
    """By evaluation, (R,) which of its rows equal one that was trained on, by their texts in `columns`.

    Train rows are read once, and none is held: only the texts of the evaluations are.
    """
    texts = {name: list(alike_texts(rows.table, columns)) for name, rows in evaluations.items()}
    asked = {text for several in texts.values() for text in several}
    found = {text for rows in trained for text in alike_texts(rows.table, columns) if text in asked}
    return {name: np.array([text in found for text in several], bool) for name, several in texts.items()}
