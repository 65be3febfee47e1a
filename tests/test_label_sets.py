"""Metrics of sets of labels, and of numbers that may be any: the numbers of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from sklearn.preprocessing import MultiLabelBinarizer

from bertkit.evaluation.intervals import Measures, bootstrap
from bertkit.evaluation.metrics import METRICS, macro_f1_of_sums

NAMES = ("anger", "fear", "joy", "love", "surprise")
Sets = list[list[str]]


def drawn(seed: int, rows: int = 60, share: float = 0.3) -> Sets:
    """Rows with any number of NAMES, in any order."""
    draws = np.random.default_rng(seed)
    return [list(draws.permutation([name for name in NAMES if draws.random() < share])) for _ in range(rows)]


def hot(sets: Sets, names: tuple[str, ...] = NAMES) -> Any:
    return MultiLabelBinarizer(classes=list(names)).fit_transform(sets)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("average", ["micro", "macro"])
def test_f1_of_label_sets_is_scikit_learn_s(seed: int, average: str) -> None:
    golds, values = drawn(seed), drawn(seed + 100)
    expected = sk.f1_score(hot(golds), hot(values), average=average)
    assert METRICS[f"multilabel_f1_{average}"].of(golds, values, NAMES) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_exact_sets_is_scikit_learn_s_accuracy(seed: int) -> None:
    golds, values = drawn(seed, share=0.1), drawn(seed + 100, share=0.1)
    expected = sk.accuracy_score(hot(golds), hot(values))
    assert 0 < METRICS["multilabel_exact"].of(golds, values, NAMES) == pytest.approx(expected)


def test_macro_f1_is_over_the_labels_that_occur_in_golds_or_answers() -> None:
    golds: Sets = [["joy"], ["joy", "fear"], []]
    values: Sets = [["joy"], ["joy"], ["love"]]
    # joy 1, fear 0, love 0; anger and surprise are neither asked for nor given
    assert METRICS["multilabel_f1_macro"].of(golds, values, NAMES) == pytest.approx(1 / 3)
    expected = sk.f1_score(hot(golds), hot(values), labels=[1, 2, 3], average="macro", zero_division=0)
    assert expected == pytest.approx(1 / 3)


def test_a_gold_label_that_the_model_does_not_know_is_a_miss() -> None:
    golds, values = [["joy", "hope"]], [["joy"]]
    assert METRICS["multilabel_f1_micro"].of(golds, values, NAMES) == pytest.approx(2 / 3)
    assert METRICS["multilabel_f1_macro"].of(golds, values, NAMES) == pytest.approx(1 / 2)
    assert METRICS["multilabel_exact"].of(golds, values, NAMES) == 0


@pytest.mark.parametrize("name", ["multilabel_f1_micro", "multilabel_f1_macro"])
def test_without_labels_on_either_side_f1_is_0(name: str) -> None:
    assert METRICS[name].of([[], []], [[], []], NAMES) == 0


def test_a_label_that_a_sample_lacks_is_no_part_of_its_macro_f1() -> None:
    # of three labels the first is right in 1 of 2, the second is never right, the third does not occur
    sums = np.array([[2.0, 0.0, 0.0, 4.0, 1.0, 0.0], [0.0] * 6])
    assert macro_f1_of_sums(sums).tolist() == [(0.5 + 0) / 2, 0]


# R squared.


@pytest.mark.parametrize("seed", range(3))
def test_r2_is_scikit_learn_s(seed: int) -> None:
    draws = np.random.default_rng(seed)
    golds = draws.normal(50, 10, 40)
    values = golds + draws.normal(0, 5, 40)
    assert METRICS["r2"].of(list(golds), list(values)) == pytest.approx(sk.r2_score(golds, values))


def test_r2_is_0_for_the_mean_and_below_it_for_worse() -> None:
    assert METRICS["r2"].of([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == 0
    # errors 2, 1, 2 against 1, 0, 1: 1 - 9 / 2
    assert METRICS["r2"].of([1.0, 2.0, 3.0], [3.0, 3.0, 1.0]) == pytest.approx(1 - 9 / 2)


# Intervals.


def emotions(draws: np.random.Generator, rows: int) -> Measures:
    """Rows of two to nine labels, given and gold, that are right together or wrong together: F1 is 0.6."""
    size, share = draws.integers(1, 5, rows), draws.beta(1.2, 0.8, rows)
    return np.stack([2 * draws.binomial(size, share), 2 * size], axis=1).astype(float)


@pytest.mark.parametrize("metric", ["multilabel_f1_micro", "entity_f1", "entity_f1_strict"])
@pytest.mark.parametrize("rows", [80, 277, 872])
def test_the_interval_of_an_f1_over_rows_whose_labels_go_together_covers(metric: str, rows: int) -> None:
    draws, one = np.random.default_rng(7), METRICS[metric]
    found = [one.interval(emotions(draws, rows), one.score) for _ in range(1_000)]
    assert 0.93 <= np.mean([each.low <= 0.6 <= each.high for each in found]) <= 0.97


def test_labels_counted_as_if_each_were_a_row_would_not_cover() -> None:
    draws, z, inside = np.random.default_rng(7), 1.96, []
    for _ in range(1_000):
        right, both = emotions(draws, 277).sum(axis=0)
        share = right / both
        inside.append(abs(share - 0.6) <= z * (share * (1 - share) / both) ** 0.5)
    assert np.mean(inside) < 0.8


def rare_and_common(draws: np.random.Generator, rows: int) -> tuple[Sets, Sets]:
    """Four labels of 5 to 40 % of the rows; each is found with 0.8, and given for nothing in a tenth as many rows."""
    golds: Sets = [[] for _ in range(rows)]
    values: Sets = [[] for _ in range(rows)]
    for name, share in zip(NAMES, (0.05, 0.1, 0.2, 0.4), strict=False):
        there = draws.random(rows) < share
        given = np.where(there, draws.random(rows) < 0.8, draws.random(rows) < 0.1 * share)
        for sets, column in ((golds, there), (values, given)):
            for row in np.flatnonzero(column):
                sets[row].append(name)
    return golds, values


@pytest.mark.slow
def test_the_interval_of_macro_f1_over_label_sets_covers() -> None:
    shares, metric, draws = (0.05, 0.1, 0.2, 0.4), METRICS["multilabel_f1_macro"], np.random.default_rng(3)
    # of a label with the share p: right 0.8 p, given 0.8 p + 0.1 p (1 - p), there p
    truth = np.mean([1.6 * p / (1.8 * p + 0.1 * p * (1 - p)) for p in shares])
    inside = []
    for _ in range(300):
        golds, values = rare_and_common(draws, 500)
        found = metric.interval(metric.measure(golds, values, NAMES), metric.score)
        inside.append(found.low <= truth <= found.high)
    assert 0.91 <= np.mean(inside) <= 0.98


def test_the_bootstrap_of_sums_is_the_bootstrap() -> None:
    golds, values = drawn(1), drawn(2)
    metric = METRICS["multilabel_f1_macro"]
    table = metric.measure(golds, values, NAMES)
    fast, plain = metric.interval(table, metric.score), bootstrap(table, metric.score)
    assert (fast.low, fast.high, fast.name) == (pytest.approx(plain.low), pytest.approx(plain.high), plain.name)
