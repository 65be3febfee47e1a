"""A memory-mapped Arrow table of rows: what datasets.Dataset does, without its import time.

R rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Columns = Mapping[str, Sequence[Any]]
Picked = Sequence[int] | NDArray[np.int64] | range

CHUNK = 1_000
"""Rows converted to Python values at once."""


class Table:
    """R rows: `len(table)`, a column by its name, columns of a slice or of some rows, or a row at a time."""

    def __init__(self, batches: Sequence[pa.RecordBatch], schema: pa.Schema, picked: Picked | None = None) -> None:
        self._batches = batches
        self._schema = schema
        self._ends = np.cumsum([len(batch) for batch in batches], dtype=np.int64)
        self._picked = None if picked is None else np.asarray(picked, np.int64)

    @classmethod
    def from_file(cls, path: Path) -> Table:
        """The rows of an Arrow file, memory-mapped. Raises pyarrow's ArrowInvalid if it is not one, or is truncated."""
        with pa.ipc.open_file(pa.memory_map(str(path))) as file:
            return cls([file.get_batch(k) for k in range(file.num_record_batches)], file.schema)

    @classmethod
    def from_columns(cls, columns: Columns) -> Table:
        """Rows in memory."""
        table = pa.table({name: list(column) for name, column in columns.items()})
        return cls(table.to_batches(), table.schema)

    @property
    def column_names(self) -> list[str]:
        """The columns' names."""
        return list(self._schema.names)

    def __len__(self) -> int:
        if self._picked is not None:
            return len(self._picked)
        return int(self._ends[-1]) if len(self._ends) else 0

    def select(self, rows: Picked) -> Table:
        """These rows, in this order; nothing is copied."""
        rows = np.asarray(rows, np.int64)
        return Table(self._batches, self._schema, rows if self._picked is None else self._picked[rows])

    def select_columns(self, names: Sequence[str]) -> Table:
        """These columns."""
        batches = [batch.select(list(names)) for batch in self._batches]
        return Table(batches, pa.schema([self._schema.field(name) for name in names]), self._picked)

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    @overload
    def __getitem__(self, key: slice | Picked) -> dict[str, list[Any]]: ...
    def __getitem__(self, key: str | slice | Picked) -> Any:
        if isinstance(key, str):
            return self.select_columns([key])[:][key]
        rows = np.arange(*key.indices(len(self))) if isinstance(key, slice) else np.asarray(key, np.int64)
        if self._picked is not None:
            rows = self._picked[rows]
        return pa.Table.from_batches(list(self._parts(rows)), self._schema).to_pydict()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = self.column_names
        for start in range(0, len(self), CHUNK):
            columns = self[start : start + CHUNK]
            yield from (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))

    def column(self, name: str) -> Column:
        """A column whose values are converted when they are read."""
        return Column(self.select_columns([name]))

    def to_list(self) -> list[dict[str, Any]]:
        """Every row as a mapping."""
        return list(self)

    def _parts(self, rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
        """The rows as slices of the batches, one for each run of consecutive rows."""
        if not len(rows):
            return
        batch = np.searchsorted(self._ends, rows, side="right")
        breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(batch) != 0)) + 1
        firsts = np.concatenate([np.zeros(1, np.int64), breaks])
        for first, end in zip(firsts, [*breaks, len(rows)], strict=True):
            held = self._batches[batch[first]]
            start = int(rows[first] - self._ends[batch[first]]) + len(held)
            yield held.slice(start, int(end - first))


class Column(Sequence[Any]):
    """A column of a table: its values are converted one at a time, or a chunk at a time when all are read."""

    def __init__(self, table: Table) -> None:
        self._table = table
        (self._name,) = table.column_names

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> list[Any]: ...
    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return self._table[key][self._name]
        return self._table[[range(len(self))[key]]][self._name][0]

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]
