"""Vectors in place of texts: a row is a sequence of T vectors of D numbers, which a linear map brings into the encoder.

R rows, T_i vectors of row i, D numbers of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bertkit.errors import DataError

if TYPE_CHECKING:
    from bertkit.heads.features import Features
    from bertkit.heads.window import Window

ROLE = "vectors"
"""The column of the vectors, and the name of the input that models read."""

VECTOR = -1
"""The id, among a feature's `input_ids`, of a place that holds a vector and no token."""

WIDTH = "vector_width"
"""Where a model's config says D."""


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors that a head reads.

    width      D
    mean, deviation  of each of the D numbers over all vectors of the train rows, once they are read; () before. A model
               reads (x - mean) / deviation, as speech features are usually normalised; 1 where all are the same
    """

    width: int
    mean: tuple[float, ...] = field(default=(), repr=False)  # features do not depend on it
    deviation: tuple[float, ...] = field(default=(), repr=False)

    def fitted(self, column: Iterable[Sequence[Sequence[float]]]) -> Vectors:
        """The vectors with mean and deviation of those in this column, summed in float64 in the rows' order."""
        import numpy as np

        count, mean, squares = 0, np.zeros(self.width), np.zeros(self.width)
        for row in column:  # Welford, by rows (Chan, Golub and LeVeque 1983, equation 1.5): exact for large means too
            table = np.asarray(row, np.float64)
            own, distance = table.mean(axis=0), table.mean(axis=0) - mean
            squares += ((table - own) ** 2).sum(axis=0) + distance**2 * count * len(table) / (count + len(table))
            mean = mean + distance * len(table) / (count + len(table))
            count += len(table)
        deviation = np.sqrt(squares / max(count, 1))
        deviation[deviation == 0] = 1
        return replace(self, mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))


def schema_of() -> dict[str, Any]:
    """The Arrow type of the column."""
    import pyarrow as pa

    return {ROLE: pa.list_(pa.list_(pa.float32()))}


def checked_vectors(where: str, raw: Any, width: int) -> list[list[float]]:
    """The (T, D) vectors of a row in fp32, as lists. Raises DataError, naming vector and number, counted from 1."""
    import numpy as np

    if not isinstance(raw, list | tuple | np.ndarray):
        raise DataError(f"{where}: the vectors are {_shown(raw)}, not a list of lists of numbers")
    if not len(raw):
        raise DataError(f"{where}: an empty sequence, without a vector")
    try:
        table = np.asarray(raw)
    except ValueError:  # rows of unequal length
        table = np.empty(0, object)
    if table.dtype.kind not in "iuf" or table.ndim != 2 or table.shape[1] != width:
        raise DataError(f"{where}: {_what_is_wrong(raw, width)}")
    with np.errstate(over="ignore"):
        table = table.astype(np.float32)
    if not np.isfinite(table).all():
        vector, number = (int(one) for one in np.argwhere(~np.isfinite(table))[0])
        found = raw[vector][number]
        raise DataError(f"{where}: vector {vector + 1}, number {number + 1} is {found}, not finite in fp32")
    lists: list[list[float]] = table.tolist()
    return lists


def _what_is_wrong(raw: Any, width: int) -> str:
    """Why a row is no table of numbers of this width."""
    import numpy as np

    for place, vector in enumerate(raw, 1):
        if not isinstance(vector, list | tuple | np.ndarray):
            return f"vector {place} is {_shown(vector)}, not a list of numbers"
        for number, one in enumerate(vector, 1):
            if isinstance(one, bool) or not isinstance(one, int | float | np.integer | np.floating):
                return f"vector {place}, number {number} is {_shown(one)}, not a number"
        if len(vector) != width:
            return f"vector {place} has {len(vector):,} numbers, and {width:,} are read"
    return "the vectors are not a list of lists of numbers"


def _shown(value: Any) -> str:
    return "empty" if value is None else repr(value)[:40]


def has_vectors(cell: Any) -> bool:
    """Whether a raw cell is a list of lists, the first of them of numbers."""
    first = cell[0] if isinstance(cell, list) and cell else None
    return isinstance(first, list) and bool(first) and all(type(one) in (int, float) for one in first)


def vector_features(rows: Mapping[str, Sequence[Any]], width: int, tokenizer: Any, window: Window) -> Features:
    """One feature a row, without targets: its vectors between the tokens that `tokenizer` puts around a text.

    `places["first"]` has, for each vector, its place among the tokens, or -1 where `max_length` cuts it off.
    """
    import numpy as np

    from bertkit.heads.features import Features, Ragged

    before, after = around(tokenizer)
    most = max(window.max_length - len(before) - len(after), 0)
    tables = [np.asarray(row, np.float32).reshape(-1, width) for row in rows[ROLE]]
    kept = [min(len(table), most) for table in tables]
    zeros = [np.zeros((len(tokens), width), np.float32) for tokens in (before, after)]
    values = [np.concatenate([zeros[0], table[:k], zeros[1]]) for table, k in zip(tables, kept, strict=True)]
    firsts = [
        [len(before) + place if place < k else -1 for place in range(len(table))]
        for table, k in zip(tables, kept, strict=True)
    ]
    return Features(
        row=np.arange(len(tables)),
        inputs={
            "input_ids": Ragged.of([[*before, *[VECTOR] * k, *after] for k in kept], "int32"),
            ROLE: Ragged.of(values, "float32", width),
        },
        targets=None,
        cut=np.array([len(table) > k for table, k in zip(tables, kept, strict=True)], bool),
        places={"first": Ragged.of(firsts, "int32")},
    )


def around(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The ids of the special tokens before and after a text: those of [CLS] and [SEP] for BERT."""
    ids = [int(one) for one in tokenizer("")["input_ids"]]
    opens = ids[:1] if ids and ids[0] in (tokenizer.cls_token_id, tokenizer.bos_token_id) else []
    return opens, ids[len(opens) :]
