"""Pairs of segments: next sentence and sentence order, their classes, and where their text comes from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare, ks_2samp
from text_rows import END, START, MemoryRows, pieces

from bertkit.heads.features import IGNORED, Features
from bertkit.objectives.base import PAIR
from bertkit.objectives.pairs import MaskedNextSentence, MaskedPair, MaskedSentenceOrder
from bertkit.objectives.rows import Draws

DOCUMENTS, ROWS_EACH = 20, 50
WORDS = pieces(DOCUMENTS * 100)
FIRST_PLAIN = int(WORDS.plain[0])
KINDS = [MaskedNextSentence, MaskedSentenceOrder]


def corpus(seed: int = 1) -> MemoryRows:
    """1,000 rows of 100 to 125 tokens: sentence s of row r has the token 100 times its document, and s % 100 more."""
    generator, rows = np.random.default_rng(seed), []
    for document in range(DOCUMENTS):
        for _ in range(ROWS_EACH):
            sentences: list[list[int]] = []
            while sum(map(len, sentences)) < 100:
                length = min(int(generator.integers(1, 40)), 125 - sum(map(len, sentences)))
                sentences.append([FIRST_PLAIN + 100 * document + len(sentences)] * length)
            rows.append(sentences)
    return MemoryRows(rows, of=[row // ROWS_EACH for row in range(len(rows))])


CORPUS = corpus()
ALL = np.arange(len(CORPUS))


def segments(features: Features) -> list[tuple[list[int], list[int]]]:
    """The two segments of each feature, with the targets put back, without start and end tokens."""
    assert features.targets is not None
    found = []
    for i in range(len(features)):
        seen, targets, segment = (
            features.inputs["input_ids"][i],
            features.targets[i],
            features.inputs["token_type_ids"][i],
        )
        tokens = np.where(targets == IGNORED, seen, targets)
        first, second = tokens[segment == 0].tolist(), tokens[segment == 1].tolist()
        assert segment.tolist() == [0] * len(first) + [1] * len(second)
        assert (first[0], first[-1], second[-1]) == (START, END, END)
        found.append((first[1:-1], second[:-1]))
    return found


def made(objective: MaskedPair, epoch: int = 0, rows: MemoryRows = CORPUS) -> tuple[Features, NDArray[np.int64]]:
    """The features of all rows, and their classes."""
    features = objective.corrupt(rows, np.arange(len(rows)), Draws(3, epoch), WORDS)
    assert features.places[PAIR].lengths.tolist() == [1] * len(rows)
    return features, features.places[PAIR].values.astype(np.int64)


def text_of(row: int) -> list[int]:
    return [token for sentence in CORPUS.rows[row] for token in sentence]


@pytest.mark.parametrize("kind", KINDS)
def test_half_of_the_pairs_are_of_each_class(kind: type[MaskedPair]) -> None:
    classes = np.concatenate([made(kind(), epoch)[1] for epoch in range(10)])
    assert abs(classes.mean() - 0.5) < 0.01
    assert set(classes.tolist()) == {0, 1}


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_masked_as_rows_are_but_for_special_tokens(kind: type[MaskedPair]) -> None:
    features, _ = made(kind())
    assert features.targets is not None
    for i in range(len(features)):
        chosen = features.targets[i] != IGNORED
        text = len(chosen) - 3
        assert chosen.sum() == round(0.15 * text)
        assert not WORDS.special[features.targets[i][chosen]].any()


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_a_full_row_have_the_maximum_length(kind: type[MaskedPair]) -> None:
    room = kind().room(128, WORDS)
    assert room == 125
    assert made(kind())[0].lengths.max() == 128


def test_sentence_order_swaps_the_segments_of_class_1_and_nothing_else() -> None:
    features, classes = made(MaskedSentenceOrder())
    for row, (first, second) in enumerate(segments(features)):
        assert (second + first if classes[row] else first + second) == text_of(row)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_split_before_any_of_its_sentences_but_the_first_equally_often(kind: type[MaskedPair]) -> None:
    sentence = [[FIRST_PLAIN + s] * (s + 1) for s in range(6)]
    rows = MemoryRows([sentence] * 3000, of=[0] * 1500 + [1] * 1500)
    features, classes = made(kind(), rows=rows)
    firsts = [pair[classes[i] if kind is MaskedSentenceOrder else 0] for i, pair in enumerate(segments(features))]
    splits = np.array([first[-1] - FIRST_PLAIN + 1 for first in firsts])
    assert {len(first) for first in firsts} == {1, 3, 6, 10, 15}  # whole sentences of 1, 2, ... 6 tokens
    assert chisquare(np.bincount(splits)[1:]).pvalue > 0.001


def documents_of(tokens: list[int]) -> set[int]:
    return {(token - FIRST_PLAIN) // 100 for token in tokens}


def test_a_next_sentence_follows_and_another_is_of_another_document() -> None:
    features, classes = made(MaskedNextSentence())
    counts, expected = np.zeros(DOCUMENTS), np.zeros(DOCUMENTS)
    for row, (first, second) in enumerate(segments(features)):
        own = row // ROWS_EACH
        assert text_of(row)[: len(first)] == first
        if classes[row] == 0:
            assert text_of(row)[len(first) : len(first) + len(second)] == second
            continue
        (document,) = documents_of(second)
        assert document != own
        counts[document] += 1
        expected += (np.arange(DOCUMENTS) != own) / (DOCUMENTS - 1)
    assert chisquare(counts, expected).pvalue > 0.001


def begun(row: int, second: list[int]) -> bool:
    """Whether these tokens are in this row, from the first token of their sentence on."""
    text = text_of(row)
    return second[0] in text and text[text.index(second[0]) :][: len(second)] == second


def test_either_second_segment_begins_with_a_sentence_that_is_not_the_first_of_its_row() -> None:
    features, _ = made(MaskedNextSentence())
    for _, second in segments(features):
        (document,) = documents_of(second)
        assert (second[0] - FIRST_PLAIN) % 100 > 0
        assert any(begun(row, second) for row in range(document * ROWS_EACH, (document + 1) * ROWS_EACH))


LETTERS = [".", "A", "B", "C", "D", "E", "K", "L", "M", "N", "O", "P", "Q"]
EXAMPLE = MemoryRows(
    [
        [[FIRST_PLAIN + LETTERS.index(letter) for letter in sentence] for sentence in row.split()]
        for row in ("AB. CDE.", "KL. MN. OPQ.")
    ]
)
"""The rows of the examples in docstrings."""


def outcomes(objective: MaskedPair) -> set[tuple[int, str, str]]:
    """The class and the segments of the example's first row, in a thousand epochs."""
    found = set()
    for epoch in range(1000):
        features = objective.corrupt(EXAMPLE, np.arange(1), Draws(1, epoch), WORDS)
        ((first, second),) = segments(features)
        text = ["".join(LETTERS[token - FIRST_PLAIN] for token in tokens) for tokens in (first, second)]
        found.add((int(features.places[PAIR].values[0]), text[0], text[1]))
    return found


