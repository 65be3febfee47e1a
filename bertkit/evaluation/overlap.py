"""A baseline for pairs of segments that reads neither order nor meaning: the words that the two have in common.

P pairs, B pairs of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.corpus_features import CorpusFeatures
from bertkit.data.sampler import Indices
from bertkit.evaluation.pairs import Reading, classes_of, whole
from bertkit.heads.features import IGNORED, Features
from bertkit.objectives.rows import Pieces
from bertkit.progress import Progress

Scores = NDArray[np.float64]
Words = list[str]

NAME = "cosine of the two segments' sets of words, weighted by idf"
"""What the score of a pair is."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs as words: their first and second segments, and their classes (P,)."""

    first: list[Words]
    second: list[Words]
    classes: NDArray[np.int64]


def pairs_of(source: CorpusFeatures, rows: Indices, reading: Reading, progress: Progress) -> Pairs:
    """These pairs as words; read masked, without the words of which a token is predicted."""
    first: list[Words] = []
    second: list[Words] = []
    classes = []
    for part in source.batches(rows):
        for segments, number in ((first, 0), (second, 1)):
            segments += words_of(part, source.pieces, number, reading)
        classes.append(classes_of(part))
        progress.advance(len(part))
    return Pairs(first=first, second=second, classes=np.concatenate(classes))


def words_of(part: Features, pieces: Pieces, segment: int, reading: Reading) -> list[Words]:
    """The words of a segment of each pair, each as the ids of its tokens joined by a hyphen."""
    found = []
    assert part.targets is not None
    tokens, segments = whole(part).inputs["input_ids"], part.inputs["token_type_ids"]
    for i in range(len(part)):
        own = (segments[i] == segment) & ~pieces.special[tokens[i]]
        ids, hidden = tokens[i][own], (part.targets[i][own] != IGNORED) & (reading == "masked")
        words: list[str] = []
        gone: set[int] = set()
        for token, continues, is_hidden in zip(
            *(a.tolist() for a in (ids, pieces.continues[ids], hidden)), strict=True
        ):
            if continues and words:
                words[-1] += f"-{token}"
            else:
                words.append(str(token))
            if is_hidden:
                gone.add(len(words) - 1)
        found.append([word for k, word in enumerate(words) if k not in gone])
    return found


class Overlap:
    """Scores pairs by the words that both segments have; the idf of words is that of the segments it is made of."""

    def __init__(self, train: Pairs) -> None:
        """Learn the idf of words: ln((1 + n) / (1 + df)) + 1, as scikit-learn has it."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectors: Any = TfidfVectorizer(analyzer=list, binary=True, token_pattern=None)
        self._vectors.fit([*train.first, *train.second])

    def scores(self, pairs: Pairs) -> Scores:
        """(P,) the cosine of the vectors of the two segments: the same whichever of them comes first."""
        first, second = (self._vectors.transform(segments) for segments in (pairs.first, pairs.second))
        return np.asarray(first.multiply(second).sum(axis=1), np.float64).ravel()


def threshold_of(scores: Scores, classes: NDArray[np.int64]) -> float:
    """The score from which on pairs are told to be of class 0, for which most of these are told right.

    It is the lowest of the scores where several are as good, and infinite where it is best to tell none so.

    >>> threshold_of(np.array([0.1, 0.4, 0.3, 0.2]), np.array([1, 0, 0, 1]))
    0.3
    """
    values, places = np.unique(scores, return_inverse=True)
    of_first = np.bincount(places, classes == 0, len(values) + 1)
    of_second = np.bincount(places, classes == 1, len(values) + 1)
    below = np.cumsum(of_second) - of_second  # told to be of class 1, and right
    right = below + of_first[::-1].cumsum()[::-1]
    best = int(right.argmax())
    return float(values[best]) if best < len(values) else float("inf")


def answers(scores: Scores, threshold: float) -> NDArray[np.int64]:
    """(P,) class 0 from the threshold on, else class 1."""
    return (scores < threshold).astype(np.int64)


def spread_rows(count: int, most: int) -> Indices:
    """At most so many rows of `count`, spread evenly."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).astype(np.int64))
