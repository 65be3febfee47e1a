"""Masked language modelling: its definition, in numbers, on 100,000 tokens and more; and what it restores."""

from __future__ import annotations

import doctest
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare
from text_rows import END, MASK, START, MemoryRows, pieces, uniform_rows

from bertkit.errors import RequestError
from bertkit.heads.features import IGNORED
from bertkit.objectives import masked, sequences
from bertkit.objectives.masked import Masked
from bertkit.objectives.rows import Draws, Pieces

UNITS = ("subword", "whole-word", "span", "ngram")
ROWS, LENGTH = 4000, 126
WORDS = pieces(500)
PARTS = pieces(300, 200)
"""Two of five tokens drawn from these continue a word."""


def grids(objective: Masked, vocabulary: Pieces, epoch: int = 0) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The text of rows of equal length, what the model sees, and the targets, (ROWS, LENGTH) each; no start and end."""
    rows = uniform_rows(ROWS, LENGTH, vocabulary)
    features = objective.corrupt(rows, np.arange(ROWS), Draws(7, epoch), vocabulary)
    seen, targets = (
        run.values.reshape(ROWS, LENGTH + 2) for run in (features.inputs["input_ids"], features.targets) if run
    )
    assert (seen[:, 0] == START).all()
    assert (seen[:, -1] == END).all()
    assert (targets[:, [0, -1]] == IGNORED).all()
    return rows.texts(np.arange(ROWS)).tokens.values.reshape(ROWS, LENGTH), seen[:, 1:-1], targets[:, 1:-1]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("probability", [0.15, 0.4])
def test_the_share_of_the_tokens_that_are_predicted_is_the_one_asked_for(unit: Any, probability: float) -> None:
    text, seen, targets = grids(Masked(unit=unit, probability=probability), PARTS)
    chosen = targets != IGNORED
    assert abs(chosen.mean() - probability) < 0.01
    assert (targets[chosen] == text[chosen]).all()
    assert (seen[~chosen] == text[~chosen]).all()


@pytest.mark.parametrize(
    ("probability", "length", "unit", "count"),
    [
        (0.15, 126, "subword", 19),
        (0.15, 124, "subword", 19),
        (0.15, 122, "subword", 18),
        (0.15, 122, "span", 19),
        (0.15, 2, "subword", 1),
    ],
)
def test_every_row_has_the_rounded_share_of_its_tokens(probability: float, length: int, unit: Any, count: int) -> None:
    rows = uniform_rows(50, length, WORDS)
    features = Masked(unit=unit, probability=probability).corrupt(rows, np.arange(50), Draws(1, 0), WORDS)
    assert features.targets is not None
    counts = (features.targets.values.reshape(50, -1) != IGNORED).sum(1)
    assert (counts == count).all()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("replacement", "shares"),
    [("80-10-10", (0.8, 0.1, 0.1)), ("mask", (1, 0, 0)), ("random", (0, 1, 0))],
)
def test_mask_random_and_same_tokens_have_their_shares(unit: Any, replacement: Any, shares: tuple[float, ...]) -> None:
    text, seen, targets = grids(Masked(unit=unit, replacement=replacement), PARTS)
    chosen = targets != IGNORED
    masks, same = (seen[chosen] == MASK).mean(), (seen[chosen] == text[chosen]).mean()
    assert (masks, 1 - masks - same, same) == pytest.approx(shares, abs=0.01)


@pytest.mark.parametrize("unit", UNITS)
def test_random_tokens_are_uniform_over_all_that_are_not_special(unit: Any) -> None:
    vocabulary = pieces(40, 10, sentinels=4)
    _, seen, targets = grids(Masked(unit=unit, replacement="random"), vocabulary)
    counts = np.bincount(seen[targets != IGNORED], minlength=vocabulary.size)
    assert (counts[vocabulary.special] == 0).all()
    assert chisquare(counts[~vocabulary.special]).pvalue > 0.001


@pytest.mark.parametrize("unit", ["subword", "whole-word"])
def test_every_position_is_predicted_equally_often(unit: Any) -> None:
    _, _, targets = grids(Masked(unit=unit), WORDS)
    assert chisquare((targets != IGNORED).sum(0)).pvalue > 0.001


def test_what_stands_in_a_tokens_place_is_drawn_for_each_piece_of_a_word() -> None:
    _, seen, targets = grids(Masked(unit="whole-word"), PARTS)
    both = (targets[:, :-1] != IGNORED) & PARTS.continues[np.maximum(targets[:, 1:], 0)] & (targets[:, 1:] != IGNORED)
    alike = (seen[:, :-1] == MASK)[both] == (seen[:, 1:] == MASK)[both]
    assert abs(alike.mean() - (0.8 * 0.8 + 0.2 * 0.2)) < 0.01


def special_tokens_inside(count: int = 200) -> MemoryRows:
    """Windows over several documents, an end token between two of them."""
    rows = np.random.default_rng(1).choice(PARTS.plain, (count, 60))
    rows[:, [0, 20, 21, 59]] = END
    return MemoryRows([[row] for row in rows.tolist()])


@pytest.mark.parametrize("unit", UNITS)
def test_special_tokens_are_never_predicted_nor_counted(unit: Any) -> None:
    objective = Masked(unit=unit, probability=0.5)
    features = objective.corrupt(special_tokens_inside(), np.arange(200), Draws(1, 0), PARTS)
    assert features.targets is not None
    targets = features.targets.values.reshape(200, 62)
    assert (targets[:, [0, 1, 21, 22, 60, 61]] == IGNORED).all()
    counts = (targets != IGNORED).sum(1)
    assert counts.max() == 28  # half of 56
    assert counts.mean() > 27.9


@pytest.mark.parametrize("unit", UNITS)
def test_a_row_of_special_tokens_has_no_targets(unit: Any) -> None:
    features = Masked(unit=unit).corrupt(MemoryRows([[[END] * 9], [[]]]), np.arange(2), Draws(1, 0), WORDS)
    assert features.targets is not None
    assert features.targets.values.tolist() == [IGNORED] * 13


def test_a_vocabulary_without_start_and_end_token_leaves_all_the_room_to_the_text() -> None:
    bare = pieces(500, ends=False)
    assert (Masked().room(128, bare), Masked().room(128, WORDS)) == (128, 126)
    features = Masked().corrupt(uniform_rows(3, 128, bare), np.arange(3), Draws(1, 0), bare)
    assert features.lengths.tolist() == [128] * 3


def test_a_vocabulary_without_a_mask_token_is_refused_where_one_is_needed() -> None:
    bare = replace(WORDS, mask=None)
    with pytest.raises(RequestError, match="the tokenizer has no mask token"):
        Masked().corrupt(uniform_rows(1, 9, bare), np.arange(1), Draws(1, 0), bare)
    Masked(replacement="random").corrupt(uniform_rows(1, 9, bare), np.arange(1), Draws(1, 0), bare)
    assert [Masked(replacement=one).needs_mask for one in ("80-10-10", "mask", "random")] == [True, True, False]


@pytest.mark.parametrize("probability", [0, 1, -0.1, float("nan")])
def test_a_probability_out_of_range_is_refused(probability: float) -> None:
    with pytest.raises(RequestError, match=r"--mlm-probability .*: it must be above 0 and below 1"):
        Masked(probability=probability)


@pytest.mark.parametrize("module", [masked, sequences])
def test_the_examples_in_docstrings_are_true(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
