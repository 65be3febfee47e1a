"""Whether vectors separate senses: cosines, a permutation test over labels, nearest neighbours, thresholds.

N vectors of H dimensions, P splits, K senses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb, factorial, prod

import numpy as np
from numpy.typing import NDArray

MOST_SPLITS = 20_000
"""Distinct splits up to which every one is tried."""
DRAWN = 9_999
"""Splits that are drawn where there are more."""
BLOCK = 1_000
"""Splits that are tried at once."""
NEAR = 1e-6
"""Cosines that differ by less are the same: rounding."""

Table = NDArray[np.float64]
Codes = NDArray[np.int64]


def cosines(vectors: NDArray[np.floating], centre: NDArray[np.floating] | None = None) -> Table:
    """(N, N) cosines of (N, H) vectors, or of these less a (H,) centre; 0 for a vector of length 0."""
    units = unit(vectors, centre)
    return units @ units.T


def unit(vectors: NDArray[np.floating], centre: NDArray[np.floating] | None = None) -> Table:
    """(N, H) vectors, less a centre if one is given, at length 1; those of length 0 stay so."""
    moved = np.asarray(vectors, float) - (0.0 if centre is None else np.asarray(centre, float))
    lengths = np.linalg.norm(moved, axis=-1, keepdims=True)
    found: Table = np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0)
    return found


def within_and_across(similarities: Table, codes: Codes) -> tuple[float, float]:
    """The mean of (N, N) similarities over pairs of one sense, and over pairs of two."""
    pairs = np.triu(np.ones_like(similarities, bool), 1)
    same = codes[:, None] == codes[None]
    return float(similarities[pairs & same].mean()), float(similarities[pairs & ~same].mean())


def count_splits(sizes: Sequence[int]) -> int:
    """In how many distinct ways items divide into groups of these sizes: 126 for 5 and 5."""
    ordered = prod(comb(sum(sizes[k:]), size) for k, size in enumerate(sizes))
    return ordered // prod(factorial(list(sizes).count(size)) for size in set(sizes))


def splits(sizes: Sequence[int], seed: int) -> tuple[NDArray[np.int16], bool]:
    """(P, N) labels, and whether these are all distinct splits of N items into groups of these sizes.

    With more than MOST_SPLITS of them, DRAWN are drawn from `seed`.
    """
    if count_splits(sizes) > MOST_SPLITS:
        labels = np.repeat(np.arange(len(sizes), dtype=np.int16), sizes)
        return np.random.default_rng(seed).permuted(np.tile(labels, (DRAWN, 1)), axis=1), False
    divided = list(_all(tuple(range(sum(sizes))), tuple(sizes)))
    found = np.zeros((len(divided), sum(sizes)), np.int16)
    for row, groups in zip(found, divided, strict=True):
        for label, group in enumerate(groups):
            row[list(group)] = label
    return found, True


def _all(items: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """Each split of the items once: the first is in a group of each size, with every choice of others beside it."""
    if not items:
        yield []
    for size in dict.fromkeys(sizes):
        place = sizes.index(size)
        for others in combinations(items[1:], size - 1):
            rest = tuple(item for item in items[1:] if item not in others)
            for more in _all(rest, sizes[:place] + sizes[place + 1 :]):
                yield [(items[0], *others), *more]


def split_test(similarities: Table, codes: Codes, labels: NDArray[np.int16], exact: bool) -> float:
    """The share of splits whose mean within less mean across is at least that of the senses: one-sided p.

    The sizes of the groups are those of the senses, so that it follows from the sum within alone. Drawn splits
    count the senses' own as one more (Phipson and Smyth 2010).
    """
    off = similarities.copy()
    np.fill_diagonal(off, 0)
    seen = _sums_within(off, codes.astype(np.int16)[None])[0]
    sums = np.concatenate([_sums_within(off, labels[k : k + BLOCK]) for k in range(0, len(labels), BLOCK)])
    total = sum(float(np.abs(row).sum()) for row in off)
    as_far = int((sums >= seen - NEAR * max(1.0, total)).sum())
    return as_far / len(labels) if exact else (as_far + 1) / (len(labels) + 1)


def _sums_within(off: Table, labels: NDArray[np.int16]) -> Table:
    """(P,) sums of similarities within groups, each pair twice."""
    total = np.zeros(len(labels))
    for code in range(int(labels.max()) + 1):
        members = (labels == code).astype(float)
        total += np.einsum("pn,pn->p", members @ off, members)
    return total


def neighbour_credit(similarities: Table, codes: Codes, others: Codes | None = None) -> Table:
    """(N,) whether each one's nearest has its sense, by (N, M) similarities to `others`; (N, N) leaves one out.

    Of several that are equally near, the share that has its sense.
    """
    table = similarities.copy()
    if others is None:
        np.fill_diagonal(table, -np.inf)
        others = codes
    nearest = table >= table.max(axis=1, keepdims=True) - NEAR
    right = others[None] == codes[:, None]
    found: Table = (nearest & right).sum(axis=1) / nearest.sum(axis=1)
    return found


def best_threshold(values: Table, same: NDArray[np.bool_]) -> float:
    """The threshold from which on values are taken for `same` that is right for most, midway between two values.

    Of several as good, the least.
    """
    order = np.argsort(values, kind="stable")
    ranked, truth = values[order], same[order]
    right = np.concatenate([[0], np.cumsum(~truth)]) + np.concatenate([np.cumsum(truth[::-1])[::-1], [0]])
    apart = np.concatenate([[True], np.diff(ranked) > NEAR, [True]])
    place = int(np.where(apart, right, -1).argmax())
    ends = np.concatenate([[ranked[0] - 1], ranked, [ranked[-1] + 1]])
    return float((ends[place] + ends[place + 1]) / 2)
