"""When a model learns what: accuracy over the tokens seen, for each class of words, and the tokens until half of it.

K kept models, S sentences, G classes of words, D bootstrap samples of the sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation.intervals import TAILS, sampled_sums, wilson
from bertkit.result import Score

Array = NDArray[np.float64]

BOOTSTRAP = "bootstrap"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The accuracy of one class of words.

    words         how many there are
    scores        (K,) the accuracies, with 95 % intervals over sentences
    half          tokens until half of the final accuracy; None where that is not surely above 0
    half_of_rise  tokens until half of the way from the untrained accuracy to the final one; None where that is no rise
    """

    name: str
    words: int
    scores: tuple[Score, ...]
    half: Score | None
    half_of_rise: Score | None


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which of two groups of classes is learnt first: the tokens that each needs until half of its final accuracy.

    difference  tokens of the later group minus those of the first; `times` is the first's share of the later's
    """

    first: Curve
    later: Curve
    difference: Score | None
    times: Score | None

    @property
    def holds(self) -> bool | None:
        """Whether the first group comes first: None where the interval of the difference has 0 in it."""
        if self.difference is None or self.difference.low <= 0 <= self.difference.high:
            return None
        return self.difference.low > 0


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Right answers of K models to words, summed over each of S sentences.

    tokens   (K,) that each model has seen, ascending
    names    (G,) of the classes
    right    (S, G, K) right words
    count    (S, G) words
    weights  (G,) how many words one stands for, where classes are added up
    """

    tokens: Array
    names: tuple[str, ...]
    right: Array
    count: Array
    weights: Array

    @cached_property
    def _samples(self) -> tuple[Array, Array]:
        """(D, G, K) right words and (D, G) words of bootstrap samples of the sentences."""
        sentences, classes, models = self.right.shape
        sums = sampled_sums(np.concatenate([self.right.reshape(sentences, -1), self.count], axis=1))
        return sums[:, : classes * models].reshape(-1, classes, models), sums[:, classes * models :]

    def curve(self, name: str, of: Sequence[str]) -> Curve:
        """The curve of these classes together."""
        right, count = self._added(self.right.sum(0), self.count.sum(0), of)
        shares, samples = right / count, self._shares(of)
        alone = self.names.index(of[0]) if len(of) == 1 else None
        scores = tuple(
            _score(float(shares[k]), samples[:, k]) if alone is None or 0 < shares[k] < 1 else self._edge(alone, k)
            for k in range(len(self.tokens))
        )
        words = sum(int(self.count[:, self.names.index(one)].sum()) for one in of)
        halves = []
        for rise in (False, True):
            at = float(tokens_until_half(shares[None], self.tokens, rise)[0])
            drawn = tokens_until_half(samples, self.tokens, rise)
            unlearnt = np.isnan(at) or scores[-1].low <= 0 or np.isnan(drawn).mean() > TAILS[0]
            halves.append(None if unlearnt else _score(at, drawn))
        return Curve(name=name, words=words, scores=scores, half=halves[0], half_of_rise=halves[1])

    def order(self, first: tuple[str, Sequence[str]], later: tuple[str, Sequence[str]], rise: bool = False) -> Order:
        """Which of two groups, each with its name, comes first; with `rise` by half of the rise."""
        curves = self.curve(*first), self.curve(*later)
        halves = [curve.half_of_rise if rise else curve.half for curve in curves]
        if halves[0] is None or halves[1] is None:
            return Order(first=curves[0], later=curves[1], difference=None, times=None)
        one, other = (tokens_until_half(self._shares(of), self.tokens, rise) for _, of in (first, later))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = one / other
        ratio[~np.isfinite(ratio)] = np.nan
        times = None
        if halves[1].value > 0 and np.isnan(ratio).mean() <= TAILS[0]:
            times = _score(halves[0].value / halves[1].value, ratio)
        difference = _score(halves[1].value - halves[0].value, other - one)
        return Order(first=curves[0], later=curves[1], difference=difference, times=times)

    def _shares(self, of: Sequence[str]) -> Array:
        """(D, K) the accuracies of the samples."""
        right, count = self._added(*self._samples, of)
        with np.errstate(invalid="ignore"):
            found: Array = right / count
        return found

    def _added(self, right: Array, count: Array, of: Sequence[str]) -> tuple[Array, Array]:
        """(..., K) right words and (..., 1) words of these classes, from (..., G, K) and (..., G)."""
        which = [self.names.index(one) for one in of]
        weights = self.weights[which]
        return (
            np.einsum("...gk,g->...k", right[..., which, :], weights),
            (count[..., which] @ weights)[..., None],
        )

    def _edge(self, alone: int, k: int) -> Score:
        """None or all of the words are right: every bootstrap sample has the same share, and Wilson's interval not."""
        there = self.count[:, alone] > 0
        table = np.stack([self.right[there, alone, k], self.count[there, alone]], axis=1)
        found = wilson(table, lambda table: 0.0)
        value = float(table[:, 0].sum() / table[:, 1].sum())
        return Score(value=value, low=max(found.low, 0.0), high=min(found.high, 1.0), interval=found.name)


def tokens_until_half(shares: Array, tokens: Array, rise: bool = False) -> Array:
    """(D,) the tokens at which each of (D, K) accuracies first is half of its last, interpolated in log tokens.

    From 0 tokens to the first model after it they are interpolated as they are. With `rise` it is half of the way from
    the first accuracy to the last. NaN where the last is 0, or no rise; 0 where the first is at half already.
    """
    first, last = shares[:, 0], shares[:, -1]
    half = (first + last) / 2 if rise else last / 2
    k = (shares >= half[:, None]).argmax(axis=1)
    before = np.maximum(k - 1, 0)
    rows = np.arange(len(shares))
    low, high = shares[rows, before], shares[rows, k]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(k > 0, (half - low) / (high - low), 0.0)
        logs = np.log(tokens)
        between = np.exp(logs[before] + part * (logs[k] - logs[before]))
    found = np.where(tokens[before] > 0, between, tokens[before] + part * (tokens[k] - tokens[before]))
    found = np.where(k > 0, found, tokens[0])
    return np.where(last > first if rise else last > 0, found, np.nan)


def _score(value: float, samples: Array) -> Score:
    """A value with the percentiles of its bootstrap samples, of those in which it is defined."""
    low, high = np.nanquantile(samples, TAILS) if np.isfinite(samples).any() else (value, value)
    return Score(value=value, low=float(min(low, value)), high=float(max(high, value)), interval=BOOTSTRAP)
