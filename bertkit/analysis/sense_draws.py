"""Samples of a word's sentences: which are drawn, which are shown, and what their cosines say, each tested by itself.

N sentences, L layers (0 is the embeddings).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from bertkit.analysis.sense_rows import SenseRows
from bertkit.analysis.sense_tests import NEAR, Codes, Table, neighbour_credit, split_test, splits

SURE = 0.05
MOST_SHOWN = 60
"""Sentences of a heat map; of more, as many of each sense as a sample has."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What is drawn: the seed, and so many samples of the sentences (0: none), `each` of every sense in one."""

    seed: int = 42
    draws: int = 0
    each: int = 5


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Many small samples of the sentences, each tested as if it were all.

    count        samples; `each` sentences of each sense in one
    least        the least p that a sample can have
    significant  (L+1,) the share of samples with p at most SURE, raw and centred
    surest       (L+1,) the share of samples with the least possible p
    nearest      (L+1,) the mean share of sentences whose nearest other one has their sense, raw and centred
    """

    count: int
    each: int
    least: float
    significant: dict[str, tuple[float, ...]]
    surest: dict[str, tuple[float, ...]]
    nearest: dict[str, tuple[float, ...]]


def codes_of(rows: SenseRows) -> Codes | None:
    """(N,) the number of each sentence's sense, in the order of `counts`; None without senses."""
    if rows.senses is None:
        return None
    order = {sense: k for k, sense in enumerate(rows.counts)}
    return np.array([order[sense] for sense in rows.senses], np.int64)


def sampled(rows: SenseRows, asked: Sampling) -> list[Codes]:
    """The sentences of each sample, those of a sense together."""
    codes = codes_of(rows)
    assert codes is not None
    generator = np.random.default_rng(asked.seed)
    groups = [np.flatnonzero(codes == code) for code in range(len(rows.counts))]
    return [
        np.concatenate([np.sort(generator.permutation(group)[: asked.each]) for group in groups])
        for _ in range(asked.draws)
    ]


def shown_rows(rows: SenseRows, asked: Sampling) -> tuple[int, ...]:
    """The sentences of the heat map: all, or of many the first sample."""
    count = len(rows.sentences)
    if count <= MOST_SHOWN:
        return tuple(range(count))
    if rows.senses is None:
        return tuple(range(MOST_SHOWN))
    least = min(rows.counts.values())
    one = Sampling(seed=asked.seed, draws=1, each=min(asked.each, least))
    return tuple(int(k) for k in sampled(rows, one)[0])


class Samples:
    """Samples of sentences, tested by the cosines of one layer after the other."""

    def __init__(self, rows: SenseRows, asked: Sampling) -> None:
        """Draw the samples."""
        self._asked, self._samples = asked, sampled(rows, asked)
        kinds = len(rows.counts)
        self._codes = np.repeat(np.arange(kinds), asked.each)
        self._labels, self._exact = splits((asked.each,) * kinds, asked.seed)
        self._least = 1 / len(self._labels) if self._exact else 1 / (len(self._labels) + 1)
        self._shares: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)

    def test(self, table: Table, how: str) -> None:
        """Test the samples by the (N, N) cosines of the next layer, "raw" or "centred"."""
        parts = [table[np.ix_(sample, sample)] for sample in self._samples]
        ps = [split_test(part, self._codes, self._labels, self._exact) for part in parts]
        significant = float(np.mean([p <= SURE for p in ps]))
        surest = float(np.mean([p <= self._least * (1 + NEAR) for p in ps]))
        nearest = float(np.mean([neighbour_credit(part, self._codes).mean() for part in parts]))
        self._shares[how].append((significant, surest, nearest))

    def found(self) -> Draws:
        """The results of the tests at every layer."""
        significant, surest, nearest = (
            {how: tuple(layer[k] for layer in layers) for how, layers in self._shares.items()} for k in range(3)
        )
        return Draws(
            count=self._asked.draws, each=self._asked.each, least=self._least, significant=significant, surest=surest,
            nearest=nearest,
        )  # fmt: skip
