"""Scores over seeds and rows: their coverage by simulation, and scipy's numbers where only one of both varies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bertkit.evaluation import paired_tests, two_way
from bertkit.evaluation.intervals import SAMPLES, SEED, Measures
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.replicates import replicates

ACCURACY, F1 = METRICS["accuracy"], METRICS["squad_f1"]
ROWS, LEVEL = 400, 0.8
INTERACTION = 0.3
"""The share of a row's difficulty that is another for each seed."""


def flat(score: float) -> Measures:
    """A run whose score is the same on each of its rows: other rows would change nothing."""
    return np.full((50, 1), score)


def arm(draws: np.random.Generator, seeds: int, share: float) -> list[Measures]:
    """Runs whose seeds make `share` of the variance of one run's accuracy; its rows the rest."""
    sd = np.sqrt(share / (1 - share) * LEVEL * (1 - LEVEL) / ROWS)
    rows = draws.standard_normal(ROWS) * np.sqrt(1 - INTERACTION)
    levels = np.clip(LEVEL + sd * draws.standard_normal(seeds), 0.01, 0.99)
    noise = draws.standard_normal((seeds, ROWS)) * np.sqrt(INTERACTION)
    return [(rows + one < scipy_stats.norm.ppf(p)).astype(float)[:, None] for one, p in zip(noise, levels, strict=True)]


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
@pytest.mark.parametrize("seeds", [5, 10])
def test_the_interval_over_seeds_and_rows_covers_95_percent_within_2_points(seeds: int, share: float) -> None:
    draws = np.random.default_rng(1)
    found = [two_way.mean(ACCURACY, arm(draws, seeds, share)) for _ in range(1_000)]
    assert 0.93 <= np.mean([one.low <= LEVEL <= one.high for one in found]) <= 0.97


def test_an_interval_over_rows_alone_would_not_cover_where_seeds_vary() -> None:
    draws = np.random.default_rng(1)
    runs = [arm(draws, 1, 0.9)[0] for _ in range(200)]
    bounds = [ACCURACY.interval(run, ACCURACY.score) for run in runs]
    assert np.mean([one.low <= LEVEL <= one.high for one in bounds]) < 0.6


def test_the_interval_of_one_run_is_the_metrics_own_over_rows() -> None:
    run = np.repeat([1.0, 0.0], [80, 20])[:, None]
    found, own = two_way.mean(ACCURACY, [run]), ACCURACY.interval(run, ACCURACY.score)
    assert (found.low, found.high, found.doubt.over) == (own.low, own.high, "rows")


def test_where_rows_say_the_same_the_mean_has_students_interval() -> None:
    scores = [0.70, 0.74, 0.75, 0.81]
    found = two_way.mean(F1, [flat(score) for score in scores])
    expected = scipy_stats.t.interval(0.95, 3, np.mean(scores), scipy_stats.sem(scores))
    # the metric's own interval of a run that has .7 on each row is a point
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-6)


def test_where_rows_say_the_same_paired_seeds_give_the_paired_t_test() -> None:
    ours, theirs = [0.70, 0.74, 0.75, 0.81], [0.68, 0.75, 0.70, 0.77]
    found = two_way.difference(F1, list(map(flat, ours)), list(map(flat, theirs)), paired=True)
    assert found.p == pytest.approx(scipy_stats.ttest_rel(ours, theirs).pvalue)


def test_where_rows_say_the_same_other_seeds_give_welchs_t_test() -> None:
    ours, theirs = [0.70, 0.74, 0.75, 0.81], [0.68, 0.75, 0.60]
    found = two_way.difference(F1, list(map(flat, ours)), list(map(flat, theirs)))
    expected = scipy_stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_equal_scores_of_two_seeds_leave_the_doubt_over_rows() -> None:
    """Each is right on half of 40 rows, and errors do not coincide: the mean of two independent samples of 40 rows."""
    rows = np.arange(40)
    runs = [((rows < 20)[:, None]).astype(float), ((rows % 2 == 0)[:, None]).astype(float)]
    found = two_way.mean(ACCURACY, runs)
    assert found.value == 0.5
    assert found.doubt.error == pytest.approx(np.sqrt(0.25 / 80), rel=0.03)
    assert found.low < 0.4 and found.high > 0.6


def test_the_mean_of_seeds_that_are_right_on_all_rows_has_the_interval_of_one() -> None:
    one, two = (two_way.mean(ACCURACY, [np.ones((40, 1))] * count) for count in (1, 2))
    assert (two.value, two.high) == (1.0, 1.0)
    assert two.low == pytest.approx(one.low)
    assert one.low < 0.95


def test_where_seeds_say_the_same_the_difference_varies_as_the_rows_do() -> None:
    draws = np.random.default_rng(3)
    ours, theirs = (draws.random((2_000, 1)) < level for level in (0.8, 0.7))
    found = two_way.difference(ACCURACY, [ours * 1.0] * 3, [theirs * 1.0] * 3)
    expected = np.std(ours * 1.0 - theirs) / np.sqrt(2_000)
    assert found.doubt.error == pytest.approx(expected, rel=0.05)
    assert found.doubt.seeds == 0


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.sums and metric.kind == "label"])
def test_a_replicate_is_the_score_of_the_sampled_rows(name: str) -> None:
    draws = np.random.default_rng(4)
    metric = METRICS[name]
    table = draws.integers(0, 2 if name == "f1" else 4, (30, 2)).astype(float)
    table = table if metric.measure is not ACCURACY.measure else table[:, :1] % 2
    samples = np.random.default_rng(SEED)
    expected = [metric.score(table[samples.integers(0, 30, 30)]) for _ in range(SAMPLES)]
    assert replicates(metric, [table])[:, 0] == pytest.approx(np.array(expected))