def test_the_example_of_next_sentences_is_true() -> None:
    follow = {(0, "AB.", text) for text in ("C", "CD", "CDE", "CDE.")}
    others = {(1, "AB.", text[:count]) for text in ("MN.O", "OPQ.") for count in range(1, 5)}
    assert outcomes(MaskedNextSentence()) == follow | others


def test_the_example_of_sentence_order_is_true() -> None:
    assert outcomes(MaskedSentenceOrder()) == {(0, "AB.", "CDE."), (1, "CDE.", "AB.")}


def test_the_length_of_the_second_segment_does_not_tell_the_classes_of_next_sentences_apart() -> None:
    lengths: list[list[int]] = [[], []]
    for epoch in range(5):
        features, classes = made(MaskedNextSentence(), epoch)
        for label, (_, second) in zip(classes, segments(features), strict=True):
            lengths[label].append(len(second))
    assert ks_2samp(*lengths).pvalue > 0.001


def test_text_of_another_document_is_drawn_again_where_it_is_too_short() -> None:
    two = [[FIRST_PLAIN] * 10] * 2, [[FIRST_PLAIN] * 10, [FIRST_PLAIN]]
    rows = MemoryRows([two[0]] * 2000 + [two[row % 2] for row in range(2000)], of=[0] * 2000 + [1] * 2000)
    features = MaskedNextSentence().corrupt(rows, np.arange(2000), Draws(3, 0), WORDS)
    lengths = [len(second) for _, second in segments(features.take(np.flatnonzero(features.places[PAIR].values)))]
    assert chisquare(np.bincount(lengths)[1:]).pvalue > 0.001  # 1 to 10 tokens, as what they replace


def test_a_next_sentence_of_any_class_ends_within_a_sentence() -> None:
    sentences = [[FIRST_PLAIN + 100 * document] * 9 + [FIRST_PLAIN + 100 * document + 1] for document in (0, 1)]
    rows = MemoryRows([[sentences[row // 1000]] * 6 for row in range(2000)], of=[row // 1000 for row in range(2000)])
    features, classes = made(MaskedNextSentence(), rows=rows)
    whole = np.array([second[-1] % 100 == (FIRST_PLAIN + 1) % 100 for _, second in segments(features)])
    for label in (0, 1):
        assert abs(whole[classes == label].mean() - 0.1) < 0.03  # the last of 10 tokens


def test_only_next_sentences_need_text_of_a_second_document() -> None:
    assert (MaskedNextSentence().least_documents, MaskedSentenceOrder().least_documents) == (2, 1)
    rows = MemoryRows(CORPUS.rows[:ROWS_EACH], of=[0] * ROWS_EACH)
    made(MaskedSentenceOrder(), rows=rows)
    with pytest.raises(AssertionError, match="least_documents"):
        made(MaskedNextSentence(), rows=rows)
