"""Statistics over seeds: spread, and a permutation test of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SEED = 20_190


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
    """Mean of `first` minus mean of `second`, and the p of a two-sided permutation test on that difference.

    With n seeds per arm there are C(2n, n) permutations: with fewer than 4, p cannot be below 0.05.
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
