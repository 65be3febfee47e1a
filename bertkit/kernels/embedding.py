"""Sparse AdamW for the word embeddings: only rows seen so far are updated; bit-identical to dense AdamW.

V rows, S seen, U of a batch, H wide.

A batch looks up some hundred of a table's rows, which hold half of MiniLM's weights and two thirds of XLM-R's. torch
makes a dense gradient of V x H for every update, and AdamW moves every row by it. But a row that was never looked up
has moments of zero, so AdamW moves it by its decay alone, which can wait until somebody reads it. Rows that were seen
lie here side by side, with a gradient and moments of their own, and are moved at every update, as AdamW has it. The
table's bits are those that torch makes of the same gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

WAITING = 64
"""Deferred weight decays at most; then they are applied to the whole table at once."""

BLOCK = 1 << 18
"""Weights of a block that stays in a core's cache while deferred decays are applied."""


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, moved: Tensor, slots: Tensor, ids: Tensor, rows: SeenRows) -> Tensor:
        ctx.ids, ctx.rows = ids, rows
        return functional.embedding(slots, moved)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None, None]:
        ctx.rows.add(ctx.ids.flatten(), gradients[0].flatten(0, -2))
        return None, None, None, None


class SeenRows:
    """One table, in training: `gather` sums its gradient up as (U, H), `spread` shows it to the optimizer.

    moved  the rows seen so far, (S, H), in the order in which they were: the optimizer has it in place of the table,
           which is behind until `settle`
    """

    def __init__(self, table: nn.Embedding, optimizer: torch.optim.AdamW) -> None:
        weight = table.weight.detach()
        self.table = table
        self.moved = nn.Parameter(torch.empty(0, table.embedding_dim))
        self._optimizer = optimizer
        self._decay = _put_in_place(optimizer, table.weight, self.moved)
        self._step = torch.zeros(())
        self._slots = torch.full((len(weight),), -1)
        self._seen = torch.empty(len(weight), dtype=torch.int64)
        self._values, self._gradient, self._first, self._second = (torch.empty_like(weight) for _ in range(4))
        self._waiting: list[float] = []
        self._behind = False
        self._ids: list[Tensor] = []
        self._parts: list[Tensor] = []
        self._touched = torch.empty(0, dtype=torch.int64)

    def look_up(self, ids: Tensor) -> Tensor:
        """The rows of the table; where gradients are wanted, what comes back to them is collected here."""
        if not torch.is_grad_enabled():
            self.settle()
            return functional.embedding(ids, self.table.weight)
        slots = self._slots[ids]
        new = slots < 0
        if bool(new.any()):
            self._see(torch.unique(ids[new]))
            slots = self._slots[ids]
        found: Tensor = _Lookup.apply(self.moved, slots, ids, self)  # type: ignore[no-untyped-call]  # torch's apply has no types
        return found

    def _see(self, ids: Tensor) -> None:
        """Have a place for rows that were never looked up."""
        rows = self.table.weight.detach()[ids]
        for factor in self._waiting:
            rows.mul_(factor)
        self._place(ids, rows, torch.zeros(()), torch.zeros(()))

    def _place(self, ids: Tensor, rows: Tensor, first: Tensor, second: Tensor) -> None:
        """Add rows with their moments behind those that were seen."""
        start, end = len(self.moved), len(self.moved) + len(ids)
        self._slots[ids] = torch.arange(start, end)
        self._seen[start:end] = ids
        self._values[start:end], self._first[start:end], self._second[start:end] = rows, first, second
        self._gradient[start:end] = 0
        self.moved.grad = None
        self.moved.data = self._values[:end]
        self._optimizer.state[self.moved] = {
            "step": self._step, "exp_avg": self._first[:end], "exp_avg_sq": self._second[:end],
        }  # fmt: skip

    def add(self, ids: Tensor, gradient: Tensor) -> None:
        """Collect the gradient of (K,) lookups; the padding row gets none, as in nn.Embedding."""
        if self.table.padding_idx is not None and bool((ids == self.table.padding_idx).any()):
            kept = ids != self.table.padding_idx
            ids, gradient = ids[kept], gradient[kept]
        self._ids.append(ids)
        self._parts.append(gradient)

    def gather(self) -> Tensor:
        """The sum of what was collected, for each row that was touched, in the table's order."""
        touched, places = torch.unique(torch.cat(self._ids), return_inverse=True)
        gradient = torch.zeros(len(touched), self.table.embedding_dim)
        gradient.index_add_(0, places, torch.cat(self._parts).float())
        self._touched, self._ids, self._parts = self._slots[touched], [], []
        return gradient

    def spread(self, gradient: Tensor) -> None:
        """Make the (U, H) gradient that of the rows that were touched; it is zero elsewhere."""
        self.moved.grad = self._gradient[: len(self.moved)]
        self.moved.grad.index_copy_(0, self._touched, gradient)

    def clear(self) -> None:
        """Make the gradient zero again, and forget what was collected."""
        self._ids, self._parts = [], []
        self._gradient.index_fill_(0, self._touched, 0)

    def follow(self, rate: float) -> None:
        """The optimizer moved the rows that were seen, at the learning rate: the others are to decay by it."""
        self._behind = True
        if self._decay:
            self._waiting.append(1 - rate * self._decay)
            if len(self._waiting) == WAITING:
                self._make_up()

    def _make_up(self) -> None:
        """Decay the table's rows; of those that were seen nobody reads these."""
        for block in torch.split(self.table.weight.detach().view(-1), BLOCK):
            for factor in self._waiting:
                block.mul_(factor)
        self._waiting = []

    def settle(self) -> None:
        """Bring the table up to date."""
        if self._behind:
            self._make_up()
            seen = len(self.moved)
            self.table.weight.detach().index_copy_(0, self._seen[:seen], self._values[:seen])
            self._behind = False

    # What a checkpoint holds of it, beside the table.

    def state(self) -> dict[str, Tensor]:
        """The rows seen, (S,), AdamW's moments of them, (S, H), and its count of updates."""
        seen = len(self.moved)
        moments = {"exp_avg": self._first[:seen], "exp_avg_sq": self._second[:seen]}
        return {"seen": self._seen[:seen], **moments, "step": self._step}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Be where `state` was, with the table as it was then."""
        self._step.copy_(state["step"])
        ids = state["seen"]
        self._place(ids, self.table.weight.detach()[ids], state["exp_avg"], state["exp_avg_sq"])


def _put_in_place(optimizer: torch.optim.AdamW, weight: Tensor, moved: nn.Parameter) -> float:
    """Have the optimizer move `moved` in place of `weight`; the decay it has for it."""
    for group in optimizer.param_groups:
        for k, parameter in enumerate(group["params"]):
            if parameter is weight:
                group["params"][k] = moved
                return float(group["weight_decay"])
    raise AssertionError("the optimizer does not have the table")


def fits(model: Any) -> bool:
    """Whether the word embeddings are a plain table, looked up by one module alone."""
    table = model.get_input_embeddings()
    plain = type(table) is nn.Embedding and table.max_norm is None and not table.scale_grad_by_freq
    return plain and sum(p is table.weight for _, p in model.named_parameters(remove_duplicate=False)) == 1


@contextmanager
def seen_rows(model: Any, optimizer: torch.optim.AdamW) -> Iterator[SeenRows]:
    """Inside, only rows of the model's word embeddings that were ever looked up are moved by `optimizer`."""
    table = model.get_input_embeddings()
    rows = SeenRows(table, optimizer)
    table.forward = rows.look_up
    try:
        yield rows
    finally:
        del table.forward
        rows.settle()
