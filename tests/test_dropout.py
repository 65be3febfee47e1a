"""Fast dropout: its rate, independence, gradient, and its state as one number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from scipy import stats
from torch import nn

from bertkit.kernels.dropout import FastDropout, Masks, PlainMasks, dropped_share, fast_dropout
from bertkit.models.load import load

COUNT = 1_000_000


@pytest.mark.parametrize("masks", [Masks(1), PlainMasks(1)], ids=["fast", "torch"])
@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_p_says(masks: Masks, p: float) -> None:
    dropped = COUNT - int(masks.keep(COUNT, p).sum())
    assert stats.binomtest(dropped, COUNT, p).pvalue > 1e-4


@pytest.mark.parametrize("lane", range(4))
def test_each_lane_of_a_word_drops_as_often(lane: int) -> None:
    lanes = Masks(2).keep(COUNT, 0.1).view(-1, 4)[:, lane]
    assert stats.binomtest(int((~lanes).sum()), len(lanes), 0.1).pvalue > 1e-4


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 8, 64, 384, 1_536])
def test_what_is_dropped_says_nothing_about_its_neighbour(distance: int) -> None:
    dropped = (~Masks(3).keep(COUNT, 0.5)).numpy().astype(np.int8)
    both = dropped[:-distance] & dropped[distance:]
    assert stats.binomtest(int(both.sum()), len(both), 0.25).pvalue > 1e-5


def test_runs_of_kept_elements_are_as_long_as_chance_makes_them() -> None:
    dropped = (~Masks(4).keep(COUNT, 0.1)).numpy().nonzero()[0]
    gaps = np.diff(dropped)
    seen = np.bincount(gaps.clip(max=40), minlength=41)[1:]
    expected = len(gaps) * np.array([0.1 * 0.9 ** (k - 1) for k in range(1, 40)] + [0.9**39])
    assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_p_is_exact_to_a_65536th_and_what_is_kept_is_scaled_by_it() -> None:
    assert dropped_share(0.1) == 6554 / 65536
    layer = FastDropout(0.1, Masks(1)).train()
    assert set(layer(torch.ones(1_000)).unique().tolist()) == {0.0, float(torch.tensor(1 / (1 - 6554 / 65536)))}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gradient_flows_where_the_value_did(dtype: torch.dtype) -> None:
    x = torch.randn(50, 7).to(dtype).requires_grad_()
    y = FastDropout(0.3, Masks(5)).train()(x)
    y.backward(torch.ones_like(y))
    assert x.grad is not None and y.dtype == x.grad.dtype == dtype
    torch.testing.assert_close(y, x * x.grad)
    assert 0 < int((x.grad == 0).sum()) < x.numel()


def test_nothing_is_dropped_or_drawn_outside_training_or_at_p_of_zero() -> None:
    masks, x = Masks(1), torch.randn(9)
    assert FastDropout(0.5, masks).eval()(x) is x
    assert FastDropout(0.0, masks).train()(x) is x
    assert masks.words == 0


def test_a_stream_resumes_from_the_number_of_words_it_had_drawn() -> None:
    masks = Masks(7, rank=1)
    for count in (1, 5, 1_001):
        masks.keep(count, 0.1)
    assert masks.words == 1 + 2 + 251
    assert torch.equal(masks.keep(999, 0.2), Masks(7, rank=1, words=254).keep(999, 0.2))


def test_seeds_and_ranks_have_streams_of_their_own() -> None:
    drawn = [Masks(seed, rank).keep(1_000, 0.5) for seed, rank in ((1, 0), (1, 1), (2, 0))]
    agreed = [float((drawn[a] == drawn[b]).float().mean()) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert all(0.4 < share < 0.6 for share in agreed)


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    FastDropout(0.5, Masks(1)).train()(torch.ones(100))
    assert torch.equal(torch.randn(3), expected)


def test_every_dropout_of_a_model_is_fast_inside_and_its_own_again_outside(tmp_path: Path) -> None:
    model = load(tiny.encoder(tiny.make("bert", tmp_path / "bert")), tiny.SIGNS, scratch=False, seed=1).model.train()
    before = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    with fast_dropout(model, Masks(1)):
        model.eval()
        kinds = [type(module) for module in model.modules()]
        assert kinds.count(FastDropout) == len(before) > 5 and nn.Dropout not in kinds
    after = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert not any(module.training for module in after)
