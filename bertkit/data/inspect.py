"""Look at the rows of a run's splits: labels, lengths, duplicates, and what stands in two splits.

Rows are read in blocks, and only numbers are kept of them: R rows, 64-bit hashes and lengths as arrays (R,).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.rows import Rows
from bertkit.heads import Head

Ints = NDArray[np.int64]
BLOCK = 1_000
MIXED = np.int64(0x1E3779B97F4A7C15)
"""An odd number, with which a hash of two hashes is made."""
MANY = 20_000
"""Distinct labels that are counted."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Median, 95th percentile and maximum of a length."""

    median: float
    p95: float
    max: int

    @classmethod
    def of(cls, values: NDArray[Any]) -> Spread:
        """Of these values; zeros of none."""
        if not len(values):
            return cls(median=0.0, p95=0.0, max=0)
        return cls(median=float(np.median(values)), p95=float(np.percentile(values, 95)), max=int(values.max()))


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Golds that are numbers."""

    low: float
    mean: float
    sd: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What one split holds.

    labels      label -> rows (words, of tags), in the head's order; further ones behind it. None of numbers or answers
    numbers     of golds that are numbers
    duplicates  rows whose inputs and gold stand in an earlier row, and `near` the same but for case and white space
    words       of each row, or its vectors
    two_labels  distinct inputs that have different golds
    exact, normalised   (R,) a hash of each row's inputs, as they are, and without regard to case and white space
    """

    rows: int
    labels: Mapping[str, int] = field(default_factory=dict)
    numbers: Numbers | None = None
    characters: Spread
    words: Spread
    duplicates: int
    near: int
    two_labels: int
    exact: Ints
    normalised: Ints


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How many rows of `split` have inputs that stand in `other` too: as they are, and but for case and white space."""

    split: str
    other: str
    exact: int
    normalised: int


def blocks(rows: Rows, roles: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
    """The columns of these roles, a block of rows at a time."""
    table = rows.table.select_columns([role for role in roles if role in rows.table.column_names])
    for start in range(0, len(table), BLOCK):
        yield table[start : start + BLOCK]


def inspect(rows: Rows, head: Head, golds: bool = True) -> Inspected:
    """What a split holds; its golds too, if it has some."""
    seen = _Seen(head, golds)
    for columns in blocks(rows, head.roles):
        inputs = [columns[role] for role in head.roles[:-1] if role in columns]
        answers = columns.get(head.roles[-1]) if golds else None
        for place, parts in enumerate(zip(*inputs, strict=True)):
            seen.add(parts, answers[place] if answers else None)
    return seen.close()


def overlaps(found: Mapping[str, Inspected]) -> list[Overlap]:
    """For each pair of splits, the later one against the earlier, how many rows stand in both."""
    names = list(found)
    return [
        Overlap(
            split=later,
            other=earlier,
            exact=int(np.isin(found[later].exact, found[earlier].exact).sum()),
            normalised=int(np.isin(found[later].normalised, found[earlier].normalised).sum()),
        )
        for place, later in enumerate(names)
        for earlier in names[:place]
    ]


class _Seen:
    """Collects the rows of one split, as numbers."""

    def __init__(self, head: Head, golds: bool) -> None:
        self._head = head
        self._golds = golds
        self._labels: dict[str, int] = dict.fromkeys(head.label_names, 0)
        self._numbers: list[float] = []
        self._columns: dict[str, list[int]] = {
            name: [] for name in ("exact", "normalised", "gold", "characters", "words")
        }
        self._parts: dict[str, list[Ints]] = {name: [] for name in self._columns}

    def add(self, parts: Sequence[Any], gold: Any) -> None:
        texts = tuple(part if isinstance(part, str) else " ".join(map(str, part)) for part in parts if part is not None)
        columns = self._columns
        columns["exact"].append(hash(texts))
        columns["normalised"].append(hash(tuple(" ".join(text.casefold().split()) for text in texts)))
        columns["characters"].append(sum(map(len, texts)))
        vectors = self._head.of_vectors is not None
        columns["words"].append(len(parts[0]) if vectors else sum(len(text.split()) for text in texts))
        columns["gold"].append(self._note(gold))
        if len(columns["exact"]) == BLOCK:
            self._flush()

    def _note(self, gold: Any) -> int:
        """Count a gold; a hash of it."""
        if isinstance(gold, float | int) and not isinstance(gold, bool):
            self._numbers.append(float(gold))
            return hash(float(gold))
        if isinstance(gold, str):
            self._count(gold)
            return hash(gold)
        if isinstance(gold, list):
            for item in gold:
                if isinstance(item, str):
                    self._count(item)
            several = gold and isinstance(gold[0], str) and not self._head.reads_words  # a row's labels have no order
            return hash(frozenset(gold)) if several else hash(repr(gold))
        return 0

    def _count(self, name: str) -> None:
        if name in self._labels or len(self._labels) < MANY:
            self._labels[name] = self._labels.get(name, 0) + 1

    def _flush(self) -> None:
        for name, values in self._columns.items():
            self._parts[name].append(np.array(values, np.int64))
            values.clear()

    def close(self) -> Inspected:
        self._flush()
        whole = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        rows = len(whole["exact"])
        texts, golds = (whole["exact"], whole["gold"]) if self._golds else (whole["exact"], np.zeros(rows, np.int64))
        numbers = np.array(self._numbers)
        return Inspected(
            rows=rows,
            labels={} if self._numbers else self._labels,
            numbers=_numbers(numbers) if self._numbers else None,
            characters=Spread.of(whole["characters"]),
            words=Spread.of(whole["words"]),
            duplicates=rows - _distinct(texts, golds),
            near=rows - _distinct(whole["normalised"], golds),
            two_labels=_with_two(whole["normalised"], golds),
            exact=whole["exact"],
            normalised=whole["normalised"],
        )


def _numbers(values: NDArray[np.float64]) -> Numbers:
    return Numbers(low=float(values.min()), mean=float(values.mean()), sd=float(values.std()), high=float(values.max()))


def _distinct(texts: Ints, golds: Ints) -> int:
    """How many different pairs there are."""
    return len(np.unique(texts * MIXED + golds))  # 64-bit hashes, which wrap around


def _with_two(texts: Ints, golds: Ints) -> int:
    """How many different texts have several golds."""
    order = np.lexsort((golds, texts))
    texts, golds = texts[order], golds[order]
    changed = (texts[1:] == texts[:-1]) & (golds[1:] != golds[:-1])
    return len(np.unique(texts[1:][changed]))
