"""95 % intervals of a score over the rows it was measured on: how far another sample of as many rows may move it.

Every method takes the measures of a metric (R rows -> (R, k), see metrics.py) and its score, and names itself in
the Interval. tests/test_intervals.py has their coverage by simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Measures = NDArray[np.float64]
Score = Callable[[Measures], float]
Method = Callable[[Measures, Score], "Interval"]

SAMPLES = 1_000
"""Bootstrap samples."""
DRAWS = 4_000
"""Draws from a posterior."""
SEED = 20_190
TAILS = (0.025, 0.975)
MOST_CELLS = 10_000_000
"""Measures, or cells of matrices, that are in memory at once."""
MOST_KEPT_ROWS = 4_000
"""Rows up to which the samples are kept for the next call: 32 MB."""
MOST_CLASSES = 3
"""Labels up to which the Dirichlet prior moves the score less than the bootstrap under-covers (simulated)."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """From `low` to `high`, by the method called `name`."""

    low: float
    high: float
    name: str


def wilson(table: Measures, score: Score) -> Interval:
    """Wilson's score interval (1927) of a mean of numbers from 0 to 1: (R, 1), or of a ratio of sums: (R, 2).

    The number of trials is the effective one: as many as have the variance that is seen between the rows (Korn and
    Graubard 1998; Dean and Pagano 2015). Where rows are right or wrong these are the rows.
    """
    from scipy.stats import norm

    sizes = table[:, 1] if table.shape[1] > 1 else np.ones(len(table))
    if not sizes.any():
        return Interval(low=0.0, high=1.0, name="Wilson")
    share = float(table[:, 0].sum() / sizes.sum())
    trials = _effective(table[:, 0], sizes, share)
    z = float(norm.ppf(TAILS[1]))
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * float(np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2))
    return _around(share, max(0.0, middle - half), min(1.0, middle + half), "Wilson")


def _effective(sums: Measures, sizes: Measures, share: float) -> float:
    """The number of independent trials whose share of successes varies as much as a ratio of sums over R rows."""
    spread = float((((sums - share * sizes) / sizes.mean()) ** 2).mean() / len(sums))
    if not 0 < share < 1 or not spread:
        return float(sizes.sum())
    return share * (1 - share) / spread


def jeffreys_f1(table: Measures, score: Score) -> Interval:
    """The Jeffreys interval of the second label's F1, from (R, 2) codes of golds and answers.

    F1 = 2 J / (1 + J), where J is the share of true positives among all rows where gold or answer is positive. So the
    interval is that of a proportion (Brown, Cai and DasGupta 2001), with the prior Beta(1/2, 1/2), and 0 or 1 at its
    ends. It is the posterior of Goutte and Gaussier (2005) with half a row for all errors; the Dirichlet(1/2) of the
    four counts has half a row for each kind of error and covers less.
    """
    from scipy.stats import beta

    gold, answer = table[:, 0] == 1, table[:, 1] == 1
    right, wrong = int((gold & answer).sum()), int((gold ^ answer).sum())
    low, high = beta.ppf(TAILS, right + 0.5, wrong + 0.5)
    low, high = (0.0 if not right else low), (1.0 if not wrong else high)
    value = 2 * right / max(1, 2 * right + wrong)
    return _around(value, 2 * low / (1 + low), 2 * high / (1 + high), "Jeffreys")


def of_confusions(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Method:
    """Percentiles over drawn confusion matrices of a score `of` them: (D, C, C) -> (D,), from (R, 2) codes of labels.

    Up to MOST_CLASSES labels the draws are from the posterior: the prior is two rows, spread evenly over the C x C
    cells of the labels that occur, which is Dirichlet(1/2) for two labels (Goutte and Gaussier 2005). For more labels
    they are those of the bootstrap, which draws cells as it draws rows; for so many that their matrices have more than
    MOST_CELLS cells the rows are drawn.
    """

    def method(table: Measures, score: Score) -> Interval:
        names, codes = np.unique(table, return_inverse=True)
        count = max(2, len(names))
        if SAMPLES * count**2 > MOST_CELLS:
            return bootstrap(table, score)
        pairs = codes.reshape(table.shape)
        cells = np.bincount(pairs[:, 0] * count + pairs[:, 1], minlength=count**2)
        generator = np.random.default_rng(SEED)
        if few := count <= MOST_CLASSES:
            draws = generator.dirichlet(cells + 2 / count**2, DRAWS)
        else:
            draws = generator.multinomial(len(table), cells / len(table), SAMPLES).astype(float)
        low, high = np.quantile(of(draws.reshape(-1, count, count)), TAILS)
        return _around(score(table), low, high, "Dirichlet" if few else "bootstrap")

    return method


def of_sums(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Method:
    """The bootstrap's percentiles of a score `of` the sums of each column: (D, k) -> (D,), from (R, k).

    The samples are those of `bootstrap`; a sample's sums are one product of how often each row was drawn.
    """

    def method(table: Measures, score: Score) -> Interval:
        low, high = np.quantile(of(sampled_sums(table)), TAILS)
        return Interval(low=float(low), high=float(high), name="bootstrap")

    return method


def sampled_sums(table: Measures) -> NDArray[np.float64]:
    """(D, k) the sums of each column of (R, k) over SAMPLES bootstrap samples of the rows, those of `bootstrap`."""
    rows, columns = table.shape
    kept = _kept_counts(rows) if rows <= MOST_KEPT_ROWS else None
    sums = np.empty((SAMPLES, columns))
    width = max(1, MOST_CELLS // rows)
    for first in range(0, columns, width):
        block = table[:, first : first + width].astype(np.float64)
        if kept is not None:
            sums[:, first : first + width] = kept @ block
            continue
        for k, counts in enumerate(_counts(rows)):
            sums[k, first : first + width] = counts @ block
    return sums


@lru_cache(maxsize=1)
def _kept_counts(rows: int) -> NDArray[np.float64]:
    return np.stack(list(_counts(rows))).astype(np.float64)


def _counts(rows: int) -> Iterator[NDArray[np.intp]]:
    """(R,) how often each row is in a sample, of one after the other."""
    draws = np.random.default_rng(SEED)
    for _ in range(SAMPLES):
        yield np.bincount(draws.integers(0, rows, rows), minlength=rows)


def bootstrap(table: Measures, score: Score) -> Interval:
    """The percentile interval over SAMPLES bootstrap samples of the rows (Efron 1979).

    The draws are the same for every call with as many rows.
    """
    draws = np.random.default_rng(SEED)
    rows = len(table)
    scores = [score(table[draws.integers(0, rows, rows)]) for _ in range(SAMPLES)]
    low, high = np.quantile(scores, TAILS)
    return Interval(low=float(low), high=float(high), name="bootstrap")


def _around(value: float, low: float, high: float, name: str) -> Interval:
    """The interval, widened to the score itself: a prior, or rounding, may leave it outside."""
    return Interval(low=float(min(low, value)), high=float(max(high, value)), name=name)
