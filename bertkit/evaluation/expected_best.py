"""The expected best score of k trials, from those of N that were run (Dodge et al. 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ExpectedBest:
    """The best of `trials` trials: its expectation, and its standard deviation."""

    trials: int
    mean: float
    sd: float


def expected_best(values: Sequence[float]) -> tuple[ExpectedBest, ...]:
    """For k = 1 .. N the best of k draws, with replacement, from the N values.

    The best of k is at most the i-th least value with a probability of (i / N) ** k, so that it is that value with
    (i / N) ** k - ((i - 1) / N) ** k. This takes the trials for independent draws, which they are in a random search.
    """
    ranked = np.sort(np.asarray(values, float))
    shares = np.arange(len(ranked) + 1) / len(ranked)
    found = []
    for k in range(1, len(ranked) + 1):
        chances = np.diff(shares**k)
        mean = float(chances @ ranked)
        variance = float(chances @ (ranked - mean) ** 2)
        found.append(ExpectedBest(trials=k, mean=mean, sd=float(np.sqrt(variance))))
    return tuple(found)
