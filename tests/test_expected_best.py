"""The expected best of k trials: by hand, by every draw that there is, and by drawing at random."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bertkit.evaluation.expected_best import expected_best
from bertkit.plots.expected_best import BestCurve, draw_best


def test_the_expected_best_by_hand() -> None:
    one, two, three = expected_best([0.5, 0.8, 0.2])
    # of two draws out of 0.2, 0.5, 0.8 the best is 0.2 in 1 of 9, 0.5 in 3 of 9, 0.8 in 5 of 9; of three in 1, 7, 19
    assert (one.trials, one.mean) == (1, pytest.approx(0.5))
    assert two.mean == pytest.approx((0.2 + 3 * 0.5 + 5 * 0.8) / 9)
    assert three.mean == pytest.approx((0.2 + 7 * 0.5 + 19 * 0.8) / 27)
    assert one.sd == pytest.approx(np.std([0.2, 0.5, 0.8]))


@pytest.mark.parametrize("values", [[0.3], [0.9, 0.1], [0.4, 0.7, 0.4, 0.6], [0.1, 0.9, 0.9, 0.2, 0.5]])
def test_the_expected_best_is_the_mean_over_every_draw(values: list[float]) -> None:
    for one in expected_best(values):
        bests = [max(draw) for draw in product(values, repeat=one.trials)]
        assert (one.mean, one.sd) == (pytest.approx(np.mean(bests)), pytest.approx(np.std(bests)))


def test_the_expected_best_is_that_of_random_draws() -> None:
    draws = np.random.default_rng(3)
    values = draws.normal(0.7, 0.1, 30)
    for one in expected_best(list(values)):
        bests = draws.choice(values, (20_000, one.trials)).max(axis=1)
        assert one.mean == pytest.approx(bests.mean(), abs=5 * one.sd / 20_000**0.5)


def test_the_figure_of_the_same_trials_is_the_same_bytes(tmp_path: Path) -> None:
    curve = BestCurve(metric="accuracy", means=(0.5, 0.6), sds=(0.1, 0.05), scores=((0.4, True), (0.6, False), None))
    for name in ("a", "b"):
        draw_best(curve, "the best of k", (tmp_path / f"{name}.png", tmp_path / f"{name}.svg"))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
