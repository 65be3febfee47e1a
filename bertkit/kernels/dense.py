"""Attention of rows that are all of one length, without dropout: no mask, everything in the type of the products.

B features of T tokens, h heads of d dimensions. transformers calls it through its AttentionInterface.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "bertkit_dense"


def attend(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """What B h heads see, (B h, T, d), and their attention, (B h, T, T); the query is scaled."""
    shares = torch.softmax(torch.bmm(query, key.transpose(1, 2)), dim=-1)
    return torch.bmm(shares, value), shares


def attend_backward(
    given: Tensor, query: Tensor, key: Tensor, value: Tensor, shares: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of query, key and value, (B h, T, d) each, from that of what the heads see."""
    to_scores = torch._softmax_backward_data(torch.bmm(given, value.transpose(1, 2)), shares, -1, shares.dtype)
    to_key, to_value = torch.bmm(to_scores.transpose(1, 2), query), torch.bmm(shares.transpose(1, 2), given)
    return torch.bmm(to_scores, key), to_key, to_value


class _Attention(torch.autograd.Function):
    """(B, h, T, d) three times -> (B, T, h, d)."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        b, h, t, d = query.shape
        q, k, v = (part.reshape(b * h, t, d) for part in (query * scale, key, value))
        found, shares = attend(q, k, v)
        ctx.save_for_backward(q, k, v, shares)
        ctx.scale = scale
        return found.view(b, h, t, d).transpose(1, 2).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (given,) = gradients
        q, k, v, shares = ctx.saved_tensors
        b, t, h, d = given.shape
        found = attend_backward(given.transpose(1, 2).reshape(b * h, t, d).to(q.dtype), q, k, v, shares)
        to_q, to_k, to_v = (part.view(b, h, t, d) for part in found)
        return to_q.mul_(ctx.scale), to_k, to_v, None


def _attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    assert attention_mask is None and not (dropout and module.training)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    with torch.autocast(query.device.type, enabled=False):
        return _Attention.apply(query, key, value, scale), None  # type: ignore[no-untyped-call]  # torch's apply has no types


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, lambda **given: None)
