"""Packing: several features in one row, and the tiles of their attention.

N tokens of B features, in a row with room for a few more; h attention heads of d dimensions. Attention is computed
by groups of features of similar length: a group has G pairs of feature and head, each a tile of T tokens, some of
them padding; S slots are the tokens of all tiles, and P the pairs of tokens within one tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertkit.kernels.dropout import Masks

GROUP, FEWEST = 256, 2
"""Tokens of a group, padding among them, and the fewest features: larger groups pad more, smaller are more calls."""


def rounded(count: int) -> int:
    """`count`, or up to a sixteenth more: one of sixteen sizes between a power of two and the next.

    oneDNN compiles a kernel for every shape, which takes longer than the product itself; repeated sizes reuse it.
    """
    step = 1 << max(0, count.bit_length() - 5)
    return -(-count // step) * step


@dataclass(frozen=True)
class Group:
    """G tiles of T tokens, from slot `start` on; and from `pair` on, of all pairs of tokens in a tile."""

    start: int
    pair: int
    tiles: int
    longest: int
    bias: Tensor | None  # (G, 1, T), -inf for padding; None where there is none

    @property
    def slots(self) -> slice:
        """The group's slots."""
        return slice(self.start, self.start + self.tiles * self.longest)

    @property
    def pairs(self) -> slice:
        """The group's pairs of tokens."""
        return slice(self.pair, self.pair + self.tiles * self.longest**2)

    def of(self, slots: Tensor) -> Tensor:
        """(G, T, d) the group's part of (S, d)."""
        return slots[self.slots].view(self.tiles, self.longest, -1)

    def among(self, pairs: Tensor) -> Tensor:
        """(G, T, T) the group's part of (P,)."""
        return pairs[self.pairs].view(self.tiles, self.longest, self.longest)


@dataclass(frozen=True)
class Tiles:
    """The slots of each head's tokens, and back.

    source  (S,) for each slot its row in (room * h, d); for padding the first
    place   (N * h,) for each row its slot
    """

    groups: tuple[Group, ...]
    source: Tensor
    place: Tensor

    @property
    def pairs(self) -> int:
        """P, the pairs of tokens in all tiles."""
        last = self.groups[-1]
        return last.pair + last.tiles * last.longest**2


class Packing:
    """Which tokens of the row belong to which feature: `lengths` (B,), in the row's order."""

    def __init__(self, lengths: NDArray[np.int64], device: torch.device | str = "cpu") -> None:
        self.lengths = lengths
        self.device = torch.device(device)
        self.tokens = int(lengths.sum())
        self.room = rounded(self.tokens)
        self.starts = torch.from_numpy(np.cumsum(lengths) - lengths).to(device)
        self.masks: Masks | None = None
        self._tiles: dict[tuple[int, torch.dtype], Tiles] = {}

    def to(self, device: torch.device) -> Packing:
        """A copy on another device."""
        return self if device == self.device else Packing(self.lengths, device)

    def tiles(self, heads: int, dtype: torch.dtype) -> Tiles:
        """The tiles for that number of heads, with products in `dtype`."""
        if (heads, dtype) not in self._tiles:
            self._tiles[heads, dtype] = self._laid(heads, dtype)
        return self._tiles[heads, dtype]

    def _laid(self, heads: int, dtype: torch.dtype) -> Tiles:
        starts, ranked = self.starts.cpu().numpy(), np.argsort(self.lengths, kind="stable")
        place = np.empty(self.tokens * heads, np.int64)
        sources, groups, start, pair = [], [], 0, 0
        while len(ranked):
            rows, ranked = np.split(ranked, [self._fitting(ranked)])
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
            groups.append(Group(start, pair, tiles, longest, self._bias(real, heads, dtype)))
            start, pair = groups[-1].slots.stop, groups[-1].pairs.stop
        joined = torch.from_numpy(np.concatenate(sources)).to(self.device)
        return Tiles(tuple(groups), joined, torch.from_numpy(place).to(self.device))

    def _fitting(self, ranked: NDArray[np.int64]) -> int:
        """How many of the features, shortest first, form a group."""
        padded = self.lengths[ranked] * np.arange(1, len(ranked) + 1)
        return max(FEWEST, int(np.count_nonzero(padded <= GROUP)))

    def _bias(self, real: NDArray[np.bool_], heads: int, dtype: torch.dtype) -> Tensor | None:
        if real.all():
            return None
        padding = torch.from_numpy(np.repeat(~real, heads, axis=0))[:, None, :]
        return torch.zeros(padding.shape, dtype=dtype).masked_fill_(padding, -torch.inf).to(self.device)
