"""Tests of a difference between arms that were scored on the same rows: over rows, and over several tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertkit.evaluation.intervals import SEED, TAILS, Measures
from bertkit.evaluation.metrics import Metric
from bertkit.evaluation.replicates import replicates

PERMUTATIONS = 5_000
"""Random exchanges of answers between two arms."""
CELLS = 4_000_000
"""Numbers of an array that are in memory at once."""
SLOW_PERMUTATIONS = 400
"""For a score that is computed from the rows themselves, such as a rank correlation."""


def over_rows(metric: Metric, first: Sequence[Measures], second: Sequence[Measures]) -> float:
    """The two-sided p of a permutation test over rows that two arms of as many runs score the same on average.

    tables  (R, k) measures of the same rows, for each run

    Under the null hypothesis both answers to a row may be exchanged: in each permutation a random half of the rows is,
    for all pairs of runs alike (approximate randomisation, Noreen 1989). It says nothing of other seeds.
    """
    assert len(first) == len(second)
    rows = len(first[0])
    observed = _mean_score(metric, first) - _mean_score(metric, second)
    generator = np.random.default_rng(SEED)
    if metric.sums is None:
        swaps = generator.random((SLOW_PERMUTATIONS, rows)) < 0.5
        gaps = np.array([_swapped_gap(metric, first, second, swap) for swap in swaps])
    else:
        gaps = _summed_gaps(metric, first, second, generator)
    reached = np.abs(gaps) >= abs(observed) - 1e-12
    return float((1 + reached.sum()) / (1 + len(gaps)))


def interval_over_rows(metric: Metric, first: Sequence[Measures], second: Sequence[Measures]) -> tuple[float, float]:
    """The 95 % interval over other rows of the mean score of `first` minus that of `second`, for the runs as they are.

    tables  (R, k) measures of the same rows, for each run

    The standard error is that of a bootstrap with the same rows for all runs (Efron 1979), the interval normal. It says
    nothing of other seeds.
    """
    from scipy.stats import norm

    drawn = replicates(metric, [*first, *second])
    gaps = drawn[:, : len(first)].mean(axis=1) - drawn[:, len(first) :].mean(axis=1)
    value, half = _mean_score(metric, first) - _mean_score(metric, second), norm.ppf(TAILS[1]) * gaps.std(ddof=1)
    return float(value - half), float(value + half)


def _summed_gaps(
    metric: Metric, first: Sequence[Measures], second: Sequence[Measures], generator: np.random.Generator
) -> np.ndarray:
    assert metric.sums is not None
    count, rows = len(first), len(first[0])
    columns = np.split(metric.sums.columns(np.concatenate([*first, *second])), 2 * count)
    ours, theirs = columns[:count], columns[count:]
    totals = [[table.sum(axis=0, dtype=np.float64) for table in tables] for tables in (ours, theirs)]
    each = max(1, CELLS // rows)
    gaps = []
    for start in range(0, PERMUTATIONS, each):
        swaps = (generator.random((min(each, PERMUTATIONS - start), rows)) < 0.5).astype(np.float64)
        scores = []
        for a, b, total_a, total_b in zip(ours, theirs, *totals, strict=True):
            moved = _moved(swaps, a, b)
            scores.append(metric.sums.score(total_a + moved) - metric.sums.score(total_b - moved))
        gaps.append(np.mean(scores, axis=0))
    return np.concatenate(gaps)


def _moved(swaps: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(D, m) what D exchanges of R rows add to the sums of m columns, a block of columns after the other."""
    width = max(1, CELLS // len(ours))
    blocks = range(0, ours.shape[1], width)
    differences = (theirs[:, k : k + width].astype(np.float64) - ours[:, k : k + width] for k in blocks)
    return np.concatenate([swaps @ one for one in differences], axis=1)


def _swapped_gap(metric: Metric, first: Sequence[Measures], second: Sequence[Measures], swap: np.ndarray) -> float:
    ours = [np.where(swap[:, None], b, a) for a, b in zip(first, second, strict=True)]
    theirs = [np.where(swap[:, None], a, b) for a, b in zip(first, second, strict=True)]
    return _mean_score(metric, ours) - _mean_score(metric, theirs)


def _mean_score(metric: Metric, tables: Sequence[Measures]) -> float:
    return float(np.mean([metric.score(table) for table in tables]))


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """The exact two-sided p of McNemar's test (1947) that two systems are right on as many rows.

    Of the rows on which one of them is right and the other wrong, each has half under the null hypothesis.
    """
    from scipy.stats import binomtest

    ours = int(np.sum(np.asarray(first) & ~np.asarray(second)))
    theirs = int(np.sum(~np.asarray(first) & np.asarray(second)))
    return float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0


def holm(ps: Sequence[float]) -> list[float]:
    """The p values adjusted for so many tests, in their order (Holm 1979)."""
    order = np.argsort(ps)
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, (len(ps) - rank) * ps[k]))
        adjusted[int(k)] = least
    return adjusted
