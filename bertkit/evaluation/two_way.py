"""95 % intervals and tests of scores over seeds and rows together: both may fall differently another time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation.intervals import TAILS, Measures
from bertkit.evaluation.metrics import Metric
from bertkit.evaluation.replicates import Replicates, replicates

SEEDS_AND_ROWS, ROWS_ALONE = "seeds and rows", "rows"
MOST_SEEDS = 1_000
"""Seeds up to which a power is computed."""
MOST_FREEDOM = 10_000.0
"""Degrees of freedom from which Student's t is the normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """What a mean over seeds, or a difference of two of them, varies with.

    rows     its variance over other rows, as far as all seeds share it
    seeds    its variance over other seeds; what rows and one seed do together counts here
    freedom  the degrees of freedom of both together (Satterthwaite 1946); that of the rows counts as infinite
    over     "seeds and rows", or "rows" where there is one seed, whose own variance is not known
    """

    rows: float
    seeds: float
    freedom: float
    over: str = SEEDS_AND_ROWS

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.rows + self.seeds))

    @property
    def reach(self) -> float:
        """How many standard errors a 95 % interval reaches to either side."""
        from scipy.stats import t

        return float(t.ppf(TAILS[1], self.freedom))


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean score of an arm's seeds with its 95 % interval, and the doubt that it is made of."""

    value: float
    low: float
    high: float
    doubt: Doubt


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The mean score of one arm minus another's, its 95 % interval, and the two-sided p that there is none.

    paired  whether the seeds of both arms were paired
    """

    value: float
    low: float
    high: float
    p: float
    doubt: Doubt
    paired: bool = False


def mean(metric: Metric, tables: Sequence[Measures]) -> Mean:
    """The mean score of S runs of one arm, with a 95 % interval over their seeds and rows.

    tables  (R, k) measures of the same R rows, for each run

    With one run the interval is the metric's own, over the rows. Otherwise the variance is that which the seeds share
    over the rows, by a bootstrap with the same rows for all, and the seeds' sample variance over S, which also has what
    rows and a single seed do together. Student's t with Satterthwaite's degrees of freedom widens it for few seeds. To
    either side the rows' part is as skewed as the metric's interval of one run (the parts are squared and added: Zou
    and Donner 2008). tests/test_two_way.py has its coverage by simulation.
    """
    scores = np.array([metric.score(table) for table in tables])
    bounds = [metric.interval(table, metric.score) for table in tables]
    value = float(scores.mean())
    if len(tables) == 1:
        alone = Doubt(
            rows=_variance_of(bounds[0].low, bounds[0].high), seeds=0.0, freedom=MOST_FREEDOM, over=ROWS_ALONE
        )
        return Mean(value=value, low=bounds[0].low, high=bounds[0].high, doubt=alone)
    covariance = np.cov(replicates(metric, tables).T)
    own = float(np.diag(covariance).mean())
    doubt = _doubt(_shared(covariance), [_seeds_variance(scores)], [len(scores) - 1], float(covariance.mean()))
    scale = doubt.rows / own if own > 0 else 1.0  # where every row is right, so are all seeds
    normal = Doubt(rows=1.0, seeds=0.0, freedom=MOST_FREEDOM).reach
    low, high = (
        doubt.reach * float(np.sqrt(scale * (distance / normal) ** 2 + doubt.seeds))
        for distance in (
            float(np.mean([score - one.low for score, one in zip(scores, bounds, strict=True)])),
            float(np.mean([one.high - score for score, one in zip(scores, bounds, strict=True)])),
        )
    )
    return Mean(value=value, low=max(value - low, metric.worst), high=min(value + high, metric.best), doubt=doubt)


def difference(
    metric: Metric, first: Sequence[Measures], second: Sequence[Measures], paired: bool = False
) -> Difference:
    """The mean score of `first` minus that of `second`, over other seeds and rows.

    Both arms were scored on the same rows. `paired` says that the runs at the same place have the same seed, and go
    together. Where either arm has one run, the interval and p are over the rows alone. p is 1 where no sample differs
    from another: so few rows, or such, say nothing.
    """
    from scipy.stats import t

    scores = [np.array([metric.score(table) for table in tables]) for tables in (first, second)]
    value = float(scores[0].mean() - scores[1].mean())
    drawn = replicates(metric, [*first, *second])
    doubt = difference_doubt(scores, drawn, paired and len(first) == len(second))
    half = doubt.reach * doubt.error
    p = 2 * float(t.sf(abs(value) / doubt.error, doubt.freedom)) if doubt.error > 0 else 1.0
    most = metric.best - metric.worst
    low, high = max(value - half, -most), min(value + half, most)
    return Difference(value=value, low=low, high=high, p=p, doubt=doubt, paired=paired)


def power_by_seeds(gap: float, rows: float, each: float, paired: bool, level: float) -> NDArray[np.float64]:
    """The power to detect a difference `gap` with 2, 3 ... MOST_SEEDS seeds an arm.

    rows   the variance over rows that all seeds share; `each` that of the difference of one seed of either arm
    level  of the two-sided test with Student's t and Satterthwaite's degrees of freedom: the power is by the
           noncentral t
    """
    from scipy.stats import nct, t

    seeds = np.arange(2, MOST_SEEDS + 1)
    share = each / seeds
    below = share**2 / ((1 if paired else 2) * (seeds - 1))
    freedom = np.where(below > 0, (rows + share) ** 2 / np.where(below > 0, below, 1), MOST_FREEDOM)
    freedom = np.minimum(freedom, MOST_FREEDOM)
    error = np.sqrt(rows + share)
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = nct.sf(t.ppf(1 - level / 2, freedom), freedom, np.minimum(gap / error, 30.0))
    return found


def difference_doubt(scores: Sequence[np.ndarray], drawn: Replicates, paired: bool = False) -> Doubt:
    """What the difference of the means of two arms varies with.

    scores  (S,) of the runs of either arm
    drawn   (B, S1 + S2) the scores of the runs, of the first arm first, on B samples of the rows, the same for all
    paired  whether runs at the same place go together
    """
    counts = [len(part) for part in scores]
    if min(counts) == 1:
        gaps = drawn[:, : counts[0]].mean(axis=1) - drawn[:, counts[0] :].mean(axis=1)
        return Doubt(rows=float(gaps.var(ddof=1)), seeds=0.0, freedom=MOST_FREEDOM, over=ROWS_ALONE)
    if paired:
        gaps = drawn[:, : counts[0]] - drawn[:, counts[0] :]
        covariance = np.cov(gaps.T)
        seeds = [_seeds_variance(scores[0] - scores[1])]
        return _doubt(_shared(covariance), seeds, [counts[0] - 1], float(covariance.mean()))
    covariance = np.cov(drawn.T)
    first, second = covariance[: counts[0], : counts[0]], covariance[counts[0] :, counts[0] :]
    shared = _shared(first) + _shared(second) - 2 * float(covariance[: counts[0], counts[0] :].mean())
    held = drawn[:, : counts[0]].mean(axis=1) - drawn[:, counts[0] :].mean(axis=1)
    seeds = [_seeds_variance(part) for part in scores]
    return _doubt(shared, seeds, [count - 1 for count in counts], float(held.var(ddof=1)))


def _doubt(rows: float, seeds: Sequence[float], freedom: Sequence[int], held: float) -> Doubt:
    """The doubt of these variances, at least `held`: that over other rows with the seeds as they are.

    Few seeds may have the same score by chance, and their errors may not coincide: their variances alone would then
    come to nothing, however few the rows are.
    """
    total = sum(seeds)
    rows = max(rows, held - total, 0.0)
    below = sum(one**2 / count for one, count in zip(seeds, freedom, strict=True))
    whole = (rows + total) ** 2
    return Doubt(rows=rows, seeds=total, freedom=min(whole / below, MOST_FREEDOM) if below > 0 else MOST_FREEDOM)


def _seeds_variance(scores: np.ndarray) -> float:
    """The variance of the mean of S scores over other seeds."""
    return float(scores.var(ddof=1) / len(scores))


def _shared(covariance: np.ndarray) -> float:
    """The mean covariance of two different runs: what all seeds share of the variance over rows."""
    count = len(covariance)
    return float((covariance.sum() - np.trace(covariance)) / (count * (count - 1)))


def _variance_of(low: float, high: float) -> float:
    """The variance of a normal distribution with these 95 % bounds."""
    normal = Doubt(rows=1.0, seeds=0.0, freedom=MOST_FREEDOM).reach
    return ((high - low) / (2 * normal)) ** 2
