"""Batch order and bucketing by length, from (seed, epoch) alone, the same for any number of processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Lengths = Callable[[Indices], Indices]
"""Tokens of each of these features; called only where the order depends on lengths."""

BUCKET = 50
"""Batches among which features of similar length are grouped."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """How an epoch is split into batches.

    size       features of a batch
    tokens     tokens of a batch at most, in place of `size`; a longer feature is a batch of its own
    padded     whether padding counts among a batch's tokens
    by_length  whether features of similar length are grouped: the shuffled features are sorted within every
               BUCKET batches, and those batches shuffled. Otherwise features are only shuffled.
    """

    size: int
    tokens: int | None = None
    padded: bool = False
    by_length: bool = False
    seed: int = 0

    def epoch(self, features: int, lengths: Lengths, epoch: int) -> Iterator[Indices]:
        """The batches of one epoch, each feature in one of them."""
        draws = np.random.default_rng([self.seed, epoch])
        shuffled = draws.permutation(features)
        if not self.by_length:
            yield from self._cut(shuffled, lengths)
            return
        for bucket in self._cut(shuffled, lengths, BUCKET):
            batches = list(self._cut(bucket[np.argsort(-lengths(bucket), kind="stable")], lengths))
            for k in draws.permutation(len(batches)):
                yield batches[k]

    def batches(self, features: int, lengths: Lengths, epoch: int) -> int:
        """Number of batches in that epoch."""
        if self.tokens is None:
            return math.ceil(features / self.size)
        return sum(1 for _ in self.epoch(features, lengths, epoch))

    def _cut(self, features: Indices, lengths: Lengths, times: int = 1) -> Iterator[Indices]:
        """Split the features, in order, into pieces of `times` a batch's features or tokens."""
        if self.tokens is None:
            size = self.size * times
            yield from (features[k : k + size] for k in range(0, len(features), size))
        else:
            counted = lengths(features)
            cuts = in_budget(counted, self.tokens * times, self.padded and times == 1)
            yield from (features[start:end] for start, end in cuts)


def in_budget(lengths: Indices, budget: int, padded: bool = False) -> Iterator[tuple[int, int]]:
    """Start and end of each batch of as many features, in order, as `budget` tokens allow, at least one."""
    totals = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = int(totals[start - 1]) if start else 0
        end = max(int(np.searchsorted(totals, before + budget, side="right")), start + 1)
        if padded:
            sizes = np.maximum.accumulate(lengths[start:end]) * np.arange(1, end - start + 1)
            end = start + max(int(np.searchsorted(sizes, budget, side="right")), 1)
        yield start, end
        start = end


def by_length(lengths: Indices, budget: int) -> Iterator[Indices]:
    """Features sorted by length, the longest first, in batches of at most `budget` padded tokens."""
    ranked = np.argsort(-lengths, kind="stable")
    yield from (ranked[start:end] for start, end in in_budget(lengths[ranked], budget, padded=True))


def share(lengths: Indices, rank: int, processes: int) -> Indices:
    """Which of a global batch's features process `rank` gets; tokens are balanced over the processes.

    The longest remaining feature goes to the process with the fewest tokens so far (Graham 1969: the largest
    share is at most 4/3 of the best division's).
    """
    loads = np.zeros(processes, np.int64)
    mine = []
    for k in np.argsort(-lengths, kind="stable"):
        lightest = int(loads.argmin())
        loads[lightest] += lengths[k]
        if lightest == rank:
            mine.append(k)
    return np.sort(np.array(mine, np.int64))


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Which micro-batches belong to which update of a run.

    epochs        passes over the features; a fraction stops within one
    updates       updates of the run, if they are given in place of epochs
    accumulation  micro-batches of an update; the last of an epoch may have fewer
    """

    order: Order
    features: int
    lengths: Lengths
    epochs: float
    accumulation: int = 1
    given_updates: int | None = None

    def updates_in(self, epoch: int) -> int:
        """Updates of an epoch."""
        return math.ceil(self.order.batches(self.features, self.lengths, epoch) / self.accumulation)

    @property
    def updates(self) -> int:
        """All updates of the run."""
        if self.given_updates is not None:
            return self.given_updates
        if self.order.tokens is None:
            exact = self.epochs * self.updates_in(0)
        else:  # how many batches an epoch has depends on which features are batched together
            whole = math.floor(self.epochs)
            part = self.epochs - whole
            exact = sum(map(self.updates_in, range(whole))) + (part and part * self.updates_in(whole))
        return max(1, math.ceil(round(exact, 6)))  # 0.55 * 100 is a little over 55

    def micro_batches(self) -> Iterator[tuple[int, list[Indices]]]:
        """For each update its epoch, and its micro-batches, over all processes."""
        left, epoch = self.updates, 0
        while left:
            batches = self.order.epoch(self.features, self.lengths, epoch)
            for first in batches:
                more = zip(range(self.accumulation - 1), batches, strict=False)
                yield epoch, list(chain([first], (batch for _, batch in more)))
                left -= 1
                if not left:
                    return
            epoch += 1
