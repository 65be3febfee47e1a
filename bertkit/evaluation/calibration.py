"""Calibration: whether labels are right as often as their probabilities say, and the temperature that makes it so.

R rows, C labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.result import Calibration

BINS = 15
"""As in Guo et al. 2017."""

LOGS = (-7.0, 7.0)
"""Logarithms of temperatures between which the best is looked for."""

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def codes_of(golds: Iterable[Any], names: Sequence[str]) -> Codes:
    """(R,) the place of each gold among the labels' names; -1 for one that is not among them, which is never right."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(gold, -1) for gold in golds], np.int64)


def shares_of(scores: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    """(R, C) the probabilities of R answers, in the labels' order."""
    return np.array([[one[name] for name in names] for one in scores], np.float64).reshape(len(scores), len(names))


def tempered(shares: Floats, temperature: float) -> Floats:
    """(R, C) the probabilities with their logits divided by the temperature: shares ** (1 / temperature), normalised.

    The largest of a row stays the largest.
    """
    from scipy.special import softmax

    with np.errstate(divide="ignore"):  # of a probability of 0 the logarithm is minus infinity
        found: Floats = softmax(np.log(shares) / temperature, axis=1)
    return found


class Reliability:
    """What the calibration of many rows needs, three numbers a row: the same in whatever blocks they are added."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Floats, NDArray[np.bool_], Floats]] = []

    def add(self, shares: Floats, golds: Codes) -> None:
        """Add rows: (R, C) probabilities, and (R,) the places of their golds."""
        best = shares.argmax(axis=1)
        places = np.arange(len(shares))
        ones = np.where(golds >= 0, shares[places, golds], 0.0)
        squares: Floats = (shares**2).sum(axis=1) - 2 * ones + 1
        self._blocks.append((shares[places, best], best == golds, squares))

    def calibration(self) -> Calibration | None:
        """The calibration of all rows that were added; None of no rows.

        The expected calibration error is that of Guo et al. 2017, equation 3: bins of equal width of the probability of
        the given label. Brier's score (1950) is the sum over all labels of the squared differences of probability and 1
        for the gold, 0 for the others, averaged over the rows: from 0 to 2.
        """
        if not any(confidence.size for confidence, _, _ in self._blocks):
            return None
        confidence, right, squares = (np.concatenate(parts) for parts in zip(*self._blocks, strict=True))
        places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)  # bins (low, high], as theirs
        sums = (np.bincount(places, weights, minlength=BINS) for weights in (None, confidence, right))
        bins = tuple(
            (int(count), float(total / count), float(hits / count))
            for count, total, hits in zip(*sums, strict=True)
            if count
        )
        ece = sum(count * abs(mean - accuracy) for count, mean, accuracy in bins) / len(right)
        return Calibration(ece=ece, brier=max(0.0, float(squares.mean())), bins=bins)


def ece_by_chance(calibration: Calibration) -> float:
    """The expected calibration error that chance alone gives as many rows with right probabilities.

    In each bin the mean distance of a binomial share from its mean (de Moivre 1730), the bin's mean confidence.
    """
    from scipy.stats import binom

    found, rows = 0.0, sum(count for count, _, _ in calibration.bins)
    for count, confidence, _ in calibration.bins:
        share = min(confidence, 1.0)
        above = int(np.floor(count * share)) + 1
        found += 2 * above * (1 - share) * float(binom.pmf(above, count, share))
    return found / rows


def mean_log_loss(logits: Floats, golds: Codes, temperature: float = 1.0) -> float:
    """The mean negative log-likelihood, in nats, of (R,) golds under (R, C) logits divided by the temperature."""
    from scipy.special import log_softmax

    return float(-log_softmax(logits / temperature, axis=1)[np.arange(len(golds)), golds].mean())


def best_temperature(logits: Floats, golds: Codes) -> float | None:
    """The temperature with the least mean negative log-likelihood (Guo et al. 2017, 4.2); None where there is none.

    The loss is convex in 1 / temperature. It has no least value where every gold has the greatest logit (the less, the
    better), or where golds have no greater logits than other labels on average (the more, the better).
    """
    from scipy.optimize import minimize_scalar

    theirs = logits[np.arange(len(golds)), golds]
    if (theirs >= logits.max(axis=1)).all() or theirs.sum() <= logits.mean(axis=1).sum():
        return None
    found = minimize_scalar(
        lambda log: mean_log_loss(logits, golds, float(np.exp(log))), bounds=LOGS, method="bounded",
        options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(found.x))


def temperature_interval(logits: Floats, temperature: float) -> tuple[float, float]:
    """The 95 % interval of a temperature that was fitted on R rows with these (R, C) logits.

    By the observed information: the second derivative of the summed loss by 1 / temperature is the variance of a row's
    logits under its probabilities, summed over the rows; symmetric in the logarithm.
    """
    from scipy.special import softmax

    shares = softmax(logits / temperature, axis=1)
    means = (shares * logits).sum(axis=1, keepdims=True)
    information = float((shares * (logits - means) ** 2).sum())
    reach = 1.96 * temperature / np.sqrt(information) if information > 0 else np.inf
    with np.errstate(over="ignore"):  # of few rows the interval may have no end
        return float(temperature * np.exp(-reach)), float(temperature * np.exp(reach))
