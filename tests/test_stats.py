"""Spreads over seeds against the standard library."""

from __future__ import annotations

import statistics

import pytest

from bertkit.evaluation.stats import spread


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
