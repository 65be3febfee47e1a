"""A BERT layer in two functions with gradients of their own, for rows that are all of one length, without dropout.

B features of T tokens, N = B T, H hidden size, h heads of d dimensions, I inner size.

Everything between the two layer norms of a half is in the type of the products, as are what is added up on the way: in
bf16 that is half of the memory traffic of autocast, whose sums are in fp32. Query, key and value are one product.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bertkit.kernels.dense import attend, attend_backward

norm_backward: Any = torch.ops.aten.native_layer_norm_backward
gelu_backward: Any = torch.ops.aten.gelu_backward


class _AttentionHalf(torch.autograd.Function):
    """The layer norm of (B, T, H) and of its self-attention, added up.

    weights  of query, key, value (H, H), their biases (H,); of the output (H, H), its bias; the norm's scale and bias
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, heads: int, eps: float, *weights: Tensor) -> Tensor:
        (wq, wk, wv, bq, bk, bv, wo, bo, gain, shift), kind = weights, states.dtype
        b, t, width = states.shape
        d = width // heads
        x, scale = states.reshape(-1, width), d**-0.5
        inward, outward = torch.cat([wq * scale, wk, wv]).to(kind), wo.to(kind)
        joined = torch.addmm(torch.cat([bq * scale, bk, bv]).to(kind), x, inward.t())
        q, k, v = joined.view(b, t, 3, heads, d).permute(2, 0, 3, 1, 4).reshape(3, b * heads, t, d).unbind(0)
        found, shares = attend(q, k, v)
        mixed = found.view(b, heads, t, d).transpose(1, 2).reshape(-1, width)
        added = torch.addmm(bo.to(kind), mixed, outward.t()).add_(x)
        output, mean, rstd = torch.native_layer_norm(added, (width,), gain, shift, eps)
        ctx.save_for_backward(x, inward, q, k, v, shares, mixed, outward, added, mean, rstd, gain, shift)
        ctx.shape = b, t, heads, d
        return output.view(b, t, width)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, inward, q, k, v, shares, mixed, outward, added, mean, rstd, gain, shift = ctx.saved_tensors
        (b, t, heads, d), kind = ctx.shape, gain.dtype
        width = heads * d
        given = gradients[0].reshape(-1, width).to(x.dtype)
        to_added, *to_norm = norm_backward(given, added, (width,), mean, rstd, gain, shift, [True] * 3)
        to_found = torch.mm(to_added, outward).view(b, t, heads, d).transpose(1, 2).reshape(b * heads, t, d)
        to_joined = torch.empty(b, t, 3, heads, d, dtype=x.dtype)
        for place, part in zip(to_joined.unbind(2), attend_backward(to_found, q, k, v, shares), strict=True):
            place.copy_(part.view(b, heads, t, d).transpose(1, 2))
        to_joined = to_joined.view(-1, 3 * width)
        to_x = torch.addmm(to_added, to_joined, inward).view(b, t, width)
        to_inward, to_biases = torch.mm(to_joined.t(), x).to(kind), to_joined.sum(0).to(kind)
        to_inward[:width] *= d**-0.5
        to_biases[:width] *= d**-0.5
        to_outward = torch.mm(to_added.t(), mixed).to(kind), to_added.sum(0).to(kind)
        return to_x, None, None, *to_inward.chunk(3), *to_biases.chunk(3), *to_outward, *to_norm


class _FeedForwardHalf(torch.autograd.Function):
    """The layer norm of (B, T, H) and of what two linear layers with a GELU between them make of it, added up.

    weights  of the first layer (I, H), its bias, of the second (H, I), its bias; the norm's scale and bias
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, eps: float, *weights: Tensor) -> Tensor:
        (wi, bi, wo, bo, gain, shift), kind, width = weights, states.dtype, states.shape[-1]
        x, inward, outward = states.reshape(-1, width), wi.to(kind), wo.to(kind)
        inner = torch.addmm(bi.to(kind), x, inward.t())
        bent = torch.nn.functional.gelu(inner)
        added = torch.addmm(bo.to(kind), bent, outward.t()).add_(x)
        output, mean, rstd = torch.native_layer_norm(added, (width,), gain, shift, eps)
        ctx.save_for_backward(x, inward, inner, bent, outward, added, mean, rstd, gain, shift)
        return output.view(states.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, inward, inner, bent, outward, added, mean, rstd, gain, shift = ctx.saved_tensors
        kind, width = gain.dtype, x.shape[1]
        given = gradients[0].reshape(-1, width).to(x.dtype)
        to_added, *to_norm = norm_backward(given, added, (width,), mean, rstd, gain, shift, [True] * 3)
        to_inner = gelu_backward(torch.mm(to_added, outward), inner)
        to_x = torch.addmm(to_added, to_inner, inward).view(gradients[0].shape)
        to_inward = torch.mm(to_inner.t(), x).to(kind), to_inner.sum(0).to(kind)
        to_outward = torch.mm(to_added.t(), bent).to(kind), to_added.sum(0).to(kind)
        return to_x, None, *to_inward, *to_outward, *to_norm


def _forward(layer: Any, states: Tensor, mask: Tensor | None = None, *rest: Any, **named: Any) -> Tensor:
    assert mask is None
    inside, after, last = layer.attention.self, layer.attention.output, layer.output
    three = inside.query, inside.key, inside.value
    kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else states.dtype
    with torch.autocast("cpu", enabled=False):
        middle = _AttentionHalf.apply(  # type: ignore[no-untyped-call]  # torch's apply has no types
            states.to(kind), inside.num_attention_heads, after.LayerNorm.eps, *(one.weight for one in three),
            *(one.bias for one in three), *after.dense.parameters(), *after.LayerNorm.parameters(),
        )  # fmt: skip
        found: Tensor = _FeedForwardHalf.apply(  # type: ignore[no-untyped-call]
            middle, last.LayerNorm.eps, *layer.intermediate.dense.parameters(), *last.dense.parameters(),
            *last.LayerNorm.parameters(),
        )  # fmt: skip
    return found


def fits(model: Any) -> bool:
    """Whether its encoder's layers are those of BERT or RoBERTa, with its exact GELU."""
    return model.config.model_type in ("bert", "roberta") and model.config.hidden_act == "gelu"


@contextmanager
def whole_layers(model: Any) -> Iterator[None]:
    """Inside the block, each layer of an encoder that `fits` is computed by the two functions; no mask may be given."""
    layers: list[nn.Module] = list(model.base_model.encoder.layer)
    for layer in layers:
        layer.forward = partial(_forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
