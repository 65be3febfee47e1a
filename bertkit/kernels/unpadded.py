"""The unpadded layout: a batch is one row of its real tokens, from the embedding to the head.

Letters as in packing.py. transformers calls the attention here through its AttentionInterface.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from bertkit.kernels.dropout import Masks, dropped_share
from bertkit.kernels.packing import Group, Packing, Tiles

NAME = "bertkit_unpadded"

ENCODERS = {
    "bert": "encoder",
    "roberta": "encoder",
    "xlm-roberta": "encoder",
    "electra": "encoder",
    "distilbert": "transformer",
    "albert": "encoder",
}
"""Model types whose tokens interact in attention alone, and what their stack of layers is called."""


_current: ContextVar[Packing] = ContextVar("packing")


@contextmanager
def packed(packing: Packing, masks: Masks | None) -> Iterator[None]:
    """Inside the block, the model's row holds the features of `packing`; attention drops by `masks` in training."""
    packing.masks = masks
    token = _current.set(packing)
    try:
        yield
    finally:
        _current.reset(token)


class _Attention(torch.autograd.Function):
    """Attention within each feature: three (room, h, d) -> (room, h, d)."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, packing: Packing, p: float, scale: float
    ) -> Tensor:
        tiles = packing.tiles(query.shape[1], query.dtype)
        q, k, v = (_rows(part).index_select(0, tiles.source) for part in (query, key, value))
        q.mul_(scale)
        out = torch.empty_like(q)
        keep = None
        if p:
            assert packing.masks
            keep = packing.masks.keep(tiles.pairs, p, q.dtype)
        saved: list[Tensor] = []
        for group in tiles.groups:
            scores = _scores(group, q, k)
            shares = torch.softmax(scores, dim=-1)
            kept = shares if keep is None else torch.mul(shares, group.among(keep), out=scores)
            torch.bmm(kept, group.of(v), out=group.of(out))
            saved += [shares, kept]
        ctx.save_for_backward(q, k, v, keep, *saved)
        ctx.packing, ctx.p, ctx.scale = packing, p, scale
        return _together(tiles, out, query, 1 / (1 - dropped_share(p)))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (given,) = gradients
        q, k, v, keep, *saved = ctx.saved_tensors
        packing = ctx.packing
        tiles = packing.tiles(given.shape[1], q.dtype)
        real = _rows(given)[: len(tiles.place)].to(q.dtype) * (1 / (1 - dropped_share(ctx.p)))
        g = torch.zeros_like(q).index_copy_(0, tiles.place, real)
        to_q, to_k, to_v = torch.empty_like(q), torch.empty_like(q), torch.empty_like(q)
        for group, shares, kept in zip(tiles.groups, saved[::2], saved[1::2], strict=True):
            to_shares = torch.bmm(group.of(g), group.of(v).transpose(1, 2))
            if keep is not None:
                to_shares.mul_(group.among(keep))
            to_scores = torch._softmax_backward_data(to_shares, shares, -1, shares.dtype)
            torch.bmm(to_scores, group.of(k), out=group.of(to_q))
            torch.bmm(to_scores.transpose(1, 2), group.of(q), out=group.of(to_k))
            torch.bmm(kept.transpose(1, 2), group.of(g), out=group.of(to_v))
        to_query = _together(tiles, to_q, given, ctx.scale)
        return to_query, *(_together(tiles, part, given) for part in (to_k, to_v)), None, None, None


def _rows(part: Tensor) -> Tensor:
    """(room, h, d) as (room * h, d)."""
    return part.reshape(-1, part.shape[2])


def _together(tiles: Tiles, slots: Tensor, like: Tensor, factor: float = 1.0) -> Tensor:
    """(S, d), times `factor`, as (room, h, d) in the type of `like`; zero behind the tokens."""
    out = torch.empty_like(like, memory_format=torch.contiguous_format)
    rows, real = _rows(out), len(tiles.place)
    torch.index_select(slots.to(out.dtype), 0, tiles.place, out=rows[:real])
    if factor != 1:
        rows[:real].mul_(factor)
    rows[real:] = 0
    return out


def _scores(group: Group, q: Tensor, k: Tensor) -> Tensor:
    if group.bias is None:
        return torch.bmm(group.of(q), group.of(k).transpose(1, 2))
    return torch.baddbmm(group.bias, group.of(q), group.of(k).transpose(1, 2))


def _attend(packing: Packing, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """The same without gradients: torch's fused attention, one group at a time."""
    tiles = packing.tiles(query.shape[1], query.dtype)
    q, k, v = (_rows(part).index_select(0, tiles.source) for part in (query, key, value))
    out = torch.empty_like(q)
    for group in tiles.groups:
        # fused kernels want four dimensions: each tile is a head of one feature
        bias = None if group.bias is None else group.bias[None].expand(-1, -1, group.longest, -1)
        seen = functional.scaled_dot_product_attention(
            group.of(q)[None], group.of(k)[None], group.of(v)[None], attn_mask=bias, scale=scale
        )
        group.of(out).copy_(seen[0])
    return _together(tiles, out, query)


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
    """The attention that transformers calls: three (1, h, N, d) -> (1, N, h, d)."""
    packing = _current.get()
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
    if torch.is_grad_enabled():
        p = dropout if module.training and dropped_share(dropout) else 0.0
        with torch.autocast(q.device.type, enabled=False):
            return _Attention.apply(q, k, v, packing, p, scale)[None], None  # type: ignore[no-untyped-call]  # torch's apply has no types
    return _attend(packing, q, k, v, scale)[None], None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, lambda **given: None)


def fits(model: Any) -> bool:
    """Whether the model's architecture can run unpadded."""
    config = model.config
    absolute = getattr(config, "position_embedding_type", "absolute") in ("absolute", None)
    return config.model_type in ENCODERS and absolute and not getattr(config, "is_decoder", False)


@contextmanager
def unpadded(model: Any, per_token: bool) -> Iterator[None]:
    """Inside the block, the model reads one row of real tokens; its head all of them, or each feature's first."""
    before = model.config._attn_implementation
    if before == NAME:  # scoring on the way
        yield
        return
    model.set_attn_implementation(NAME)
    layers = getattr(model.base_model, ENCODERS[model.config.model_type])
    hook = layers.register_forward_hook(_first_tokens) if not per_token else None
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        if hook:
            hook.remove()


def _first_tokens(layers: torch.nn.Module, given: Any, output: Any) -> Any:
    """The first token of each feature: (1, N, H) -> (B, 1, H)."""
    starts = _current.get().starts
    return type(output)(last_hidden_state=output.last_hidden_state[0].index_select(0, starts)[:, None])
