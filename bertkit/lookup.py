"""An embedding table's gradient, kept as the rows that were looked up. V rows of the table, U of a batch, H wide.

torch makes a dense gradient of V x H for every update, of which some hundred rows are not zero; to clear it, to
take its norm and to scale it can cost more than a layer. Here one dense gradient stays, of which an update fills
and clears the rows it touched. The optimizer sees the same gradient, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, ids: Tensor, rows: TouchedRows) -> Tensor:
        ctx.ids, ctx.rows = ids, rows
        return functional.embedding(ids, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None]:
        ctx.rows.add(ctx.ids.flatten(), gradients[0].flatten(0, -2))
        return None, None, None


class TouchedRows:
    """One table's gradient: `add` collects it, `gather` sums it up as (U, H), `spread` shows it to the optimizer."""

    def __init__(self, table: nn.Embedding) -> None:
        self.table = table
        self._ids: list[Tensor] = []
        self._parts: list[Tensor] = []
        self._touched = torch.empty(0, dtype=torch.int64)

    def look_up(self, ids: Tensor) -> Tensor:
        """The rows of the table; what comes back to them is collected here."""
        found: Tensor = _Lookup.apply(self.table.weight, ids, self)  # type: ignore[no-untyped-call]  # torch's apply has no types
        return found

    def add(self, ids: Tensor, gradient: Tensor) -> None:
        """Collect the gradient of (K,) lookups; the padding row gets none, as in nn.Embedding."""
        if self.table.padding_idx is not None and bool((ids == self.table.padding_idx).any()):
            kept = ids != self.table.padding_idx
            ids, gradient = ids[kept], gradient[kept]
        self._ids.append(ids)
        self._parts.append(gradient)

    def gather(self) -> Tensor:
        """The sum of what was collected, for each row that was touched."""
        touched, places = torch.unique(torch.cat(self._ids), return_inverse=True)
        gradient = torch.zeros(len(touched), self.table.embedding_dim)
        gradient.index_add_(0, places, torch.cat(self._parts).float())
        self._touched, self._ids, self._parts = touched, [], []
        return gradient

    def spread(self, gradient: Tensor) -> None:
        """Make the (U, H) gradient the table's own, zero elsewhere."""
        if self.table.weight.grad is None:
            self.table.weight.grad = torch.zeros_like(self.table.weight)
        self.table.weight.grad.index_copy_(0, self._touched, gradient)

    def clear(self) -> None:
        """Make the table's gradient zero again, and forget what was collected."""
        self._ids, self._parts = [], []
        if self.table.weight.grad is not None:
            self.table.weight.grad.index_fill_(0, self._touched, 0)


@contextmanager
def touched_rows(model: Any) -> Iterator[TouchedRows]:
    """Inside, the model's word embeddings collect their gradient by rows."""
    table = model.get_input_embeddings()
    rows = TouchedRows(table)
    table.forward = rows.look_up
    try:
        yield rows
    finally:
        del table.forward
        table.weight.grad = None
