"""Metrics against scikit-learn, scipy and values by hand; and the same metrics as `evaluate` modules."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from bertkit.evaluation.metrics import METRICS, macro_f1_of, matthews_of
from bertkit.heads import FROM_TRAIN, Answer, Classification, Number, Tagging

NAMES = ("red", "green", "blue")
TWO = ("no", "yes")
SEEDS = range(5)


def drawn(seed: int, names: tuple[str, ...], rows: int = 60) -> tuple[list[str], list[str]]:
    draws = random.Random(seed)
    return draws.choices(names, k=rows), draws.choices(names, k=rows)


def drawn_numbers(seed: int, rows: int = 50) -> tuple[list[float], list[float]]:
    draws = np.random.default_rng(seed)
    golds = np.round(draws.uniform(0, 5, rows), 0)  # many ties
    return golds.tolist(), np.round(golds + draws.normal(0, 2, rows), 1).tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracy_is_that_of_scikit_learn(seed: int) -> None:
    golds, values = drawn(seed, NAMES)
    assert METRICS["accuracy"].of(golds, values, NAMES) == pytest.approx(sk.accuracy_score(golds, values))


@pytest.mark.parametrize("seed", SEEDS)
def test_f1_is_that_of_scikit_learn_with_the_second_label_positive(seed: int) -> None:
    golds, values = drawn(seed, TWO)
    expected = sk.f1_score(golds, values, pos_label="yes")
    assert METRICS["f1"].of(golds, values, ("no", "yes")) == pytest.approx(expected)


def test_f1_counts_the_second_label_whatever_it_is_called() -> None:
    golds, values = ["a", "a", "b", "b", "b"], ["a", "b", "b", "b", "a"]
    # b: 2 found of 3, 2 right of 3 given; a: 1 of 2, 1 of 2
    assert METRICS["f1"].of(golds, values, ("a", "b")) == pytest.approx(2 / 3)
    assert METRICS["f1"].of(golds, values, ("b", "a")) == pytest.approx(1 / 2)


def test_f1_is_0_where_the_positive_label_is_never_given() -> None:
    assert METRICS["f1"].of(["yes", "no", "yes"], ["no", "no", "no"], TWO) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_macro_f1_is_that_of_scikit_learn(seed: int) -> None:
    golds, values = drawn(seed, NAMES)
    expected = sk.f1_score(golds, values, average="macro")
    assert METRICS["f1_macro"].of(golds, values, NAMES) == pytest.approx(expected)


def test_macro_f1_of_a_constant_answer_is_half_the_f1_of_its_label() -> None:
    # "yes": precision 3/4, recall 1, F1 6/7; "no": 0
    assert METRICS["f1_macro"].of(["yes", "yes", "yes", "no"], ["yes"] * 4, TWO) == pytest.approx(3 / 7)


@pytest.mark.parametrize("names", [TWO, NAMES], ids=["two labels", "three labels"])
@pytest.mark.parametrize("seed", SEEDS)
def test_matthews_is_that_of_scikit_learn(seed: int, names: tuple[str, ...]) -> None:
    golds, values = drawn(seed, names)
    assert METRICS["matthews"].of(golds, values, names) == pytest.approx(sk.matthews_corrcoef(golds, values))


def test_matthews_of_two_labels_is_the_formula_of_1975() -> None:
    golds = ["yes"] * 6 + ["no"] * 4
    values = ["yes"] * 5 + ["no"] + ["yes"] * 2 + ["no"] * 2  # 5 true, 2 false positives; 2 true, 1 false negative
    expected = (5 * 2 - 2 * 1) / math.sqrt((5 + 2) * (5 + 1) * (2 + 2) * (2 + 1))
    assert METRICS["matthews"].of(golds, values, TWO) == pytest.approx(expected)


@pytest.mark.parametrize("name", TWO)
def test_matthews_of_a_constant_answer_is_0(name: str) -> None:
    assert METRICS["matthews"].of(["no", "yes", "yes", "no", "yes"], [name] * 5, TWO) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_pearson_is_that_of_scipy(seed: int) -> None:
    golds, values = drawn_numbers(seed)
    assert METRICS["pearson"].of(golds, values) == pytest.approx(stats.pearsonr(golds, values).statistic)


@pytest.mark.parametrize("seed", SEEDS)
def test_spearman_with_ties_is_pearson_of_the_mean_ranks(seed: int) -> None:
    golds, values = drawn_numbers(seed)
    ranks = stats.rankdata(golds), stats.rankdata(values)
    assert METRICS["spearman"].of(golds, values) == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_pearson_sees_a_line_and_spearman_an_order() -> None:
    golds, values = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 8.0, 27.0]
    # deviations -1.5 -.5 .5 1.5 and -9 -8 -1 18: 13.5 + 4 - .5 + 27 = 44, over sqrt(5 * 470)
    assert METRICS["pearson"].of(golds, values) == pytest.approx(44 / math.sqrt(5 * 470))
    assert METRICS["spearman"].of(golds, values) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
@pytest.mark.parametrize("constant", [0.0, 2.4])
def test_a_correlation_with_a_constant_answer_is_0(name: str, constant: float) -> None:
    assert METRICS[name].of([1.0, 2.0, 4.5], [constant] * 3) == 0


def test_tag_accuracy_is_over_words_not_sentences() -> None:
    golds = [["DET", "NOUN", "VERB"], ["INTJ"]]
    assert METRICS["tag_accuracy"].of(golds, [["DET", "NOUN", "NOUN"], ["INTJ"]]) == pytest.approx(3 / 4)


def test_a_word_that_got_no_tag_is_a_wrong_one() -> None:
    golds, values = [["DET", "NOUN", "VERB", "ADV"]], [["DET", "NOUN", None, None]]
    assert METRICS["tag_accuracy"].of(golds, values) == pytest.approx(2 / 4)


def answers_of(values: Sequence[Any]) -> list[Answer]:
    return [Answer(value=value) for value in values]


def test_f1_by_tag_is_that_of_each_tag_against_all_others() -> None:
    golds = [["NOUN", "VERB", "NOUN"], ["ADJ", "NOUN"]]
    values: list[list[str | None]] = [["NOUN", "VERB", "VERB"], ["NOUN", None]]
    by_tag = Tagging(labels=FROM_TRAIN).details(golds, answers_of(values))["F1 by tag"]
    # NOUN: 1 of 3 found, 1 of 2 given right, 2 / (3 + 2); VERB: 1 of 1 found, 1 of 2 right; ADJ: never given
    assert by_tag == {"ADJ": 0.0, "NOUN": pytest.approx(2 / 5), "VERB": pytest.approx(2 / 3)}


def test_tag_details_count_all_words_and_those_without_a_tag() -> None:
    details = Tagging(labels=FROM_TRAIN).details([["NOUN", "VERB"], ["NOUN"]], answers_of([["NOUN", None], [None]]))
    assert (details["words"], details["words without a tag"]) == (3, 2)


def test_class_details_have_golds_in_lines_and_answers_in_columns() -> None:
    golds, values = ["no", "no", "no", "yes"], ["no", "yes", "yes", "yes"]
    assert Classification(labels=TWO).details(golds, answers_of(values))["confusion"] == [[1, 2], [0, 1]]


def test_many_classes_have_no_confusion_matrix() -> None:
    names = tuple(f"{i:03}" for i in range(201))
    details = Classification(labels=names).details(["000", "200"], answers_of(["000", "001"]))
    assert "confusion" not in details
    assert details["majority"] == 1 / 2


def test_the_majority_is_the_share_of_the_commonest_gold_label() -> None:
    assert Classification(labels=TWO).details(["no", "yes", "yes", "yes"], answers_of(["no"] * 4))["majority"] == 3 / 4


@pytest.mark.parametrize(
    ("golds", "values", "constant", "only"),
    [
        (["no", "yes"], ["no", "no"], True, None),
        (["no", "yes"], ["no", "yes"], False, None),
        (["no", "no"], ["no", "no"], False, "no"),  # all right: nothing says that the model learnt nothing
        (["no", "no"], ["yes", "yes"], True, "no"),
        (["no", "no"], ["no", "yes"], False, "no"),
        (["no"], ["yes"], False, "no"),  # one row says nothing
    ],
)
def test_labels_that_are_all_the_same_are_called_so(
    golds: list[str], values: list[str], constant: bool, only: str | None
) -> None:
    details = Classification(labels=TWO).details(golds, answers_of(values))
    assert (details["constant"], details["only gold"]) == (constant, only)


@pytest.mark.parametrize(
    ("golds", "values", "constant", "only"),
    [
        ([1.0, 2.0], [2.5, 2.5], True, None),
        ([1.0, 2.0], [2.5, 2.5 + 1e-9], True, None),
        ([1.0, 2.0], [2.5, 2.6], False, None),
        ([2.5, 2.5], [1.0, 2.0], False, 2.5),
        ([2.5, 2.5], [2.5, 2.5], False, 2.5),
    ],
)
def test_numbers_that_are_all_the_same_are_called_so(
    golds: list[float], values: list[float], constant: bool, only: float | None
) -> None:
    details = Classification(labels=Number(low=0, high=5)).details(golds, answers_of(values))
    assert (details["constant"], details["only gold"]) == (constant, only)


def test_the_same_tag_for_every_word_is_called_so() -> None:
    head, golds = Tagging(labels=FROM_TRAIN), [["NOUN", "VERB"], ["NOUN"]]
    assert head.details(golds, answers_of([["NOUN", "NOUN"], ["NOUN"]]))["constant"]
    assert not head.details(golds, answers_of(golds))["constant"]


@pytest.mark.parametrize("name", ["f1", "f1_macro", "matthews", "accuracy"])
@pytest.mark.parametrize(("gold", "value"), [("yes", "yes"), ("no", "no"), ("no", "yes")])
@pytest.mark.filterwarnings("error")
def test_one_label_gives_a_number_without_warnings(name: str, gold: str, value: str) -> None:
    found = METRICS[name].of([gold] * 9, [value] * 9, TWO)
    table = METRICS[name].measure([gold] * 9, [value] * 9, TWO)
    interval = METRICS[name].interval(table, METRICS[name].score)
    assert interval.low <= found <= interval.high
    assert Classification(labels=TWO).details([gold] * 9, answers_of([value] * 9))["majority"] == 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "of"), [("f1_macro", macro_f1_of), ("matthews", matthews_of)])
def test_scores_of_confusion_matrices_are_those_of_scikit_learn(name: str, of: Any, seed: int) -> None:
    several = [drawn(seed + 10 * k, NAMES) for k in range(4)]
    confusions = np.stack([sk.confusion_matrix(golds, values, labels=NAMES) for golds, values in several])
    expected = [METRICS[name].of(golds, values, NAMES) for golds, values in several]
    assert of(confusions.astype(float)) == pytest.approx(expected)


@pytest.mark.parametrize(("of", "expected"), [(macro_f1_of, 1.0), (matthews_of, 0.0)])
def test_a_confusion_matrix_of_one_label_has_a_score(of: Any, expected: float) -> None:
    assert of(np.array([[[9.0, 0.0], [0.0, 0.0]]])) == expected


PERFECT: dict[str, list[Any]] = {
    "label": ["no", "yes", "yes"],
    "number": [0.0, 3.5, 5.0],
    "labels": [["no", "yes"], [], ["yes"]],
    "answers": [["0", "2"], [], ["1"]],
    "tags": [["B-X", "I-X"], ["O"]],
    "text": ["two boats", ""],
}


@pytest.mark.parametrize("name", METRICS)
def test_perfect_answers_get_the_best_value(name: str) -> None:
    values = PERFECT[METRICS[name].kind]
    golds = [["", "two boats"], []] if METRICS[name].kind == "text" else values
    if name.startswith(("squad_v1", "squad_chars")):  # every question has an answer
        golds, values = [["", "two boats"], ["water"]], ["two boats", "water"]
    assert METRICS[name].of(golds, values, TWO) == pytest.approx(METRICS[name].best)


@pytest.mark.parametrize("name", METRICS)
def test_measuring_gives_one_line_a_row(name: str) -> None:
    values = PERFECT[METRICS[name].kind]
    golds = [["x"], []] if METRICS[name].kind == "text" else values
    assert METRICS[name].measure(golds, values, TWO).shape[0] == len(values)
