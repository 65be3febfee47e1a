"""Sparse AdamW for the word embeddings: only rows seen so far are updated; bit-identical to dense AdamW.

V rows of the table, S of them seen so far, U in the current batch, H hidden size.

A batch looks up a few hundred rows of a table that holds half of MiniLM's weights and two thirds of XLM-R's. torch
computes a dense V x H gradient for every update, and AdamW updates every row. But a row that was never looked up has
zero moments, so AdamW only decays it, and the decay can be deferred until the row is read. Rows that were seen are
stored contiguously with their own gradient and moments, and get a full AdamW step at every update. The resulting table
is bit-identical to that of dense AdamW on the same gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

DEFERRED = 64
"""Updates whose weight decay may be deferred; then it is applied to the whole table at once."""

BLOCK = 1 << 18
"""Weights per block while deferred decays are applied: it fits into a core's cache."""


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
    """An embedding table in training: `gather` sums its gradient to (U, H), `spread` hands it to the optimizer.

    moved  the rows seen so far, (S, H), in the order of first lookup: the optimizer's parameter in place of the
           table, which is out of date until `sync`
    """

    def __init__(self, table: nn.Embedding, optimizer: torch.optim.AdamW) -> None:
        weight = table.weight.detach()
        self.table = table
        self.moved = nn.Parameter(torch.empty(0, table.embedding_dim))
        self._optimizer = optimizer
        group = _replace_parameter(optimizer, table.weight, self.moved)
        self._decay, self._factor = float(group["weight_decay"]), float(group.get("factor", 1.0))
        self._step = torch.zeros(())
        self._slots = torch.full((len(weight),), -1)
        self._seen = torch.empty(len(weight), dtype=torch.int64)
        self._values, self._gradient, self._first, self._second = (torch.empty_like(weight) for _ in range(4))
        self._deferred: list[float] = []
        self._outdated = False
        self._ids: list[Tensor] = []
        self._parts: list[Tensor] = []
        self._touched = torch.empty(0, dtype=torch.int64)

    def look_up(self, ids: Tensor) -> Tensor:
        """The rows of these ids; with gradients enabled, their gradient is collected here."""
        if not torch.is_grad_enabled():
            self.sync()
            return functional.embedding(ids, self.table.weight)
        slots = self._slots[ids]
        new = slots < 0
        if bool(new.any()):
            self._see(torch.unique(ids[new]))
            slots = self._slots[ids]
        found: Tensor = _Lookup.apply(self.moved, slots, ids, self)  # type: ignore[no-untyped-call]  # torch's apply has no types
        return found

    def _see(self, ids: Tensor) -> None:
        """Start to store rows on their first lookup, with deferred decays applied."""
        rows = self.table.weight.detach()[ids]
        for factor in self._deferred:
            rows.mul_(factor)
        self._place(ids, rows, torch.zeros(()), torch.zeros(()))

    def _place(self, ids: Tensor, rows: Tensor, first: Tensor, second: Tensor) -> None:
        """Append rows with their moments to those seen so far."""
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
        """The collected gradient summed per row of the batch, (U, H), in the table's order."""
        touched, places = torch.unique(torch.cat(self._ids), return_inverse=True)
        gradient = torch.zeros(len(touched), self.table.embedding_dim)
        gradient.index_add_(0, places, torch.cat(self._parts).float())
        self._touched, self._ids, self._parts = self._slots[touched], [], []
        return gradient

    def spread(self, gradient: Tensor) -> None:
        """Set the gradient of the batch's rows to `gradient` (U, H); that of the other rows is zero."""
        self.moved.grad = self._gradient[: len(self.moved)]
        self.moved.grad.index_copy_(0, self._touched, gradient)

    def clear(self) -> None:
        """Zero the gradient, and drop what was collected."""
        self._ids, self._parts = [], []
        self._gradient.index_fill_(0, self._touched, 0)

    def defer_decay(self, rate: float) -> None:
        """Defer the decay of unseen rows, after an optimizer step at the learning rate `rate`, times the group's."""
        self._outdated = True
        if self._decay:
            self._deferred.append(1 - rate * self._factor * self._decay)
            if len(self._deferred) == DEFERRED:
                self._apply_decays()

    def _apply_decays(self) -> None:
        """Apply deferred decays to the table; its copies of seen rows are overwritten by `sync`."""
        for block in torch.split(self.table.weight.detach().view(-1), BLOCK):
            for factor in self._deferred:
                block.mul_(factor)
        self._deferred = []

    def sync(self) -> None:
        """Bring the table up to date with the rows seen and with deferred decays."""
        if self._outdated:
            self._apply_decays()
            seen = len(self.moved)
            self.table.weight.detach().index_copy_(0, self._seen[:seen], self._values[:seen])
            self._outdated = False

    # The state of a checkpoint, besides the table.

    def state(self) -> dict[str, Tensor]:
        """Ids of the rows seen, (S,), AdamW's moments, (S, H), and its step count."""
        seen = len(self.moved)
        moments = {"exp_avg": self._first[:seen], "exp_avg_sq": self._second[:seen]}
        return {"seen": self._seen[:seen], **moments, "step": self._step}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` returned; the table must hold the weights of that time."""
        self._step.copy_(state["step"])
        ids = state["seen"]
        self._place(ids, self.table.weight.detach()[ids], state["exp_avg"], state["exp_avg_sq"])


def _replace_parameter(optimizer: torch.optim.AdamW, weight: Tensor, moved: nn.Parameter) -> dict[str, Any]:
    """Replace `weight` by `moved` in the optimizer; returns its group."""
    for group in optimizer.param_groups:
        for k, parameter in enumerate(group["params"]):
            if parameter is weight:
                group["params"][k] = moved
                return group
    raise AssertionError("the optimizer does not have the table")


def fits(model: Any) -> bool:
    """Whether the word embeddings are a plain table that is trained, looked up by one module alone."""
    table = model.get_input_embeddings()
    plain = type(table) is nn.Embedding and table.max_norm is None and not table.scale_grad_by_freq
    return (
        plain
        and table.weight.requires_grad
        and sum(p is table.weight for _, p in model.named_parameters(remove_duplicate=False)) == 1
    )


@contextmanager
def seen_rows(model: Any, optimizer: torch.optim.AdamW) -> Iterator[SeenRows]:
    """Inside the block, `optimizer` updates only rows of the word embeddings that were looked up before."""
    table = model.get_input_embeddings()
    rows = SeenRows(table, optimizer)
    table.forward = rows.look_up
    try:
        yield rows
    finally:
        del table.forward
        rows.sync()
