"""95 % intervals over rows: their coverage, exact or by simulation, and the same numbers from scipy."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bertkit.evaluation import intervals
from bertkit.evaluation.intervals import Interval, Measures, bootstrap
from bertkit.evaluation.metrics import METRICS

SIZES = (277, 872, 2_000)
"""The dev sets of RTE and SST-2, and one of 2,000 rows."""
CELLS = np.array([[1, 1], [0, 1], [1, 0], [0, 0]], float)
"""Gold and answer of true positives, false positives, false negatives, true negatives."""
SETS = 1_000


def interval(metric: str, table: Measures) -> Interval:
    return METRICS[metric].interval(table, METRICS[metric].score)


def right_and_wrong(right: int, rows: int) -> Measures:
    return np.repeat([1.0, 0.0], [right, rows - right])[:, None]


def covered(metric: str, rows: int, share: float) -> float:
    """The exact coverage of a proportion's interval: over every count there may be, by its probability."""
    chances = scipy_stats.binom.pmf(np.arange(rows + 1), rows, share)
    likely = np.flatnonzero(chances > 1e-7).tolist()
    found = {right: interval(metric, right_and_wrong(right, rows)) for right in likely}
    return float(sum(chances[right] for right in likely if found[right].low <= share <= found[right].high))


def covered_in(metric: str, rows: int, shares: tuple[float, ...], truth: float, sets: int = SETS) -> float:
    """The share of simulated confusion tables whose interval holds the truth."""
    draws = np.random.default_rng(5).multinomial(rows, shares, sets)
    tables, counts = np.unique(draws, axis=0, return_counts=True)
    found = [interval(metric, np.repeat(CELLS, table, axis=0)) for table in tables]
    inside = [one.low <= truth <= one.high for one in found]
    return float(np.average(inside, weights=counts))


def mixed(metric: str) -> Measures:
    """A table that the metric might measure."""
    tables = {"accuracy": right_and_wrong(5, 9), "tag_accuracy": np.array([[2.0, 3.0], [7.0, 7.0], [0.0, 1.0]])}
    return tables.get(metric, np.repeat(CELLS, [5, 2, 3, 4], axis=0))


def shares_of(prevalence: float, recall: float, precision: float) -> tuple[float, ...]:
    right = prevalence * recall
    given = right / precision
    return right, given - right, prevalence - right, 1 - prevalence - given + right


def true_f1(shares: tuple[float, ...]) -> float:
    return 2 * shares[0] / (2 * shares[0] + shares[1] + shares[2])


def true_macro_f1(shares: tuple[float, ...]) -> float:
    return (true_f1(shares) + true_f1(shares[::-1])) / 2


