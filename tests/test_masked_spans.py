"""Whole words, spans and n-grams: what is predicted together, how long it is, and where."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, chisquare
from text_rows import END, START, pieces, uniform_rows

from bertkit.heads.features import IGNORED, Ragged
from bertkit.objectives import choose
from bertkit.objectives.choose import Spans
from bertkit.objectives.masked import Masked
from bertkit.objectives.rows import Draws, Pieces

ROWS, LENGTH = 4000, 126
WORDS = pieces(500)
PARTS = pieces(300, 200)
"""Two of five tokens drawn from these continue a word."""


def test_a_word_is_a_token_with_those_that_continue_it_and_special_tokens_are_on_their_own() -> None:
    bend, ing = PARTS.plain[300:302]
    row = Ragged.of([[START, 9, bend, ing, 10, END], [bend, END, ing]], "uint16")
    words = choose.words_of(row, choose.maskable(row, PARTS), PARTS)
    assert words.edges.tolist() == [[0, 1, 4, 5, 6], [0, 1, 2, 3, 3]]  # [CLS] un ##bend ##ing reed [SEP]
    assert words.free.tolist() == [[False, True, True, False], [True, False, True, False]]


def text(vocabulary: Pieces) -> Ragged:
    return uniform_rows(ROWS, LENGTH, vocabulary).texts(np.arange(ROWS)).tokens


def spans(unit: str, probability: float, vocabulary: Pieces = WORDS) -> Spans:
    return choose.chosen(text(vocabulary), unit, probability, np.arange(ROWS), Draws(5, 0), vocabulary)


def grid(found: Spans) -> NDArray[np.int64]:
    """(ROWS, LENGTH) how often each token is in a span."""
    counts = np.zeros((ROWS, LENGTH), np.int64)
    for row, begin, end in zip(found.row, found.begin, found.end, strict=True):
        counts[row, begin:end] += 1
    return counts


@pytest.mark.parametrize("unit", ["whole-word", "span", "ngram"])
@pytest.mark.parametrize("probability", [0.15, 0.5])
def test_words_are_predicted_whole_or_not_at_all_and_once(unit: str, probability: float) -> None:
    counts, tokens = grid(spans(unit, probability, PARTS)), text(PARTS).values.reshape(ROWS, LENGTH)
    continues = PARTS.continues[tokens][:, 1:]
    assert counts.max() == 1
    assert (counts[:, 1:] == counts[:, :-1])[continues].all()
    budget = np.ceil(probability * LENGTH) if unit == "span" else np.rint(probability * LENGTH)
    assert counts.sum(1).max() == budget
    assert counts.sum(1).mean() > budget - 0.05


def lengths(found: Spans, first: int) -> NDArray[np.int64]:
    """Tokens of each row's first so many spans, in the order in which they were drawn."""
    order = np.argsort(found.row, kind="stable")
    rank = np.arange(len(order)) - np.searchsorted(found.row[order], found.row[order])
    return (found.end - found.begin)[order][rank < first]


def test_the_lengths_of_spans_are_geometric_from_1_to_10_words() -> None:
    drawn = lengths(spans("span", 0.4), first=5)  # no five of them exceed 51 tokens
    assert len(drawn) == 5 * ROWS
    shares = np.array([0.2 * 0.8 ** (n - 1) for n in range(1, 11)])
    assert chisquare(np.bincount(drawn)[1:], shares / shares.sum() * len(drawn)).pvalue > 0.001
    assert abs(drawn.mean() - 3.8) < 0.05


def test_one_word_two_and_three_are_6_3_and_2_of_11_ngrams() -> None:
    drawn = lengths(spans("ngram", 0.15), first=6)  # no six of them exceed 19 tokens
    assert len(drawn) == 6 * ROWS
    assert chisquare(np.bincount(drawn)[1:], np.array([6, 3, 2]) / 11 * len(drawn)).pvalue > 0.001


@pytest.mark.parametrize(("unit", "longest"), [("span", 10), ("ngram", 3)])
def test_a_spans_first_word_is_any_from_which_it_does_not_leave_the_row(unit: str, longest: int) -> None:
    found = spans(unit, 0.15)
    first = np.unique(found.row, return_index=True)[1]  # those that were drawn first come first
    begin = found.begin[first][(found.end - found.begin)[first] == longest]
    assert begin.max() <= LENGTH - longest
    assert chisquare(np.bincount(begin * 6 // (LENGTH - longest + 1), minlength=6)).pvalue > 0.001


def test_a_whole_span_is_masked_random_or_the_same() -> None:
    tokens, rows = text(PARTS), np.arange(ROWS)
    seen, _ = Masked(unit="span").masked(tokens, rows, Draws(5, 0), PARTS)
    found, kinds = spans("span", 0.15, PARTS), Counter[str]()
    for row, begin, end in zip(found.row, found.begin, found.end, strict=True):
        now, before = seen[row][begin:end], tokens[row][begin:end]
        masks = (now == PARTS.mask).sum()
        assert masks in (0, end - begin)
        kinds["mask" if masks else "same" if (now == before).all() else "random"] += 1
    shares = [kinds[kind] / len(found.row) for kind in ("mask", "random", "same")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def by_hand(unit: str, budget: int, generator: random.Random) -> list[int]:
    """The lengths of the runs of predicted words in a row, by the definition, a word at a time."""
    shares = {"span": [0.8**n for n in range(10)], "ngram": [6, 3, 2], "whole-word": [1]}[unit]
    taken = [False] * LENGTH
    while sum(taken) < budget:
        (length,) = generator.choices(range(1, len(shares) + 1), shares)
        starts = [i for i in range(LENGTH - length + 1) if not any(taken[i : i + length])]
        start = generator.choice(starts)
        for i in range(start, start + min(length, budget - sum(taken))):
            taken[i] = True
    return [len(run) for run in "".join("x" if one else " " for one in taken).split()]


@pytest.mark.parametrize("unit", ["whole-word", "span", "ngram"])
def test_runs_of_targets_are_as_long_as_those_drawn_a_word_at_a_time(unit: Any) -> None:
    generator = random.Random(1)
    rows = 1000
    reference = Counter(n for _ in range(rows) for n in by_hand(unit, 19, generator))
    features = Masked(unit=unit).corrupt(uniform_rows(rows, LENGTH, WORDS), np.arange(rows), Draws(5, 0), WORDS)
    assert features.targets is not None
    chosen = features.targets.values.reshape(rows, -1) != IGNORED
    found = Counter(len(run) for row in chosen for run in "".join("x" if one else " " for one in row).split())
    common = [n for n in reference if reference[n] + found[n] >= 10]
    assert chi2_contingency([[reference[n] for n in common], [found[n] for n in common]]).pvalue > 0.001