def test_a_replicate_of_a_correlation_is_pearsons_of_the_sampled_rows() -> None:
    table = np.random.default_rng(5).standard_normal((40, 2)) + 3
    samples = np.random.default_rng(SEED)
    rows = [samples.integers(0, 40, 40) for _ in range(SAMPLES)]
    expected = [scipy_stats.pearsonr(table[k, 0], table[k, 1]).statistic for k in rows]
    assert replicates(METRICS["pearson"], [table])[:, 0] == pytest.approx(np.array(expected))


def test_mcnemar_is_the_binomial_test_of_the_rows_on_which_one_is_right() -> None:
    ours = [True] * 12 + [False] * 2 + [True] * 5  # 12 rows that only ours has, 2 that only theirs has
    theirs = [False] * 12 + [True] * 2 + [True] * 5
    # two-sided: 2 (C(14,0) + C(14,1) + C(14,2)) / 2^14
    assert paired_tests.mcnemar(ours, theirs) == pytest.approx(2 * (1 + 14 + 91) / 2**14)


def test_mcnemar_of_the_same_answers_is_1() -> None:
    assert paired_tests.mcnemar([True, False], [True, False]) == 1


def drawn(name: str, draws: np.random.Generator, wrong: float, rows: int = 40) -> tuple[list[Any], list[Any]]:
    """Golds, the same for equal draws, and answers of which a share is drawn again."""
    each: dict[str, Callable[[], Any]] = {
        "label": lambda: str(draws.choice(["a", "b", "c"])),
        "labels": lambda: [name for name in "abc" if draws.random() < 0.4],
        "answers": lambda: [str(place) for place in range(3) if draws.random() < 0.4],
        "number": lambda: float(draws.standard_normal()),
        "tags": lambda: [str(tag) for tag in draws.choice(["B-X", "I-X", "O"], 4)],
        "text": lambda: " ".join(draws.choice(["one", "two", "three"], 2)),
    }
    kind = METRICS[name].kind
    golds = [each[kind]() for _ in range(rows)]
    values = [each[kind]() if other < wrong else gold for gold, other in zip(golds, draws.random(rows), strict=True)]
    return [[gold] for gold in golds] if kind == "text" else golds, values


@pytest.mark.parametrize("name", METRICS)
def test_the_permutation_over_rows_agrees_with_scipy_on_one_run_an_arm(name: str) -> None:
    metric, rows = METRICS[name], 40
    golds, ours = drawn(name, np.random.default_rng(6), 0.3)
    _, theirs = drawn(name, np.random.default_rng(6), 0.6)
    table = metric.measure([*golds, *golds], [*ours, *theirs], ("a", "b", "c"))

    def gap(first: np.ndarray, second: np.ndarray) -> float:
        return metric.score(table[first]) - metric.score(table[second])

    expected = scipy_stats.permutation_test(
        (np.arange(rows), np.arange(rows, 2 * rows)), gap, permutation_type="samples", n_resamples=1_000,
        vectorized=False, rng=np.random.default_rng(7),
    )  # fmt: skip
    assert paired_tests.over_rows(metric, [table[:rows]], [table[rows:]]) == pytest.approx(expected.pvalue, abs=0.07)


def test_a_hundred_and_fifty_labels_are_resampled_by_label_and_not_by_cell() -> None:
    table = np.random.default_rng(1).integers(0, 150, (500, 2)).astype(float)
    for name, columns in (("f1_macro", 300), ("matthews", 301)):
        sums = METRICS[name].sums
        assert sums and sums.columns(table).shape == (500, columns) and sums.columns(table).dtype == np.uint8


@pytest.mark.parametrize(("name", "worst"), [("accuracy", 0.0), ("matthews", -1.0), ("r2", -np.inf)])
def test_an_interval_stays_within_what_a_metric_can_be(name: str, worst: float) -> None:
    metric, draws = METRICS[name], np.random.default_rng(2)
    table = draws.integers(0, 2, (50, 2)).astype(float)
    tables = [table[:, :1], 1 - table[:, :1]] if name == "accuracy" else [table, np.column_stack([table[:, 0]] * 2)]
    found = two_way.mean(metric, tables)
    assert worst <= found.low <= found.value <= found.high <= 1
    gap = two_way.difference(metric, tables, tables[::-1])
    assert -(1 - worst) <= gap.low <= gap.value <= gap.high <= 1 - worst


@pytest.mark.parametrize(
    ("paired", "effect", "seeds"),  # Cohen 1988, tables 2.4.1: a power of .80 at the two-sided 5 % level
    [(True, 0.5, 34), (True, 1.0, 10), (False, 0.5, 64), (False, 0.8, 26), (False, 1.0, 17)],
)
def test_the_seeds_that_a_power_takes_are_those_of_cohens_tables(paired: bool, effect: float, seeds: int) -> None:
    power = two_way.power_by_seeds(effect, 0.0, 1.0 if paired else 2.0, paired, 0.05)
    assert 2 + int(np.flatnonzero(power >= 0.8)[0]) == seeds


def test_holm_multiplies_the_least_p_by_the_number_of_tests_and_keeps_the_order() -> None:
    # sorted .01 .02 .04: 3 x .01, then 2 x .02 = .04, then 1 x .04
    assert paired_tests.holm([0.02, 0.04, 0.01]) == pytest.approx([0.04, 0.04, 0.03])
    assert paired_tests.holm([0.9, 0.6]) == [1.0, 1.0]
