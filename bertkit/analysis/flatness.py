"""How flat a training loss is around a trained model: numbers from the losses of single rows.

P points at which losses were measured, R rows, B bootstrap samples of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation import two_way
from bertkit.evaluation.intervals import SEED, TAILS, sampled_sums
from bertkit.result import Score

Numbers = NDArray[np.float64]


def mean_losses(sums: Numbers, counts: Numbers) -> Numbers:
    """(P,) the mean loss at each point, as an update divides it.

    sums    (P, R) what each row adds to the loss
    counts  (R,) how many targets, or weights of them, that is summed over
    """
    found: Numbers = sums.sum(axis=1) / counts.sum()
    return found


def sampled_losses(sums: Numbers, counts: Numbers) -> Numbers:
    """(B, P) the mean losses of bootstrap samples of the rows (Efron 1979), each with the same rows at every point.

    The samples are the same for every call with as many rows, so that two models on the same rows are paired.
    """
    totals = sampled_sums(np.column_stack([sums.T, counts]))
    found: Numbers = totals[:, :-1] / totals[:, -1:]
    return found


def width(alphas: Numbers, losses: Numbers, fraction: float) -> Numbers:
    """(D,) how wide the interval of alpha around 1 is in which the loss is at most L(1) + fraction * (L(0) - L(1)).

    alphas  (P,) ascending, 0 and 1 among them
    losses  (D, P) of D curves, linear between two points

    L(0) is the loss of the initial weights, L(1) that of the trained ones. Where the loss did not fall, or is not
    finite at an end, the width is 0. Where it stays below up to an end of `alphas` the interval ends there: see
    `is_open`.
    """
    level, fell = _level(alphas, losses, fraction)
    left, right = _reach(alphas, losses, level, -1), _reach(alphas, losses, level, 1)
    return np.where(fell, right - left, 0.0)


def is_open(alphas: Numbers, losses: Numbers, fraction: float) -> NDArray[np.bool_]:
    """(D,) whether a curve, of (D, P), is below the level of `width` up to the last alpha: wider than measured."""
    level, fell = _level(alphas, losses, fraction)
    low = np.all(losses[:, _at(alphas, 1.0) :] <= level[:, None], axis=1)
    found: NDArray[np.bool_] = np.logical_and(fell, low)
    return found


def _level(alphas: Numbers, losses: Numbers, fraction: float) -> tuple[Numbers, NDArray[np.bool_]]:
    start, end = losses[:, _at(alphas, 0.0)], losses[:, _at(alphas, 1.0)]
    return end + fraction * (start - end), end < start


def _at(alphas: Numbers, value: float) -> int:
    return int(np.argmin(np.abs(alphas - value)))


def _reach(alphas: Numbers, losses: Numbers, level: Numbers, step: int) -> Numbers:
    """(D,) the alpha at which each curve first exceeds its level, going from 1 in the direction of `step`."""
    one = _at(alphas, 1.0)
    places = np.arange(one, len(alphas) if step > 0 else -1, step)
    x, y = alphas[places], losses[:, places]
    above = y > level[:, None]
    there, first = above.any(axis=1), np.maximum(above.argmax(axis=1), 1)
    rows = np.arange(len(y))
    low, high = y[rows, first - 1], y[rows, first]
    rise = np.where(high > low, high - low, 1.0)
    crossing = x[first - 1] + (x[first] - x[first - 1]) * np.clip((level - low) / rise, 0.0, 1.0)
    found: Numbers = np.where(there, crossing, x[-1])
    return found


def sampled_rises(sums: Numbers, counts: Numbers) -> Numbers:
    """(B,) the mean rise of the loss over D draws, in samples of the rows and of the draws.

    sums    (1 + D, R) of the trained weights, and of each draw
    counts  (R,)
    """
    losses = sampled_losses(sums, counts)
    draws = len(sums) - 1
    picked = np.random.default_rng(SEED).integers(0, draws, (len(losses), draws))
    found: Numbers = np.take_along_axis(losses[:, 1:], picked, axis=1).mean(axis=1) - losses[:, 0]
    return found


def gap_of_runs(values: Sequence[Sequence[float]], samples: Sequence[Sequence[Numbers]]) -> tuple[Score, str]:
    """The mean of one side's runs less the mean of the other's, and what its 95 % interval is over.

    values   by side and run
    samples  by side and run, (B,) on the same samples of the rows

    Over other rows and runs with Student's t (two_way.py), where either side has several runs; else the percentile
    interval over the rows alone: how one run differs from the next is not known.
    """
    first, second = (np.array(side) for side in values)
    value = float(first.mean() - second.mean())
    tables = [np.stack(side, axis=1) for side in samples]
    if min(len(first), len(second)) == 1:
        return with_interval(value, tables[0].mean(axis=1) - tables[1].mean(axis=1)), "rows"
    doubt = two_way.difference_doubt([first, second], np.concatenate(tables, axis=1))
    half = doubt.reach * doubt.error
    return Score(value=value, low=value - half, high=value + half, interval="t"), "rows and runs"


def with_interval(value: float, samples: Numbers) -> Score:
    """The value, with the percentile interval of its samples, widened to the value itself."""
    low, high = np.quantile(samples, TAILS)
    return Score(value=value, low=min(float(low), value), high=max(float(high), value), interval="bootstrap")
