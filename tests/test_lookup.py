"""The gradient of an embedding table by rows: the bits of torch's dense one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bertkit.lookup import touched_rows


class Model(nn.Module):
    """A table of 40 words and something behind it."""

    def __init__(self, padding: int | None) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = nn.Embedding(40, 6, padding_idx=padding)
        self.out = nn.Linear(6, 2)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def loss(self, ids: Tensor) -> Tensor:
        return (self.out(self.table(ids)) ** 2).sum()


IDS = torch.tensor([[3, 5, 3, 0], [39, 5, 5, 0]])


def dense(padding: int | None, *batches: Tensor) -> Tensor:
    """The gradient that torch makes."""
    model = Model(padding)
    for ids in batches:
        model.loss(ids).backward()
    assert model.table.weight.grad is not None
    return model.table.weight.grad


@pytest.mark.parametrize("padding", [None, 0, 7])
def test_the_gradient_the_optimizer_sees_is_torchs_to_the_bit(padding: int | None) -> None:
    model = Model(padding)
    with touched_rows(model) as rows:
        model.loss(IDS).backward()
        assert model.table.weight.grad is None
        rows.spread(rows.gather())
        assert model.table.weight.grad is not None
        assert torch.equal(model.table.weight.grad, dense(padding, IDS))


def test_what_an_update_left_is_cleared_before_the_next() -> None:
    model, other = Model(0), torch.tensor([[1, 2, 39, 39]])
    with touched_rows(model) as rows:
        for ids in (IDS, other):
            model.loss(ids).backward()
            rows.spread(rows.gather())
            assert torch.equal(model.table.weight.grad, dense(0, ids))
            rows.clear()
            assert not model.table.weight.grad.any()


def test_micro_batches_add_up() -> None:
    model, other = Model(0), torch.tensor([[1, 5, 39, 39]])
    with touched_rows(model) as rows:
        model.loss(IDS).backward()
        model.loss(other).backward()
        rows.spread(rows.gather())
        torch.testing.assert_close(model.table.weight.grad, dense(0, IDS, other))


def test_the_norm_of_the_gathered_rows_is_that_of_the_whole() -> None:
    model = Model(None)
    with touched_rows(model) as rows:
        model.loss(IDS).backward()
        gathered = rows.gather()
    assert len(gathered) == 4  # 0, 3, 5 and 39
    torch.testing.assert_close(gathered.norm(), dense(None, IDS).norm())


def test_outside_the_table_looks_up_by_itself_and_has_no_gradient_left() -> None:
    model = Model(0)
    with touched_rows(model) as rows:
        model.loss(IDS).backward()
        rows.spread(rows.gather())
    assert model.table.weight.grad is None and "forward" not in vars(model.table)
    model.loss(IDS).backward()
    assert torch.equal(model.table.weight.grad, dense(0, IDS))
