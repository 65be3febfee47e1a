"""Rows -> features, in files that are mapped into memory; a row that is wanted before its turn is encoded at once.

F features. What training holds in memory grows with the batch, not with the rows.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np

from bertkit.features import Array, Features, Ragged
from bertkit.heads import Head, Span, Window
from bertkit.order import Indices
from bertkit.rows import cache_folder
from bertkit.table import Columns, Table

BLOCK = 4_096
"""Rows that are sorted by length, and answered, together."""

CHUNK = 2_000
"""Rows that are encoded at once."""


class Worker(ThreadPoolExecutor):
    """A thread that encodes in the background; when it is left, it stops after the rows it is at."""

    def __init__(self) -> None:
        super().__init__(1)
        self.stopped = Event()

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self.shutdown(cancel_futures=True)


def encode(head: Head, table: Table, tokenizer: Any, window: Window, stopped: Event | None = None) -> Features:
    """The features of all rows, `row` counting over the whole table; in files that go with the value.

    Raises CancelledError once `stopped` is set.
    """
    with ExitStack() as files:
        parts = _Parts(files)
        for start in range(0, len(table), CHUNK):
            if stopped and stopped.is_set():
                raise CancelledError
            part = head.encode(table[start : start + CHUNK], tokenizer, window)
            parts.add(replace(part, row=part.row + start))
        return parts.features()


def ahead(head: Head, rows: Table | Columns, tokenizer: Any, window: Window) -> Iterator[tuple[Columns, Features]]:
    """The rows by the BLOCK with their features; while one block is worked on, the next is encoded."""
    names = list(rows.column_names if isinstance(rows, Table) else rows)
    total = len(rows if isinstance(rows, Table) else rows[names[0]])

    def block(start: int) -> tuple[Columns, Features]:
        end = start + BLOCK
        columns = rows[start:end] if isinstance(rows, Table) else {name: rows[name][start:end] for name in names}
        return columns, head.encode(columns, tokenizer, window)

    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(block, 0)
        for start in range(BLOCK, total + BLOCK, BLOCK):
            there = coming.result()
            if start < total:
                coming = worker.submit(block, start)
            yield there


def rows_cut(features: Features) -> int:
    """Of how many rows `max_length` cut something off."""
    return len(np.unique(features.row[features.cut]))


class Encoded:
    """The features of a table, encoded in the background once more than one batch was asked for.

    Until they are all there, a batch's own rows are encoded when it is asked for. A span head's features
    are windows, whose number nobody knows before: there everything waits for all of them.
    """

    def __init__(
        self,
        head: Head,
        table: Table,
        tokenizer: Any,
        window: Window,
        worker: Worker,
        then: Sequence[Encoded] = (),
    ) -> None:
        """`then` are encoded after these, by the same worker."""
        self._given = head, table, tokenizer, window
        self._worker = worker
        self._then = then
        self._asked = 0
        self._whole: Future[Features] | None = None
        if isinstance(head, Span):
            self.begin()

    def begin(self) -> None:
        """Have all rows encoded in the background."""
        head, table, tokenizer, window = self._given
        if self._whole is None:  # a tokenizer serves one thread at a time
            self._whole = self._worker.submit(
                encode, head, table, copy.deepcopy(tokenizer), window, self._worker.stopped
            )
            for other in self._then:
                other.begin()

    @property
    def whole(self) -> Features:
        """All features; waits for them."""
        self.begin()
        assert self._whole
        return self._whole.result()

    @property
    def _there(self) -> bool:
        return isinstance(self._given[0], Span) or (self._whole is not None and self._whole.done())

    def __len__(self) -> int:
        return len(self.whole) if self._there else len(self._given[1])

    def take(self, features: Indices) -> Features:
        """These features, in this order."""
        if self._there:
            return self.whole.take(features)
        self._asked += 1
        if self._asked > 1:
            self.begin()
        head, table, tokenizer, window = self._given
        return head.encode(table[features], tokenizer, window)

    def lengths_of(self, features: Indices) -> Indices:
        """Tokens of these features."""
        if self._there or len(features) > CHUNK:
            return self.whole.lengths_of(features)
        return self.take(features).lengths


class _Parts:
    """Features that are added part by part, each array to a file of its own."""

    def __init__(self, files: ExitStack) -> None:
        self._files = files
        self._runs: dict[str, _Runs] = {}
        self._row, self._cut = _Column(files), _Column(files)
        self._shape: Features | None = None

    def add(self, part: Features) -> None:
        """`part`, behind the others."""
        self._shape = part
        self._row.add(part.row)
        self._cut.add(part.cut)
        for name, runs in _named(part).items():
            self._runs.setdefault(name, _Runs(self._files)).add(runs)

    def features(self) -> Features:
        """All of them."""
        assert self._shape
        runs = {name: kept.mapped() for name, kept in self._runs.items()}
        return Features(
            row=self._row.mapped(),
            inputs={name: runs[f"inputs {name}"] for name in self._shape.inputs},
            targets=runs.get("targets"),
            cut=self._cut.mapped(),
            places={name: runs[f"places {name}"] for name in self._shape.places},
        )


def _named(part: Features) -> dict[str, Ragged]:
    named = {f"inputs {name}": runs for name, runs in part.inputs.items()}
    named |= {f"places {name}": runs for name, runs in part.places.items()}
    return named if part.targets is None else {**named, "targets": part.targets}


class _Runs:
    """Runs that are added part by part."""

    def __init__(self, files: ExitStack) -> None:
        self._values = _Column(files)
        self._offsets = _Column(files)
        self._end = 0

    def add(self, runs: Ragged) -> None:
        self._values.add(runs.values)
        self._offsets.add(self._end + runs.offsets[:-1])
        self._end += int(runs.offsets[-1])

    def mapped(self) -> Ragged:
        self._offsets.add(np.array([self._end], np.int64))
        return Ragged(self._values.mapped(), self._offsets.mapped())


class _Column:
    """An array that is added to part by part, in a file that has no name and is gone with its last reader."""

    def __init__(self, files: ExitStack) -> None:
        self._file = files.enter_context(tempfile.TemporaryFile(dir=cache_folder("features")))  # noqa: SIM115  # `files` does
        self._dtype: np.dtype[Any] | None = None
        self._shape: tuple[int, ...] = ()
        self._length = 0

    def add(self, values: Array) -> None:
        self._dtype, self._shape = values.dtype, values.shape[1:]
        self._length += len(values)
        self._file.write(np.ascontiguousarray(values).tobytes())

    def mapped(self) -> Any:
        assert self._dtype is not None
        shape = (self._length, *self._shape)
        if not self._length:  # an empty file cannot be mapped
            return np.empty(shape, self._dtype)
        self._file.flush()
        return np.memmap(self._file, self._dtype, "r", shape=shape).view(np.ndarray)
