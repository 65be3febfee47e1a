"""Encode rows into memory-mapped feature files in the background; a row needed earlier is encoded at once.

F features. What training holds in memory grows with the batch, not with the rows.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any, TypeVar

import numpy as np

from bertkit import __version__
from bertkit.data.feature_files import cached_features
from bertkit.data.rows import Rows
from bertkit.data.sampler import Indices
from bertkit.data.table import Columns, Table
from bertkit.heads import Head, Window
from bertkit.heads.features import Features

FEATURES = 2
"""Version of the encoding; increase it when that changes, so that cached features are encoded again."""

BLOCK = 4_096
"""Rows that are sorted by length and predicted together."""

CHUNK = 2_000
"""Rows per tokenizer call."""

T = TypeVar("T")


class Worker(ThreadPoolExecutor):
    """A thread that encodes in the background; on exit it stops after the current chunk of rows."""

    def __init__(self) -> None:
        super().__init__(1)
        self.stopped = Event()

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self.shutdown(cancel_futures=True)


def encode(
    head: Head, table: Table, tokenizer: Any, window: Window, stopped: Event | None = None, key: str | None = None
) -> Features:
    """The features of all rows, `row` counting over the whole table, in memory-mapped files, cached under `key`.

    Raises CancelledError once `stopped` is set.
    """

    def parts() -> Iterator[Features]:
        for start in range(0, len(table), CHUNK):
            if stopped and stopped.is_set():
                raise CancelledError
            part = head.encode(table[start : start + CHUNK], tokenizer, window)
            yield replace(part, row=part.row + start)

    return cached_features(key, parts)


def key_of(head: Head, rows: Rows, tokenizer_digest: str, window: Window) -> str:
    """SHA-256 of what the features of `rows` depend on: rows and tokenizer by their bytes, head, lengths, our code."""
    parts = [FEATURES, __version__, rows.digest, len(rows), tokenizer_digest, repr(head), repr(window)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def blocks_of(rows: Table | Columns) -> Iterator[Columns]:
    """The rows in blocks of BLOCK."""
    names = list(rows.column_names if isinstance(rows, Table) else rows)
    total = len(rows if isinstance(rows, Table) else rows[names[0]])
    for start in range(0, total, BLOCK):
        end = start + BLOCK
        yield rows[start:end] if isinstance(rows, Table) else {name: rows[name][start:end] for name in names}


def ahead(
    head: Head, blocks: Iterable[tuple[T, Columns]], tokenizer: Any, window: Window
) -> Iterator[tuple[T, Columns, Features | None]]:
    """The blocks with their features, None for one without rows; the next is read and encoded while one is used."""
    coming = iter(blocks)

    def following() -> tuple[T, Columns, Features | None] | None:
        there = next(coming, None)
        if there is None:
            return None
        columns = there[1]
        return (*there, head.encode(columns, tokenizer, window) if len(columns[head.roles[0]]) else None)

    with ThreadPoolExecutor(1) as worker:
        block = worker.submit(following).result()
        while block is not None:
            waiting = worker.submit(following)
            yield block
            block = waiting.result()


def rows_cut(features: Features) -> int:
    """How many rows `max_length` truncated."""
    return len(np.unique(features.row[features.cut]))


def counted(features: Features) -> dict[str, int]:
    """The features' counts that are not zero, summed, by name."""
    sums = {name: int(count.sum()) for name, count in features.counts.items()}
    return {name: count for name, count in sums.items() if count}


class Encoded:
    """The features of a table, encoded in the background once more than one batch was asked for.

    Until all are ready, a batch is encoded on request. A span head's features are windows, whose number is unknown
    before: there every call waits for all of them.
    """

    def __init__(
        self,
        head: Head,
        table: Table,
        tokenizer: Any,
        window: Window,
        *,
        worker: Worker,
        then: Sequence[Encoded] = (),
        key: str | None = None,
    ) -> None:
        """`then` are encoded after these, by the same worker; `key` is the cache key."""
        self._given = head, table, tokenizer, window
        self._worker = worker
        self._then = then
        self._key = key
        self._asked = 0
        self._whole: Future[Features] | None = None
        if head.is_windowed:
            self.begin()

    def begin(self) -> None:
        """Start to encode all rows in the background."""
        head, table, tokenizer, window = self._given
        if self._whole is None:  # a tokenizer serves one thread at a time
            self._whole = self._worker.submit(
                encode, head, table, copy.deepcopy(tokenizer), window, self._worker.stopped, self._key
            )
            for other in self._then:
                other.begin()

    @property
    def all_features(self) -> Features:
        """All features; waits for them."""
        self.begin()
        assert self._whole
        return self._whole.result()

    @property
    def _there(self) -> bool:
        return self._given[0].is_windowed or (self._whole is not None and self._whole.done())

    def __len__(self) -> int:
        return len(self.all_features) if self._there else len(self._given[1])

    def take(self, features: Indices, epoch: int = 0) -> Features:
        """These features, in this order; they are the same in every epoch."""
        if self._there:
            return self.all_features.take(features)
        self._asked += 1
        if self._asked > 1:
            self.begin()
        head, table, tokenizer, window = self._given
        found = head.encode(table[features], tokenizer, window)
        return replace(found, row=np.asarray(features)[found.row])

    def lengths_of(self, features: Indices) -> Indices:
        """Tokens of these features."""
        if self._there or len(features) > CHUNK:
            return self.all_features.lengths_of(features)
        return self.take(features).lengths
