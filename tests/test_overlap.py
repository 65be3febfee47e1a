"""The baseline for pairs of segments: the words that they share, their weights, and the threshold of the score."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from text_rows import END, MASK, START, MemoryRows, pieces

from bertkit.data.corpus_features import CorpusFeatures
from bertkit.evaluation.overlap import Overlap, Pairs, answers, pairs_of, spread_rows, threshold_of, words_of
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.objectives.base import PAIR
from bertkit.objectives.pairs import MaskedSentenceOrder
from bertkit.progress import Progress

WORDS = pieces(plain=4, continuing=1)  # 5, 6, 7 and 8 begin a word, 9 continues one
TRAIN = Pairs(first=[["5", "6"], ["6"]], second=[["5", "7"], ["8"]], classes=np.array([0, 1]))
TWO, ONE = log(5 / 3) + 1, log(5 / 2) + 1
"""The idf of words of two of the four segments of TRAIN, and of one of them."""


def test_words_are_put_together_of_their_tokens_in_their_own_segment() -> None:
    pair = Features(
        row=np.arange(1),
        inputs={
            "input_ids": Ragged.of([[START, 5, MASK, 6, END, 6, 9, 9, 8, END]], "int32"),
            "token_type_ids": Ragged.of([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]], "int8"),
        },
        targets=Ragged.of([[IGNORED, IGNORED, 9, IGNORED, IGNORED, IGNORED, IGNORED, 9, IGNORED, IGNORED]], "int32"),
        cut=np.zeros(1, bool),
        places={PAIR: Ragged.of([[0]], "int8")},
    )
    assert words_of(pair, WORDS, 0, "whole") == [["5-9", "6"]]
    assert words_of(pair, WORDS, 1, "whole") == [["6-9-9", "8"]]
    assert words_of(pair, WORDS, 0, "masked") == [["6"]]  # a word of which a token is predicted is not read
    assert words_of(pair, WORDS, 1, "masked") == [["8"]]


def test_the_score_is_the_cosine_of_sets_of_words_weighted_by_idf() -> None:
    found = Overlap(TRAIN).scores(TRAIN)
    assert found == pytest.approx([TWO * TWO / (sqrt(TWO**2 + TWO**2) * sqrt(TWO**2 + ONE**2)), 0.0])
    again = Pairs(first=[["5", "5", "7"]], second=[["7", "5"]], classes=np.array([0]))
    assert Overlap(TRAIN).scores(again) == pytest.approx([1.0])  # how often a word stands there does not count


def test_words_that_were_never_seen_and_empty_segments_are_not_shared() -> None:
    pairs = Pairs(first=[["99"], []], second=[["99"], ["5"]], classes=np.array([0, 0]))
    assert Overlap(TRAIN).scores(pairs).tolist() == [0.0, 0.0]


def test_the_score_is_the_same_for_swapped_segments() -> None:
    swapped = Pairs(first=TRAIN.second, second=TRAIN.first, classes=TRAIN.classes)
    assert Overlap(TRAIN).scores(swapped).tolist() == Overlap(TRAIN).scores(TRAIN).tolist()


@pytest.mark.parametrize(
    ("scores", "classes", "threshold"),
    [
        ([0.1, 0.4, 0.3, 0.2], [1, 0, 0, 1], 0.3),
        ([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0], 0.1),  # 0.1 tells three right, as 0.3 does: the lowest of these
        ([0.5, 0.5, 0.5], [0, 1, 0], 0.5),
        ([0.5, 0.5, 0.5], [1, 1, 0], float("inf")),
        ([0.2, 0.1], [1, 0], 0.1),
    ],
)
def test_the_threshold_tells_most_pairs_right(scores: list[float], classes: list[int], threshold: float) -> None:
    found = threshold_of(np.array(scores), np.array(classes))
    assert found == threshold
    right = (answers(np.array(scores), found) == classes).mean()
    tried = [0.0, *scores, float("inf")]
    assert right == max((answers(np.array(scores), one) == classes).mean() for one in tried)


def test_pairs_of_rows_have_the_words_of_both_segments_and_their_class() -> None:
    rows = MemoryRows([[[5, 9], [6]], [[7], [8, 8]]])
    source = CorpusFeatures(rows=rows, objective=MaskedSentenceOrder(), pieces=WORDS, room=8, seed=1)
    pairs = pairs_of(source, np.arange(2), "whole", Progress())
    for k, (one, other) in enumerate([(["5-9"], ["6"]), (["7"], ["8", "8"])]):
        expected = (one, other) if pairs.classes[k] == 0 else (other, one)
        assert (pairs.first[k], pairs.second[k]) == expected


def test_rows_are_spread_evenly_and_not_more_than_there_are() -> None:
    assert spread_rows(10, 4).tolist() == [0, 3, 6, 9]
    assert spread_rows(3, 10).tolist() == [0, 1, 2]
    assert spread_rows(0, 10).tolist() == []
