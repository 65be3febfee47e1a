"""Widths and rises of a loss by hand, weights between two models, and directions that are scaled filter by filter."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from bertkit.analysis.flatness import (
    gap_of_runs,
    is_open,
    mean_losses,
    sampled_losses,
    sampled_rises,
    width,
    with_interval,
)
from bertkit.analysis.measured_run import alphas_of, groups_of
from bertkit.analysis.weights import minus, moved, norm, random_direction, set_back, unlike
from bertkit.models.layers import Layers

ALPHAS = np.array([-0.5, 0.0, 0.5, 1.0, 1.5, 2.0])
DROPS = np.array([1.2, 1.0, 0.5, 0.0, 0.05, 0.3])
ROWS = np.random.default_rng(3)


def test_the_width_is_that_of_the_interval_around_1_below_a_share_of_the_drop() -> None:
    # a tenth of the drop of 1: from 0.9, on the way from 0.5 to 0, to 1.6, a fifth of the way from 0.05 to 0.3
    assert width(ALPHAS, DROPS[None], 0.1) == pytest.approx([0.7])


def test_a_larger_share_of_the_drop_makes_a_wider_interval() -> None:
    # 0.25: from 0.75 to 1.5 + 0.5 * 0.2 / 0.25
    assert width(ALPHAS, DROPS[None], 0.25) == pytest.approx([1.9 - 0.75])


def test_the_width_of_a_parabola_is_twice_the_root_of_the_fraction() -> None:
    alphas = alphas_of(200)
    assert width(alphas, (alphas[None] - 1) ** 2, 0.1) == pytest.approx([2 * 0.1**0.5], rel=1e-3)


def test_a_loss_that_did_not_fall_has_no_width() -> None:
    risen = np.array([[0.7, 0.6, 0.6, 0.6, 0.5, 0.4]])
    assert width(ALPHAS, risen, 0.1) == [0.0]
    assert not is_open(ALPHAS, risen, 0.1)


def test_a_loss_that_stays_low_up_to_the_last_alpha_is_wider_than_measured() -> None:
    low = np.array([1.2, 1.0, 0.5, 0.0, 0.05, 0.1])
    assert width(ALPHAS, low[None], 0.1) == pytest.approx([2.0 - 0.9])
    assert is_open(ALPHAS, np.stack([low, DROPS]), 0.1).tolist() == [True, False]


def test_the_mean_loss_is_divided_by_the_targets_of_all_rows() -> None:
    # two rows, of 1 and 3 words: (2 + 6) / 4
    assert mean_losses(np.array([[2.0, 6.0]]), np.array([1.0, 3.0])) == pytest.approx([2.0])


def test_samples_have_the_same_rows_at_every_point() -> None:
    rows = ROWS.random(50)
    found = sampled_losses(np.stack([rows, rows + 0.5]), np.ones(50))
    assert found[:, 1] - found[:, 0] == pytest.approx(np.full(len(found), 0.5))
    assert found[:, 0].std() == pytest.approx(rows.std() / 50**0.5, rel=0.1)


def test_the_rise_is_the_mean_over_the_draws_above_the_trained_loss() -> None:
    rows = ROWS.random(40)
    found = sampled_rises(np.stack([rows, rows + 0.2, rows + 0.4]), np.ones(40))
    # each sample has two of both draws, with replacement
    assert set(np.round(found, 6)) == {0.2, 0.3, 0.4}
    assert found.mean() == pytest.approx(0.3, abs=0.01)


def test_the_gap_of_several_runs_a_side_is_over_runs_as_by_welch_s_t() -> None:
    values = [[1.0, 1.4, 1.9], [0.2, 0.9]]
    still = [[np.full(1000, one) for one in side] for side in values]  # other rows would change nothing
    found, over = gap_of_runs(values, still)
    welch = scipy.stats.ttest_ind(*values, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high, over) == (pytest.approx(welch.low), pytest.approx(welch.high), "rows and runs")


def test_one_run_a_side_tells_nothing_of_other_runs() -> None:
    rows = ROWS.random(1000)
    found, over = gap_of_runs([[2.0, 4.0], [1.5]], [[rows, rows + 2], [np.zeros(1000)]])
    assert (found.value, over) == (1.5, "rows")
    assert (found.low, found.high) == pytest.approx(np.quantile(rows + 1, (0.025, 0.975)))


def test_an_interval_holds_the_value_itself() -> None:
    found = with_interval(2.0, np.linspace(0, 1, 101))
    assert (found.low, found.high) == (pytest.approx(0.025), 2.0)


def test_the_line_has_both_ends_and_goes_on_in_coarser_steps() -> None:
    alphas = alphas_of(4).tolist()
    inner = [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5]
    assert alphas == pytest.approx([*inner, *(1.75 + 0.25 * k for k in range(10))])
    assert {0.0, 1.0} <= set(alphas_of(20).tolist())


def test_weights_on_the_line_are_those_of_its_ends_at_0_and_1() -> None:
    start, end = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([3.0, 2.5])}
    along = minus(end, start)
    assert moved(start, along, 0.0)["w"].tolist() == [1.0, 2.0]
    assert moved(start, along, 1.0)["w"].tolist() == [3.0, 2.5]
    assert moved(start, along, -0.5)["w"].tolist() == [0.0, 1.75]
    assert norm({"a": torch.tensor([3.0]), "b": torch.tensor([[4.0]])}) == 5.0


def test_a_random_direction_is_as_long_as_each_filter_and_leaves_vectors() -> None:
    weights = {"w": torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.6, 0.8]]), "bias": torch.tensor([1.0, 1.0])}
    found = random_direction(weights, 5)
    assert found["w"].norm(dim=1).tolist() == pytest.approx([5.0, 0.0, 1.0], abs=1e-6)
    assert found["bias"].tolist() == [0.0, 0.0]
    twice = random_direction({name: 2 * tensor for name, tensor in weights.items()}, 5)
    torch.testing.assert_close(twice["w"], 2 * found["w"])  # the same draws for another model of these shapes
    assert not torch.equal(random_direction(weights, 6)["w"], found["w"])


def test_layers_are_set_back_by_their_names_and_the_head_is_kept() -> None:
    layers = Layers(body="bert", stack="encoder.layer", count=2, shared=False)
    names = ("bert.embeddings.w", "bert.encoder.layer.0.w", "bert.encoder.layer.1.w", "bert.pooler.w", "classifier.w")
    start, end = ({name: torch.full((1,), value) for name in names} for value in (0.0, 1.0))
    found = set_back(end, start, (0, 1), layers.layer_of)
    assert [float(found[name]) for name in names] == [0.0, 0.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (6, {"low": (1, 2), "middle": (3, 4), "high": (5, 6)}),
        (7, {"low": (1, 2, 3), "middle": (4, 5), "high": (6, 7)}),
        (2, {"low": (1,), "high": (2,)}),
        (1, {"every": (1,)}),
    ],
)
def test_layers_are_grouped_in_thirds_as_far_as_there_are_so_many(
    count: int, expected: dict[str, tuple[int, ...]]
) -> None:
    groups = groups_of(Layers(body="bert", stack="encoder.layer", count=count, shared=False))
    every = tuple(range(count + 1))
    assert {one.name: one.layers for one in groups} == {"embeddings": (0,), **expected, "all": every}


def test_weights_that_only_one_model_has_or_that_differ_in_shape_are_named() -> None:
    first, second = {"a": torch.zeros(2), "b": torch.zeros(2)}, {"a": torch.zeros(3), "c": torch.zeros(1)}
    assert unlike(first, second) == ["a", "b", "c"]
    assert unlike(first, first) == []
