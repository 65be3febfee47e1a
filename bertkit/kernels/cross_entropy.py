"""The cross entropy of an output layer, computed with its gradient a block of rows at a time.

M predicted positions, H hidden size, V tokens of the vocabulary.

Plain cross entropy writes (M, V) numbers eight times over: logits, their fp32 copy, its log-softmax, and the gradients
of each. A block of them fits into a core's cache, and since the loss is a sum its gradient can be taken there at once:
it is all that is kept, in the type of the products.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

BLOCK = 1 << 19
"""Logits of a block: 2 MiB in fp32."""


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        given, count = weight.to(states.dtype), len(weight)
        slopes = torch.empty(len(states), count, dtype=states.dtype)
        exact = torch.promote_types(states.dtype, torch.float32)
        total, to_bias = torch.zeros((), dtype=exact), torch.zeros(count, dtype=exact)
        rows = max(1, BLOCK // count)
        for start in range(0, len(states), rows):
            end = start + rows
            logits = torch.mm(states[start:end], given.t()).to(exact)
            if bias is not None:
                logits += bias
            gold = targets[start:end, None]
            logits -= logits.amax(1, keepdim=True)
            total -= logits.gather(1, gold).sum()
            shares = logits.exp_()
            sums = shares.sum(1, keepdim=True)
            total += sums.log().sum()
            shares /= sums
            shares.scatter_add_(1, gold, torch.full_like(sums, -1.0))
            slopes[start:end] = shares
            if bias is not None:
                to_bias += shares.sum(0)
        ctx.save_for_backward(states, given, slopes, None if bias is None else to_bias)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (scale,) = gradients
        states, given, slopes, to_bias = ctx.saved_tensors
        to_states = torch.mm(slopes, given).mul_(scale)
        to_weight = torch.mm(slopes.t(), states).to(scale.dtype).mul_(scale)
        return to_states, to_weight, None if to_bias is None else to_bias * scale, None


def summed_cross_entropy(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """The sum of the cross entropies of `states @ weight.T + bias`, a scalar.

    states (M, H), weight (V, H), bias (V,), targets (M,) of ids. Products are in the states' type, the rest in fp32 at
    least.
    """
    found: Tensor = _Summed.apply(states, weight, bias, targets)  # type: ignore[no-untyped-call]  # torch's apply has no types
    return found
