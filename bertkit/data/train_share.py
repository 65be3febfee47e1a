"""A share of the train rows, drawn from a seed: every label in its proportion, a smaller share within a larger one.

R rows, S strata.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.rows import Rows
from bertkit.errors import RequestError
from bertkit.heads import Head

BINS = 10
"""Quantile bins by which numbers are stratified."""
ROUNDING = 1e-9


def share_rows(train: Rows, head: Head, share: float, seed: int) -> Rows:
    """The first `size_of_share` rows of an order that follows from the seed, in their old order.

    The order takes turns among strata by their sizes, so that each of its beginnings is stratified: a row's stratum is
    its label; the rarest of its labels or tags; or the quantile bin of its number. Raises RequestError where the share
    is below one row of a label, or has none of it.
    """
    labels = _labels(train, head)
    check_share(train, labels, share)
    order = order_of(_strata(labels), seed)
    picked = np.sort(order[: size_of_share(len(train), share)])
    _check_drawn({name for row in labels for name in row} - {name for k in picked for name in labels[k]}, share, seed)
    origin = f"{_shown(share)} of {train.origin}, drawn by seed {seed}"
    digest = hashlib.sha256(f"{train.digest} {len(train)} share {share!r} {seed}".encode()).hexdigest()
    return replace(train, table=train.table.select(picked), origin=origin, digest=digest, there=len(picked))


def size_of_share(rows: int, share: float) -> int:
    """How many of so many rows a share is, at least one.

    >>> size_of_share(3190, 0.01), size_of_share(30, 0.01)
    (32, 1)
    """
    return max(1, round(share * rows))


def order_of(strata: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The (R,) rows of these strata in an order drawn from the seed, each beginning of which is stratified.

    Of a stratum of n rows the k-th drawn stands at (k - 1/2) / n of the way.
    """
    shuffled = np.random.default_rng(seed).permutation(len(strata))
    place = np.empty(len(strata))
    for stratum in np.unique(strata):
        of = shuffled[strata[shuffled] == stratum]
        place[of] = (np.arange(len(of)) + 0.5) / len(of)
    return shuffled[np.argsort(place[shuffled], kind="stable")]


def check_share(train: Rows, labels: Sequence[Sequence[Any]], share: float) -> None:
    """Raise RequestError for a share of the train rows, with these labels each, below one row of the rarest label."""
    counts = Counter(name for row in labels for name in row if isinstance(name, str))
    least, rows = min(counts.items(), key=lambda one: (one[1], one[0]), default=("", len(train)))
    if share * rows < 1 - ROUNDING:
        raise RequestError(
            f"{_shown(share)} of the {len(train):,} train rows is below one row with {least!r}, which {rows:,} "
            f"row{'s have' if rows > 1 else ' has'}: take at least {np.ceil(1000 / rows) / 10:g} %"
        )


def _check_drawn(lacking: set[Any], share: float, seed: int) -> None:
    """Raise RequestError if a label is in no row that was drawn: of rows with several labels it may be so."""
    names = sorted(name for name in lacking if isinstance(name, str))
    if names:
        raise RequestError(
            f"{_shown(share)} of the train rows, drawn by seed {seed}, have no row with {names[0]!r}: "
            "take a larger share, or another seed"
        )


def _labels(train: Rows, head: Head) -> list[tuple[Any, ...]]:
    """What each row is stratified by: its labels or tags, or the bin of its number; None where it has nothing."""
    golds = list(train.table.column(head.roles[-1]))
    if golds and isinstance(head.strata(golds[0]), float):
        numbers = np.array([head.strata(gold) for gold in golds], float)
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
        return [(int(one),) for one in np.searchsorted(edges, numbers)]
    return [tuple(dict.fromkeys(head.parts_of(gold))) or (None,) for gold in golds]


def _strata(labels: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    """(R,) the stratum of each row: the rarest of its labels."""
    counts = Counter(name for row in labels for name in row)
    rank = {name: k for k, name in enumerate(sorted(counts, key=lambda name: (counts[name], str(name))))}
    return np.array([min(rank[name] for name in row) for row in labels], np.int64)


def _shown(share: float) -> str:
    return f"{100 * share:.4g} %"
