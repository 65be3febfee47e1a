"""Intervals against scipy's bootstrap, spreads against the standard library."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.stats import interval, spread


def right_and_wrong(rows: int = 400) -> np.ndarray:
    return (np.random.default_rng(3).random((rows, 1)) < 0.8).astype(float)


def words_right(rows: int = 300) -> np.ndarray:
    draws = np.random.default_rng(4)
    words = draws.integers(1, 30, rows)
    return np.stack([draws.binomial(words, 0.9), words], axis=1).astype(float)


@pytest.mark.parametrize(
    ("metric", "table"), [("accuracy", right_and_wrong()), ("tag_accuracy", words_right())], ids=["mean", "ratio"]
)
def test_the_interval_is_that_of_scipy_s_bootstrap(metric: str, table: np.ndarray) -> None:
    score = METRICS[metric].score

    def over_rows(*columns: np.ndarray) -> float:
        return score(np.stack(columns, axis=1))

    reference = scipy_stats.bootstrap(
        tuple(table.T), over_rows, paired=True, vectorized=False, method="percentile", n_resamples=2_000, rng=1
    )
    tolerance = 0.25 * reference.standard_error  # some three sd of a 2.5 % quantile of 1,000 draws
    expected = (reference.confidence_interval.low, reference.confidence_interval.high)
    assert interval(table, score) == pytest.approx(expected, abs=tolerance)


def test_the_interval_of_a_correlation_draws_its_rows_in_pairs() -> None:
    golds = np.linspace(0, 5, 60)
    table = np.stack([golds, 2 * golds + 1], axis=1)
    assert interval(table, METRICS["pearson"].score) == pytest.approx((1.0, 1.0))


def test_the_interval_is_the_same_every_time() -> None:
    table, score = right_and_wrong(50), METRICS["accuracy"].score
    assert interval(table, score) == interval(table, score)


def test_the_interval_does_not_move_the_draws_of_others() -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    interval(right_and_wrong(20), METRICS["accuracy"].score)
    assert np.random.random() == expected


def test_fewer_rows_have_a_wider_interval() -> None:
    widths = []
    for rows in (40, 400):
        low, high = interval(right_and_wrong(rows), METRICS["accuracy"].score)
        widths.append(high - low)
    assert widths[0] > 2 * widths[1]  # sqrt(10) = 3.2 times as wide, were the shares the same


def test_rows_that_are_all_right_have_an_interval_of_no_width() -> None:
    assert interval(np.ones((30, 1)), METRICS["accuracy"].score) == (1.0, 1.0)


def test_the_sd_of_a_spread_is_the_sample_one() -> None:
    values = [0.70, 0.74, 0.75, 0.81]
    # mean .75; deviations -.05 -.01 0 .06; squares .0025 + .0001 + .0036 = .0062; over 3, not 4
    assert spread(values).sd == pytest.approx((0.0062 / 3) ** 0.5)
    assert spread(values).sd == pytest.approx(statistics.stdev(values))


def test_a_spread_has_mean_count_least_and_greatest() -> None:
    found = spread([0.5, 0.25, 0.75, 0.5])
    assert (found.mean, found.n, found.low, found.high) == (0.5, 4, 0.25, 0.75)


def test_the_sd_of_one_seed_is_0() -> None:
    assert spread([0.9]).sd == 0