def true_matthews(shares: tuple[float, ...]) -> float:
    tp, fp, fn, tn = shares
    return float((tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


@pytest.mark.parametrize("rows", [80, *SIZES])
@pytest.mark.parametrize("metric", ["accuracy", "squad_em", "squad_v1_em"])
def test_the_interval_of_a_proportion_covers_its_98_percent(metric: str, rows: int) -> None:
    assert 0.93 <= covered(metric, rows, 0.98) <= 0.98


def test_the_interval_of_accuracy_covers_95_percent_on_average() -> None:
    found = [covered("accuracy", rows, share) for rows in SIZES for share in (0.5, 0.7, 0.9, 0.95, 0.99)]
    assert min(found) >= 0.93
    assert 0.945 <= np.mean(found) <= 0.965


@pytest.mark.parametrize("rows", [80, *SIZES])
@pytest.mark.parametrize(("recall", "precision"), [(0.5, 0.5), (0.75, 0.75), (0.9, 0.9), (0.97, 0.97)])
def test_the_interval_of_f1_covers_with_four_positives(rows: int, recall: float, precision: float) -> None:
    shares = shares_of(4 / rows, recall, precision)
    assert covered_in("f1", rows, shares, true_f1(shares), 4_000) >= 0.93


def test_the_interval_of_f1_covers_95_percent_on_average() -> None:
    found = []
    for rows in (80, *SIZES):
        for prevalence, recall, precision in ((0.05, 0.75, 0.75), (0.37, 0.8, 0.8), (0.68, 0.9, 0.85), (0.5, 0.6, 0.7)):
            shares = shares_of(prevalence, recall, precision)
            found.append(covered_in("f1", rows, shares, true_f1(shares), 2_000))
    assert min(found) >= 0.93
    assert 0.94 <= np.mean(found) <= 0.96


@pytest.mark.parametrize(("metric", "truth"), [("f1_macro", true_macro_f1), ("matthews", true_matthews)])
def test_the_interval_of_a_confusion_table_s_score_covers(
    metric: str, truth: Callable[[tuple[float, ...]], float]
) -> None:
    cases = [(80, 0.5, 0.98, 0.98), (80, 0.05, 0.75, 0.5), (277, 0.5, 0.8, 0.8), (872, 0.3, 0.9, 0.9)]
    found = []
    for rows, *kind in cases:
        shares = shares_of(*kind)
        found.append(covered_in(metric, rows, shares, truth(shares)))
    assert min(found[:2]) >= 0.92  # the bootstrap's: 0.79 and 0.91
    assert min(found[2:]) >= 0.93
    assert 0.93 <= np.mean(found) <= 0.97


def questions(draws: np.random.Generator, rows: int) -> Measures:
    """The F1 of questions: half right, a fifth wrong, the others in part. The mean is 0.5 + 0.3 * 2 / 3.5."""
    kind, part = draws.random(rows), draws.beta(2, 1.5, rows)
    return np.where(kind < 0.5, 1.0, np.where(kind < 0.7, 0.0, part))[:, None]


def sentences(draws: np.random.Generator, rows: int) -> Measures:
    """Right words and words of sentences that are more or less hard: 0.96 of the words are right."""
    words = draws.geometric(1 / 15, rows)
    return np.stack([draws.binomial(words, draws.beta(48, 2, rows)), words], axis=1).astype(float)


@pytest.mark.parametrize(
    ("metric", "draw", "truth"),
    [("squad_f1", questions, 0.5 + 0.3 * 2 / 3.5), ("squad_v1_f1", questions, 0.5 + 0.3 * 2 / 3.5),
     ("tag_accuracy", sentences, 0.96)],
)  # fmt: skip
@pytest.mark.parametrize("rows", [80, 277, 872])
def test_the_interval_of_rows_that_are_right_in_part_covers(
    metric: str, draw: Callable[[np.random.Generator, int], Measures], truth: float, rows: int
) -> None:
    draws = np.random.default_rng(7)
    found = [interval(metric, draw(draws, rows)) for _ in range(SETS)]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.97


@pytest.mark.parametrize(("right", "rows"), [(0, 5), (3, 7), (78, 80), (80, 80), (600, 872)])
def test_the_interval_of_accuracy_is_scipy_s_wilson_interval(right: int, rows: int) -> None:
    expected = scipy_stats.binomtest(right, rows).proportion_ci(method="wilson")
    found = interval("accuracy", right_and_wrong(right, rows))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_words_of_equally_hard_sentences_are_counted_as_so_many_trials() -> None:
    words = np.full(4_000, 10)
    table = np.stack([np.random.default_rng(1).binomial(words, 0.9), words], axis=1).astype(float)
    expected = scipy_stats.binomtest(int(table[:, 0].sum()), 40_000).proportion_ci(method="wilson")
    found = interval("tag_accuracy", table)
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=0.04)


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_the_bootstrap_is_that_of_scipy(metric: str) -> None:
    draws = np.random.default_rng(3)
    golds = draws.normal(size=200)
    table = np.stack([golds, golds + draws.normal(size=200)], axis=1)
    score = METRICS[metric].score
    reference = scipy_stats.bootstrap(
        tuple(table.T), lambda *columns: score(np.stack(columns, axis=1)), paired=True, vectorized=False,
        method="percentile", n_resamples=2_000, rng=1,
    )  # fmt: skip
    tolerance = 0.25 * reference.standard_error  # some three sd of a 2.5 % quantile of 1,000 draws
    expected = (reference.confidence_interval.low, reference.confidence_interval.high)
    found = interval(metric, table)
    assert (found.low, found.high) == pytest.approx(expected, abs=tolerance)


def test_the_interval_of_a_correlation_draws_its_rows_in_pairs() -> None:
    golds = np.linspace(0, 5, 60)
    found = interval("pearson", np.stack([golds, 2 * golds + 1], axis=1))
    assert (found.low, found.high) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("metric", ["f1", "f1_macro", "matthews"])
@pytest.mark.parametrize("counts", [(9, 0, 0, 40), (0, 3, 4, 9), (0, 0, 4, 9), (0, 0, 0, 12), (12, 0, 0, 0)])
def test_an_interval_holds_the_score(metric: str, counts: tuple[int, ...]) -> None:
    table = np.repeat(CELLS, counts, axis=0)
    found = interval(metric, table)
    assert -1 <= found.low <= METRICS[metric].score(table) <= found.high <= 1
    assert found.high - found.low > 0.05


@pytest.mark.parametrize("metric", ["f1_macro", "matthews"])
def test_with_four_labels_the_interval_is_that_of_bootstrapped_rows(metric: str) -> None:
    table = np.random.default_rng(2).integers(0, 4, (60, 2)).astype(float)
    expected, found = bootstrap(table, METRICS[metric].score), interval(metric, table)
    assert found.name == expected.name == "bootstrap"
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_with_many_labels_no_confusion_matrix_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "SAMPLES", 20)
    labels = 800  # 20 drawn matrices would have 20 * 800**2 * 8 bytes = 102 MB
    golds = np.arange(2 * labels) % labels
    table = np.stack([golds, np.where(np.arange(2 * labels) % 3 == 0, 0, golds)], axis=1).astype(float)
    expected = bootstrap(table, METRICS["f1_macro"].score)
    tracemalloc.start()
    found = interval("f1_macro", table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert (found.low, found.high, found.name) == (expected.low, expected.high, "bootstrap")


@pytest.mark.parametrize(
    ("metric", "name"),
    [("accuracy", "Wilson"), ("f1", "Jeffreys"), ("f1_macro", "Dirichlet"), ("matthews", "Dirichlet"),
     ("pearson", "bootstrap"), ("tag_accuracy", "Wilson")],
)  # fmt: skip
def test_an_interval_names_its_method(metric: str, name: str) -> None:
    assert interval(metric, mixed(metric)).name == name


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews", "pearson"])
def test_the_interval_is_the_same_every_time(metric: str) -> None:
    assert interval(metric, mixed(metric)) == interval(metric, mixed(metric))


def test_the_interval_does_not_move_the_draws_of_others() -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    for metric in ("matthews", "pearson"):
        interval(metric, mixed(metric))
    assert np.random.random() == expected


def test_ten_times_the_rows_have_an_interval_a_third_as_wide() -> None:
    few, many = interval("accuracy", right_and_wrong(32, 40)), interval("accuracy", right_and_wrong(320, 400))
    assert few.high - few.low == pytest.approx((many.high - many.low) * 10**0.5, rel=0.05)


def test_thirty_rows_that_are_all_right_may_come_from_a_system_that_is_not_always_right() -> None:
    found = interval("accuracy", np.ones((30, 1)))
    # Wilson with no wrong row: n / (n + z^2) = 30 / (30 + 3.8415)
    assert (found.low, found.high) == pytest.approx((0.88648, 1.0), abs=1e-5)


def test_sentences_without_a_gold_tag_say_nothing() -> None:
    found = interval("tag_accuracy", np.zeros((3, 2)))
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_no_wilson_interval_leaves_0_to_1(right: float) -> None:
    for rows in range(1, 200):
        found = METRICS["accuracy"].interval(np.full((rows, 1), right), METRICS["accuracy"].score)
        assert 0 <= found.low <= found.high <= 1
