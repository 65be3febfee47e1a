"""The unpadded layout: between input and head, only real tokens flow, all in one row.

N tokens of B features, h attention heads of d dimensions; G features of a group, T tokens of its longest.
transformers calls the attention here through its AttentionInterface.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from bertkit.dropout import Masks, dropped_share
from bertkit.heads import Classification, Head

NAME = "bertkit_unpadded"
GROUP = 8
"""Features that meet in one product; 4 and 16 cost a twentieth more, 32 a fifth and up."""

SHORT = 64
"""Tokens up to which a group's products are faster in fp32 than in bf16 (they are too small for bf16's kernels)."""

ENCODERS = {
    "bert": "encoder",
    "roberta": "encoder",
    "xlm-roberta": "encoder",
    "electra": "encoder",
    "distilbert": "transformer",
    "albert": "encoder",
}
"""Model types whose tokens meet in attention alone, and what their stack of layers is called."""


@dataclass(frozen=True)
class Group:
    """G features of like length: their tokens stand from `start` on, G * T of them, the padding among them."""

    start: int
    size: int
    longest: int
    bias: Tensor | None  # (G, 1, 1, T), -inf for padding; None where there is none


class Packing:
    """Which tokens of the one row belong together: `lengths` (B,), in the row's order."""

    def __init__(self, lengths: NDArray[np.int64]) -> None:
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        self.tokens = int(offsets[-1])
        self.offsets = torch.from_numpy(offsets)
        self.longest = int(lengths.max())
        self.groups: list[Group] = []
        place = np.empty(self.tokens, np.int64)
        ranked = np.argsort(lengths, kind="stable")
        start = 0
        for first in range(0, len(ranked), GROUP):
            rows = ranked[first : first + GROUP]
            longest = int(lengths[rows].max())
            counted = np.arange(longest)
            real = counted < lengths[rows][:, None]
            slots = start + np.arange(real.size).reshape(real.shape)
            place[(offsets[rows][:, None] + counted)[real]] = slots[real]
            self.groups.append(Group(start, len(rows), longest, _bias(real)))
            start += real.size
        self.slots = start  # tokens of all groups, padding counted
        self.place = torch.from_numpy(place)  # (N,) where each token stands among the groups'
        self.masks: Masks | None = None

    def to(self, device: torch.device) -> Packing:
        """The same on another device."""
        if device.type == "cpu":
            return self
        moved = copy.copy(self)
        moved.offsets, moved.place = self.offsets.to(device), self.place.to(device)
        moved.groups = [replace(g, bias=None if g.bias is None else g.bias.to(device)) for g in self.groups]
        return moved


def _bias(real: NDArray[np.bool_]) -> Tensor | None:
    if real.all():
        return None
    mask = torch.from_numpy(real)[:, None, None, :]
    return torch.zeros(mask.shape).masked_fill_(~mask, -torch.inf)


_current: ContextVar[Packing] = ContextVar("packing")


@contextmanager
def packed(packing: Packing, masks: Masks | None) -> Iterator[None]:
    """Inside, the model's one row holds the features of `packing`; attention drops by `masks` in training."""
    packing.masks = masks
    token = _current.set(packing)
    try:
        yield
    finally:
        _current.reset(token)


class _Attention(torch.autograd.Function):
    """Attention within each feature: three (N, h, d) -> (N, h, d)."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, packing: Packing, p: float, scale: float
    ) -> Tensor:
        n, h, d = query.shape
        joined = torch.cat([query.reshape(n, h * d), key.reshape(n, h * d), value.reshape(n, h * d)], dim=1)
        spread = joined.new_zeros(packing.slots, 3 * h * d).index_copy_(0, packing.place, joined)
        out = joined.new_empty(packing.slots, h * d)
        keeps = _keeps(packing, h, p)
        saved: list[Tensor] = []
        for group, keep in zip(packing.groups, keeps, strict=True):
            q, k, v = _apart(spread, group, 3, h, d)
            shares = torch.softmax(_scores(q, k, group, h, scale), dim=-1)
            kept = shares if keep is None else shares * keep.to(shares.dtype)
            _rows(out, group, 1, h, d)[:, :, 0].copy_(torch.bmm(kept, v).view(group.size, h, -1, d).transpose(1, 2))
            saved += [q, k, v, shares, shares if keep is None else keep]
        ctx.save_for_backward(*saved)
        ctx.packing, ctx.p, ctx.scale, ctx.shape = packing, p, scale, (n, h, d)
        seen = out.index_select(0, packing.place).view(n, h, d)
        return seen.mul_(1 / (1 - dropped_share(p))) if p else seen

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        packing, (n, h, d) = ctx.packing, ctx.shape
        joined = gradients[0].reshape(n, h * d)
        if ctx.p:
            joined = joined * (1 / (1 - dropped_share(ctx.p)))
        spread = joined.new_zeros(packing.slots, h * d).index_copy_(0, packing.place, joined)
        out = joined.new_empty(packing.slots, 3 * h * d)
        for i, group in enumerate(packing.groups):
            q, k, v, shares, keep = ctx.saved_tensors[5 * i : 5 * i + 5]
            (g,) = _apart(spread, group, 1, h, d)
            to_shares = torch.bmm(g, v.transpose(1, 2))
            kept = shares
            if ctx.p:
                factor = keep.to(shares.dtype)
                to_shares.mul_(factor)
                kept = shares * factor
            to_scores = torch._softmax_backward_data(to_shares, shares, -1, shares.dtype)
            to_all = torch.empty(3, *q.shape, dtype=q.dtype, device=q.device)
            torch.bmm(to_scores, k, out=to_all[0])
            torch.bmm(to_scores.transpose(1, 2), q, out=to_all[1])
            to_all[:2].mul_(ctx.scale)
            torch.bmm(kept.transpose(1, 2), g, out=to_all[2])
            _rows(out, group, 3, h, d).copy_(to_all.view(3, group.size, h, -1, d).permute(1, 3, 0, 2, 4))
        to_query, to_key, to_value = out.index_select(0, packing.place).view(n, 3, h, d).unbind(1)
        return to_query, to_key, to_value, None, None, None


def _keeps(packing: Packing, heads: int, p: float) -> list[Tensor | None]:
    """For each group which of its (G * h, T, T) shares are kept."""
    if not p:
        return [None] * len(packing.groups)
    assert packing.masks
    counts = [group.size * heads * group.longest**2 for group in packing.groups]
    parts = torch.split(packing.masks.keep(sum(counts), p), counts)
    return [part.view(-1, group.longest, group.longest) for part, group in zip(parts, packing.groups, strict=True)]


def _rows(spread: Tensor, group: Group, parts: int, heads: int, d: int) -> Tensor:
    """(G, T, parts, h, d) a group's tokens, in place."""
    return spread[group.start : group.start + group.size * group.longest].view(group.size, -1, parts, heads, d)


