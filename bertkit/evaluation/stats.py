"""How sure a number is: over the rows it was measured on, and over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bertkit.evaluation.metrics import Table

SAMPLES = 1_000
SEED = 20_190


def interval(table: Table, score: Callable[[Table], float]) -> tuple[float, float]:
    """The 95 % percentile interval of `score` over SAMPLES bootstrap samples of the rows (Efron 1979).

    The draws are the same for every call with as many rows.
    """
    draws = np.random.default_rng(SEED)
    rows = len(table)
    scores = [score(table[draws.integers(0, rows, rows)]) for _ in range(SAMPLES)]
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A number over n seeds: its mean and its sample standard deviation (0 for one seed)."""

    mean: float
    sd: float
    n: int
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Mean, sample standard deviation (n - 1), least and greatest of `values`."""
    array = np.asarray(values, float)
    sd = float(array.std(ddof=1)) if len(array) > 1 else 0.0
    return Spread(mean=float(array.mean()), sd=sd, n=len(array), low=float(array.min()), high=float(array.max()))


def difference(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Mean of `first` less mean of `second`, and the p of a two-sided permutation test on that difference.

    With n seeds a side there are C(2n, n) ways to deal them out: below 4 a side p cannot be under 0.05.
    """
    from scipy.stats import permutation_test

    gap = float(np.mean(first) - np.mean(second))
    if len(first) < 2 or len(second) < 2:
        return gap, 1.0
    found = permutation_test(
        (np.asarray(first, float), np.asarray(second, float)),
        lambda a, b, axis: np.mean(a, axis=axis) - np.mean(b, axis=axis),
        vectorized=True,
        n_resamples=10_000,
        rng=np.random.default_rng(SEED),
    )
    return gap, float(found.pvalue)
