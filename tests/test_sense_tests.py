"""Numbers by hand: cosines, within and across, the exact permutation test, nearest neighbours, thresholds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.stats

from bertkit.analysis.sense_draws import Sampling, sampled
from bertkit.analysis.sense_rows import SenseRows
from bertkit.analysis.sense_sets import SenseSet, SetRows, gain_over, score_set
from bertkit.analysis.sense_tests import (
    best_threshold,
    cosines,
    count_splits,
    neighbour_credit,
    split_test,
    splits,
    within_and_across,
)
from bertkit.analysis.word_study import senses_by_layer

EAST, NORTH, NORTHEAST = (1.0, 0.0), (0.0, 2.0), (3.0, 3.0)
HALF = 2**-0.5


def two_senses(each: int = 5) -> SenseRows:
    """Sentences of two senses, as many of each."""
    count = 2 * each
    return SenseRows(
        word="it", sentences=("it",) * count, spans=((0, 2),) * count, senses=("a",) * each + ("b",) * each,
        names=tuple(map(str, range(count))),
    )  # fmt: skip


def test_cosines_are_of_directions_and_of_those_from_a_centre() -> None:
    found = cosines(np.array([EAST, NORTH, NORTHEAST, (0, 0)]))
    assert found[0] == pytest.approx([1, 0, HALF, 0])
    assert cosines(np.array([(2.0, 1.0), (0.0, 1.0)]), np.array([1.0, 1.0]))[0, 1] == pytest.approx(-1)


def test_within_and_across_are_means_over_pairs() -> None:
    table = np.array([[1, 0.8, 0.1, 0.2], [0.8, 1, 0.3, 0.4], [0.1, 0.3, 1, 0.6], [0.2, 0.4, 0.6, 1]])
    assert within_and_across(table, np.array([0, 0, 1, 1])) == pytest.approx((0.7, 0.25))


@pytest.mark.parametrize(("sizes", "count"), [((5, 5), 126), ((6, 4), 210), ((2, 2, 2), 15), ((1, 2, 1), 6), ((3,), 1)])
def test_each_distinct_split_is_tried_once(sizes: tuple[int, ...], count: int) -> None:
    labels, exact = splits(sizes, 1)
    partitions = {frozenset(frozenset(np.flatnonzero(row == k)) for k in range(len(sizes))) for row in labels}
    assert (count_splits(sizes), len(labels), len(partitions), exact) == (count, count, count, True)
    assert {tuple(sorted(np.bincount(row))) for row in labels} == {tuple(sorted(sizes))}


def test_more_splits_than_are_tried_are_drawn_with_the_sizes_of_the_senses() -> None:
    labels, exact = splits((12, 3, 12), 1)
    assert (len(labels), exact) == (9_999, False)
    assert {tuple(np.bincount(row)) for row in labels} == {(12, 3, 12)}
    assert (labels == splits((12, 3, 12), 1)[0]).all()


def test_splits_of_more_senses_than_a_byte_counts_have_all_of_them() -> None:
    labels, _ = splits((2,) * 130, 1)
    assert (np.bincount(labels[0]) == 2).all()
    assert labels.max() == 129


def test_senses_in_two_directions_have_the_least_p_and_those_in_one_have_1() -> None:
    apart = np.array([EAST] * 5 + [NORTH] * 5)
    same = np.array([EAST] * 10)
    found = senses_by_layer(np.stack([same, apart], axis=1), two_senses(), Sampling())
    assert [one.p for one in found.raw] == pytest.approx([1.0, 1 / 126])
    assert [one.adjusted for one in found.raw] == pytest.approx([1.0, 2 / 126])
    assert (found.raw[1].within, found.raw[1].across) == pytest.approx((1, 0))
    assert (found.tried, found.exact, found.least) == (126, True, 1 / 126)
    assert found.separating(adjusted=True) == [1]


def test_p_is_the_share_of_splits_that_are_as_far_apart() -> None:
    # of 0, 1 | 2, 3 the sums within are .9 + .1; of the others .4 + .2 and .7 + .7: one of three is as far
    table = np.zeros((4, 4))
    table[0, 1], table[2, 3], table[0, 2], table[1, 3], table[0, 3], table[1, 2] = 0.9, 0.1, 0.4, 0.2, 0.7, 0.7
    table += table.T
    labels, exact = splits((2, 2), 1)
    assert split_test(table, np.array([0, 0, 1, 1]), labels, exact) == pytest.approx(2 / 3)
    assert split_test(table, np.array([0, 0, 1, 1]), labels, exact=False) == pytest.approx(3 / 4)


def test_the_nearest_other_sentence_counts_and_ties_count_by_their_share() -> None:
    codes = np.array([0, 0, 1, 1])
    angles = np.radians([0, 10, 90, 20])  # the second is as near to the first as to the last
    points = cosines(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert neighbour_credit(points, codes).tolist() == [1, 0.5, 1, 0]
    assert neighbour_credit(np.ones((10, 10)), np.repeat([0, 1], 5)).tolist() == pytest.approx([4 / 9] * 10)


def test_samples_are_tested_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    apart = np.array([EAST] * 8 + [NORTH] * 8) + rng.normal(0, 0.01, (16, 2))
    found = senses_by_layer(np.stack([np.ones((16, 2)), apart], axis=1), two_senses(8), Sampling(draws=4, each=5)).draws
    assert found is not None
    assert (found.count, found.least) == (4, 1 / 126)
    assert found.significant["raw"] == found.surest["raw"] == (0, 1)
    assert found.nearest["raw"] == pytest.approx((4 / 9, 1))


def test_the_cosines_of_one_layer_are_in_memory_and_only_those_of_shown_sentences_are_kept() -> None:
    count, layers = 600, 20
    vectors = np.random.default_rng(1).normal(size=(count, layers, 4))
    rows = SenseRows(
        word="it", sentences=("it",) * count, spans=((0, 2),) * count, senses=None, names=("line",) * count
    )
    tracemalloc.start()
    try:
        found = senses_by_layer(vectors, rows, Sampling(), np.ones((layers, 4)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * count * count * 8  # four tables of fp64, of 40 that are looked at
    assert (found.kept, found.shown, found.matrices.shape) == (tuple(range(60)),) * 2 + ((layers, 60, 60),)
    table = cosines(vectors[:, 7])
    assert found.matrices[7] == pytest.approx(table[:60, :60])
    assert found.raw[7].mean == pytest.approx((table.sum() - count) / (count * (count - 1)))
    assert found.plain()["cosines"] is None


def test_of_many_sentences_with_senses_the_first_sample_is_shown_and_up_to_100_are_written() -> None:
    vectors = np.random.default_rng(1).normal(size=(80, 2, 4))
    found = senses_by_layer(vectors, two_senses(40), Sampling(each=3))
    assert (len(found.kept), len(found.shown)) == (80, 6)
    assert found.shown == tuple(sampled(two_senses(40), Sampling(draws=1, each=3))[0])
    assert np.array(found.plain()["cosines"]).shape == (2, 80, 80)


def test_the_threshold_is_right_for_most_and_between_two_values() -> None:
    values, same = np.array([0.9, 0.2, 0.6, 0.4]), np.array([True, False, True, False])
    assert best_threshold(values, same) == pytest.approx(0.5)
    assert best_threshold(values, ~same) < 0.2  # two of four are right at best: the least such threshold
    assert best_threshold(np.ones(3), np.array([True, True, False])) < 1


def rows_of(words: str) -> SetRows:
    return SetRows(sentences=list(words), spans=[(0, 1)] * len(words), words=list(words))


def test_wic_is_scored_by_the_threshold_of_train_and_a_word_without_vector_gets_the_commonest_answer() -> None:
    given = SenseSet(
        name="wic", train=rows_of("eeenen"), scored=rows_of("enee?e"), train_answers=np.array([1, 0, 0]),
        answers=np.array([0, 1, 0]), split="dev",
    )  # fmt: skip
    points = {"e": EAST, "n": NORTH, "?": (0.0, 0.0)}
    found = score_set(
        given, lambda texts, _: (np.array([[points[t]] for t in texts]), np.array([t != "?" for t in texts]))
    )
    assert (found.thresholds, found.of_train, found.best) == ((0.5,), (1.0,), 0)
    assert (found.accuracy[0].value, found.commonest.value, found.absent) == (1, pytest.approx(2 / 3), 1)


def test_coarsewsd_is_scored_by_the_nearest_train_sentence_of_the_same_word() -> None:
    given = SenseSet(
        name="coarsewsd", train=rows_of("xxxy"), scored=rows_of("xxy"), train_answers=np.array([0, 0, 1, 5]),
        answers=np.array([1, 0, 5]), split="test",
    )  # fmt: skip
    of = {4: [EAST, EAST, NORTH, EAST], 3: [NORTH, NORTHEAST, NORTH]}
    found = score_set(given, lambda texts, _: (np.array(of[len(texts)])[:, None], np.ones(len(texts), bool)))
    assert found.accuracy[0].value == pytest.approx((1 + 2 / 3 + 1) / 3)  # north-east is as near to all three of x
    assert found.commonest.value == pytest.approx(2 / 3)
    assert found.of_train == pytest.approx([2 / 4])  # the third of x has no other of its sense, and y no other at all


def test_a_gain_over_the_commonest_answer_is_paired_by_rows_and_of_words_not_of_their_rows() -> None:
    generator = np.random.default_rng(5)
    right, common = (generator.integers(0, 2, 90).astype(float) for _ in range(2))
    single = gain_over(right, common, ["it"] * 90)
    test = scipy.stats.ttest_rel(right, common).confidence_interval()
    assert (single.low, single.high) == pytest.approx((test.low, test.high), rel=0.02)  # of a single word, of its rows
    words = [f"w{k // 30}" for k in range(90)]
    of_words = [(right - common)[start : start + 30].mean() for start in (0, 30, 60)]
    expected = scipy.stats.ttest_1samp(of_words, 0).confidence_interval()
    found = gain_over(right, common, words)
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(of_words), expected.low, expected.high))