def _apart(spread: Tensor, group: Group, parts: int, heads: int, d: int) -> tuple[Tensor, ...]:
    """Each part of a group's tokens as (G * h, T, d), in the type its products are fastest in."""
    dtype = torch.float32 if group.longest <= SHORT and spread.device.type == "cpu" else spread.dtype
    out = torch.empty(parts, group.size, heads, group.longest, d, dtype=dtype, device=spread.device)
    out.copy_(_rows(spread, group, parts, heads, d).permute(2, 0, 3, 1, 4))
    return out.view(parts, group.size * heads, group.longest, d).unbind(0)


def _scores(q: Tensor, k: Tensor, group: Group, heads: int, scale: float) -> Tensor:
    if group.bias is None:
        return torch.bmm(q, k.transpose(1, 2)).mul_(scale)
    bias = group.bias.to(q.dtype).expand(-1, heads, -1, -1).reshape(-1, 1, group.longest)
    return torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale)


def _attend(packing: Packing, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """The same where nothing is learnt: torch's fused attention, a group at a time."""
    n, h, d = query.shape
    joined = torch.cat([query.reshape(n, h * d), key.reshape(n, h * d), value.reshape(n, h * d)], dim=1)
    spread = joined.new_zeros(packing.slots, 3 * h * d).index_copy_(0, packing.place, joined)
    out = joined.new_empty(packing.slots, h * d)
    for group in packing.groups:
        q, k, v = _rows(spread, group, 3, h, d).permute(2, 0, 3, 1, 4).unbind(0)
        bias = None if group.bias is None else group.bias.to(q.dtype)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
        _rows(out, group, 1, h, d)[:, :, 0].copy_(seen.transpose(1, 2))
    return out.index_select(0, packing.place).view(n, h, d)


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
    """What transformers calls: three (1, h, N, d) -> (1, N, h, d)."""
    packing = _current.get()
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
    if torch.is_grad_enabled():
        p = dropout if module.training and dropped_share(dropout) else 0.0
        with torch.autocast(q.device.type, enabled=False):  # each group's products choose their own type
            return _Attention.apply(q, k, v, packing, p, scale)[None], None  # type: ignore[no-untyped-call]
    return _attend(packing, q, k, v, scale)[None], None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, lambda **given: None)


def fits(model: Any) -> bool:
    """Whether the model's architecture can run unpadded."""
    config = model.config
    absolute = getattr(config, "position_embedding_type", "absolute") in ("absolute", None)
    return config.model_type in ENCODERS and absolute and not getattr(config, "is_decoder", False)


@contextmanager
def unpadded(model: Any, head: Head) -> Iterator[None]:
    """Inside, the model reads one row of real tokens; a classification head sees each feature's first."""
    before = model.config._attn_implementation
    if before == NAME:  # scoring on the way
        yield
        return
    model.set_attn_implementation(NAME)
    layers = getattr(model.base_model, ENCODERS[model.config.model_type])
    hook = layers.register_forward_hook(_first_tokens) if isinstance(head, Classification) else None
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        if hook:
            hook.remove()


def _first_tokens(layers: torch.nn.Module, given: Any, output: Any) -> Any:
    """Of (1, N, H) the first token of each feature, as (B, 1, H)."""
    starts = _current.get().offsets[:-1]
    return type(output)(last_hidden_state=output.last_hidden_state[0].index_select(0, starts)[:, None])
