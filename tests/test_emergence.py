"""Tokens until half of the final accuracy, groups of classes, and their intervals, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bertkit.analysis.emergence import Answers, tokens_until_half
from bertkit.plots.figure import short, spread_apart


def half(shares: list[float], tokens: list[float], rise: bool = False) -> float:
    return float(tokens_until_half(np.array([shares]), np.array(tokens, float), rise)[0])


@pytest.mark.parametrize(
    ("shares", "tokens", "expected"),
    [
        ([0.0, 0.1, 0.3, 0.4], [0, 100, 1000, 10_000], 10**2.5),  # .2 is half of the way from .1 to .3, in logs
        ([0.0, 0.4, 0.4], [0, 100, 1000], 50),  # from 0 tokens on, half of the way as it is
        ([0.0, 0.2, 0.4], [0, 100, 1000], 100),  # reached by a model itself
        ([0.3, 0.1, 0.4], [0, 100, 1000], 0),  # the first is at half already
        ([0.0, 0.3, 0.1, 0.4], [0, 100, 1000, 10_000], 200 / 3),  # the first time counts: 2/3 of 100
    ],
)
def test_tokens_until_half_are_interpolated_in_their_logarithm(
    shares: list[float], tokens: list[float], expected: float
) -> None:
    assert half(shares, tokens) == pytest.approx(expected)


def test_half_of_the_rise_is_half_way_from_the_first_accuracy_to_the_last() -> None:
    # .4 is half way from .2 to .6, and a third of the way from .3 to .6
    assert half([0.2, 0.3, 0.6], [0, 100, 1000], rise=True) == pytest.approx(100 * 10 ** (1 / 3))


@pytest.mark.parametrize(("shares", "rise"), [([0.0, 0.5, 0.0], False), ([0.4, 0.5, 0.4], True)])
def test_what_is_not_learnt_has_no_half(shares: list[float], rise: bool) -> None:
    assert np.isnan(half(shares, [0, 100, 1000], rise))


def answers(right: Any, count: Any, weights: Any, names: tuple[str, ...] = ("DET", "NOUN")) -> Answers:
    tokens = np.array([0, 100, 1000, 10_000], float)
    return Answers(
        tokens=tokens,
        names=names,
        right=np.array(right, float),
        count=np.array(count, float),
        weights=np.array(weights, float),
    )


EARLY, LATE = [0, 8, 10, 10], [0, 0, 2, 10]
"""Of ten words of a sentence, how many each model has right."""


def test_the_group_that_is_learnt_first_comes_first_whichever_it_is_called() -> None:
    both = answers([[EARLY, LATE]] * 30, [[10, 10]] * 30, [1, 1])
    order = both.order(("early", ["DET"]), ("late", ["NOUN"]))
    # .5 of 1.0: at 62.5 of the first 100 tokens; and 3/8 of the way from 1,000 to 10,000 in logs
    assert order.difference is not None
    assert order.difference.value == pytest.approx(10 ** (3 + 3 / 8) - 62.5)
    assert order.times is not None
    assert order.times.value == pytest.approx(62.5 / 10 ** (3 + 3 / 8))
    assert order.holds is True
    assert both.order(("late", ["NOUN"]), ("early", ["DET"])).holds is False


def test_an_order_that_other_sentences_could_turn_is_not_certain() -> None:
    sentences = [[EARLY, LATE], [LATE, EARLY]] * 10
    assert answers(sentences, [[10, 10]] * 20, [1, 1]).order(("a", ["DET"]), ("b", ["NOUN"])).holds is None


def test_there_is_no_order_of_what_is_never_learnt() -> None:
    order = answers([[EARLY, [0, 0, 0, 0]]] * 5, [[10, 10]] * 5, [1, 1]).order(("a", ["DET"]), ("b", ["NOUN"]))
    assert (order.difference, order.times, order.holds) == (None, None, None)


def test_a_word_counts_in_its_group_as_many_times_as_it_stands_for() -> None:
    both = answers([[[1, 1, 1, 1], [0, 0, 0, 3]]], [[2, 4]], [10, 1])
    curve = both.curve("both", ["DET", "NOUN"])
    # of 2 * 10 + 4 * 1 words 1 * 10 are right at first, and 10 + 3 at last
    assert [score.value for score in curve.scores] == pytest.approx([10 / 24, 10 / 24, 10 / 24, 13 / 24])
    assert curve.words == 6


def test_an_interval_is_that_of_other_sentences_not_of_other_words() -> None:
    # ten sentences, all of whose words are right or wrong: as sure as ten words, however many they have
    whole = answers([[[0, 0, 0, 10]], [[0, 0, 0, 0]]] * 5, [[10]] * 10, [1], ("DET",)).curve("DET", ["DET"])
    mixed = answers([[[0, 0, 0, 5]]] * 10, [[10]] * 10, [1], ("DET",)).curve("DET", ["DET"])
    assert (whole.scores[-1].low, whole.scores[-1].value, whole.scores[-1].high) == pytest.approx((0.2, 0.5, 0.8))
    assert (mixed.scores[-1].low, mixed.scores[-1].high) == (0.5, 0.5)


def test_no_right_word_of_a_few_is_not_surely_none() -> None:
    curve = answers([[[0, 0, 0, 0]]] * 5, [[1]] * 5, [1], ("DET",)).curve("DET", ["DET"])
    # Wilson's interval of 0 of 5: z² / (5 + z²)
    assert (curve.scores[0].low, curve.scores[0].high) == pytest.approx((0, 3.8415 / 8.8415), abs=1e-4)
    assert (curve.scores[0].interval, curve.half) == ("Wilson", None)


def test_what_may_be_no_more_than_luck_is_not_learnt() -> None:
    # one word of one sentence in twenty is right: other sentences might have none
    curve = answers([[[0, 0, 0, 1]], *[[[0, 0, 0, 0]]] * 19], [[10]] * 20, [1], ("DET",)).curve("DET", ["DET"])
    assert (curve.scores[-1].value, curve.scores[-1].low, curve.half) == (1 / 200, 0, None)


def test_labels_that_are_near_are_moved_apart_around_their_middle() -> None:
    assert spread_apart([0.2, 0.5, 0.51, 0.9], gap=0.1) == pytest.approx([0.2, 0.455, 0.555, 0.9])
    assert spread_apart([0.0, 0.01, 0.2], gap=0.1) == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0"), (950, "950"), (999.9, "1k"), (1234, "1.2k"), (12_345, "12k"), (123_456, "123k"), (1_400_000, "1.4M")],
)
def test_tokens_are_told_in_two_digits_or_three(count: float, said: str) -> None:
    assert short(count) == said


def test_ticks_may_have_a_third_digit() -> None:
    assert [short(count, 3) for count in (950, 1_000, 12_500, 119_040)] == ["950", "1k", "12.5k", "119k"]
