"""Features packed in one row, and the tiles in which their attention is computed.

N tokens of B features, in a row that has room for a few more; h attention heads of d dimensions. Attention goes
by groups of features of like length: a group has G pairs of feature and head, each a tile of T tokens, some of
them padding; S slots are the tokens of all tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertkit.dropout import Masks

SHORT = 64
"""Tokens up to which products are faster in fp32 than in bf16: they are too small for bf16's kernels."""

GROUP, LONG_GROUP = 8, 4
"""Features of a group, and where there are long ones: larger groups pad more, smaller ones are more calls."""


def rounded(count: int) -> int:
    """`count`, or up to a sixteenth more: one of sixteen sizes between a power of two and the next.

    oneDNN compiles a kernel for every shape of a product, which takes longer than the product; sizes that
    come again find theirs compiled.
    """
    step = 1 << max(0, count.bit_length() - 5)
    return -(-count // step) * step


@dataclass(frozen=True)
class Group:
    """G tiles of T tokens, from slot `start` on."""

    start: int
    tiles: int
    longest: int
    bias: Tensor | None  # (G, 1, T), -inf for padding; None where there is none

    @property
    def slots(self) -> slice:
        """The group's slots."""
        return slice(self.start, self.start + self.tiles * self.longest)

    def of(self, slots: Tensor) -> Tensor:
        """(G, T, d) the group's part of (S, d)."""
        return slots[self.slots].view(self.tiles, self.longest, -1)


@dataclass(frozen=True)
class Tiles:
    """Where each head's tokens stand among the slots, and back.

    source  (S,) for each slot its row in (room * h, d); for padding the first
    place   (N * h,) for each row its slot
    """

    groups: tuple[Group, ...]
    source: Tensor
    place: Tensor
    dtype: torch.dtype


class Packing:
    """Which tokens of the one row belong together: `lengths` (B,), in the row's order."""

    def __init__(self, lengths: NDArray[np.int64], device: torch.device | str = "cpu") -> None:
        self.lengths = lengths
        self.device = torch.device(device)
        self.tokens = int(lengths.sum())
        self.room = rounded(self.tokens)
        self.starts = torch.from_numpy(np.cumsum(lengths) - lengths).to(device)
        self.masks: Masks | None = None
        self._tiles: dict[tuple[int, torch.dtype], Tiles] = {}

    def to(self, device: torch.device) -> Packing:
        """The same on another device."""
        return self if device == self.device else Packing(self.lengths, device)

    def tiles(self, heads: int, dtype: torch.dtype) -> Tiles:
        """The tiles for so many heads, whose products are in `dtype`, or in one that is faster."""
        if (heads, dtype) not in self._tiles:
            self._tiles[heads, dtype] = self._laid(heads, dtype)
        return self._tiles[heads, dtype]

    def _laid(self, heads: int, dtype: torch.dtype) -> Tiles:
        short = int(self.lengths.max()) <= SHORT
        if short and self.device.type == "cpu":
            dtype = torch.float32
        size = GROUP if short else LONG_GROUP
        starts, ranked = self.starts.cpu().numpy(), np.argsort(self.lengths, kind="stable")
        place = np.empty(self.tokens * heads, np.int64)
        sources, groups, start = [], [], 0
        for first in range(0, len(ranked), size):
            rows = ranked[first : first + size]
            longest = int(self.lengths[rows].max())
            if dtype != torch.float32:
                longest = -(-longest // 16) * 16  # few shapes: see rounded
            counted = np.arange(longest)
            real = counted < self.lengths[rows][:, None]  # (features, T)
            token = np.where(real, starts[rows][:, None] + counted, 0)
            source = token[:, None, :] * heads + np.arange(heads)[:, None]  # (features, h, T)
            slot = start + np.arange(source.size).reshape(source.shape)
            seen = np.broadcast_to(real[:, None, :], source.shape)
            place[source[seen]] = slot[seen]
            sources.append(source.ravel())
            tiles = len(rows) * heads
            groups.append(Group(start, tiles, longest, self._bias(real, heads, dtype)))
            start += source.size
        joined = torch.from_numpy(np.concatenate(sources)).to(self.device)
        return Tiles(tuple(groups), joined, torch.from_numpy(place).to(self.device), dtype)

    def _bias(self, real: NDArray[np.bool_], heads: int, dtype: torch.dtype) -> Tensor | None:
        if real.all():
            return None
        padding = torch.from_numpy(np.repeat(~real, heads, axis=0))[:, None, :]
        return torch.zeros(padding.shape, dtype=dtype).masked_fill_(padding, -torch.inf).to(self.device)
