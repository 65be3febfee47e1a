"""Sparse updates of the embedding table against torch's dense gradient and AdamW: the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bertkit.kernels.embedding import DEFERRED, SeenRows, fits, seen_rows

WORDS, WIDE = 40, 16
IDS = torch.tensor([[3, 5, 3, 0], [39, 5, 5, 0]])
UPDATES = 3 * DEFERRED + 5
"""Some decays still wait when the last is done."""


class Model(nn.Module):
    """A table of 40 words and something behind it."""

    def __init__(self, padding: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = nn.Embedding(WORDS, WIDE, padding_idx=padding)
        self.out = nn.Linear(WIDE, 2)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def loss(self, ids: Tensor) -> Tensor:
        return (self.out(self.table(ids)) ** 2).sum()


def adamw(model: Model, decay: float = 0.0) -> torch.optim.AdamW:
    groups = [{"params": [model.table.weight], "weight_decay": decay}, {"params": model.out.parameters()}]
    return torch.optim.AdamW(groups, lr=1e-2, fused=True)


def dense(padding: int | None, *batches: Tensor) -> Tensor:
    """The gradient that torch makes."""
    model = Model(padding)
    for ids in batches:
        model.loss(ids).backward()
    assert model.table.weight.grad is not None
    return model.table.weight.grad


def shown(rows: SeenRows) -> Tensor:
    """The gradient that the optimizer sees, as if it had the whole table."""
    whole = torch.zeros(WORDS, WIDE)
    assert rows.moved.grad is not None
    whole[rows.state()["seen"]] = rows.moved.grad
    return whole


@pytest.mark.parametrize("padding", [None, 0, 7])
def test_the_gradient_the_optimizer_sees_is_torchs_to_the_bit(padding: int | None) -> None:
    model = Model(padding)
    with seen_rows(model, adamw(model)) as rows:
        model.loss(IDS).backward()
        assert model.table.weight.grad is None
        rows.spread(rows.gather())
        assert torch.equal(shown(rows), dense(padding, IDS))


def test_what_an_update_left_is_cleared_before_the_next() -> None:
    model, other = Model(0), torch.tensor([[1, 2, 39, 39]])
    with seen_rows(model, adamw(model)) as rows:
        for ids in (IDS, other):
            model.loss(ids).backward()
            rows.spread(rows.gather())
            assert torch.equal(shown(rows), dense(0, ids))
            rows.clear()
            assert not shown(rows).any()


def test_micro_batches_add_up() -> None:
    model, other = Model(0), torch.tensor([[1, 5, 39, 39]])
    with seen_rows(model, adamw(model)) as rows:
        model.loss(IDS).backward()
        model.loss(other).backward()
        rows.spread(rows.gather())
        torch.testing.assert_close(shown(rows), dense(0, IDS, other))


def test_the_norm_of_the_gathered_rows_is_that_of_the_whole() -> None:
    model = Model()
    with seen_rows(model, adamw(model)) as rows:
        model.loss(IDS).backward()
        gathered = rows.gather()
    assert len(gathered) == 4  # 0, 3, 5 and 39
    torch.testing.assert_close(gathered.norm(), dense(None, IDS).norm())


def test_outside_the_table_looks_up_by_itself_and_has_no_gradient_left() -> None:
    model = Model(0)
    with seen_rows(model, adamw(model)) as rows:
        model.loss(IDS).backward()
        rows.spread(rows.gather())
    assert model.table.weight.grad is None and "forward" not in vars(model.table)
    model.loss(IDS).backward()
    assert torch.equal(model.table.weight.grad, dense(0, IDS))


def batch(step: int) -> Tensor:
    """Ever more words, of which a few were there before; four of them never come."""
    draws = torch.Generator().manual_seed(step)
    return torch.randint(min(36, 4 + step // 4), (2, 3), generator=draws)


def rate(step: int) -> float:
    return 1e-2 * (1 + math.sin(step))


def update(model: Model, optimizer: torch.optim.AdamW, step: int, rows: SeenRows | None = None) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate(step)
    model.loss(batch(step)).backward()
    if rows:
        rows.spread(rows.gather())
    optimizer.step()
    if rows:
        rows.defer_decay(rate(step))
        rows.clear()
    model.zero_grad()


def torchs(decay: float, updates: int) -> Model:
    model = Model()
    optimizer = adamw(model, decay)
    for step in range(updates):
        update(model, optimizer, step)
    return model


def same(model: Model, other: Model) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(model.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("updates", [1, DEFERRED, UPDATES])
def test_the_table_that_is_left_is_torchs_to_the_bit(decay: float, updates: int) -> None:
    model = Model()
    optimizer = adamw(model, decay)
    with seen_rows(model, optimizer) as rows:
        for step in range(updates):
            update(model, optimizer, step, rows)
        assert 0 < len(rows.moved) <= 36
    wanted = torchs(decay, updates)
    assert same(model, wanted)
    assert decay == 0 or not torch.equal(model.table.weight[39], Model().table.weight[39])


def test_the_table_read_between_updates_is_the_one_of_dense_adamw() -> None:
    model = Model()
    optimizer = adamw(model, 0.1)
    with seen_rows(model, optimizer) as rows:
        for step in range(UPDATES):
            update(model, optimizer, step, rows)
            if step in (0, 7, DEFERRED):
                with torch.inference_mode():
                    every = model.table(torch.arange(WORDS))
                assert torch.equal(every, torchs(0.1, step + 1).table.weight)
    assert same(model, torchs(0.1, UPDATES))


@pytest.mark.parametrize("stop", [1, DEFERRED - 1, DEFERRED + 3])
def test_a_saved_state_resumes_to_the_same_bits(stop: int) -> None:
    model = Model()
    optimizer = adamw(model, 0.1)
    with seen_rows(model, optimizer) as rows:
        for step in range(stop):
            update(model, optimizer, step, rows)
        rows.sync()
        kept = {name: tensor.clone() for name, tensor in rows.state().items()}
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        rest: Any = optimizer.state[model.out.weight], optimizer.state[model.out.bias]
    other = Model()
    other.load_state_dict(weights)
    going_on = adamw(other, 0.1)
    going_on.state[other.out.weight], going_on.state[other.out.bias] = rest
    with seen_rows(other, going_on) as rows:
        rows.load_state(kept)
        for step in range(stop, UPDATES):
            update(other, going_on, step, rows)
    assert same(other, torchs(0.1, UPDATES))


def tied(model: Model) -> None:
    """As BART has it: another module looks up the same weights."""
    model.other = nn.Embedding(WORDS, WIDE)
    model.other.weight = model.table.weight


def scaled(model: Model) -> None:
    model.table = type("Scaled", (nn.Embedding,), {})(WORDS, WIDE)


def clipped(model: Model) -> None:
    model.table.max_norm = 1.0


@pytest.mark.parametrize("change", [tied, scaled, clipped])
def test_a_table_that_is_not_plain_is_left_to_torch(change: Callable[[Model], None]) -> None:
    model = Model()
    assert fits(model)
    change(model)
    assert not fits(model)
