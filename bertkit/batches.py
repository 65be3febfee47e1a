"""Which features meet in a batch, and in what order. F features, B of a batch, T tokens of its longest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertkit.features import Features, Ragged
from bertkit.heads.tagging import UNASKED

Indices = NDArray[np.int64]
BUCKET = 50
"""Batches among which features of like length are put together."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """B features padded on the right to T tokens. `row_of` (B,) says which features they are."""

    inputs: dict[str, Tensor]  # each (B, T)
    mask: Tensor  # (B, T), True for real tokens
    targets: Tensor | None
    row_of: Indices

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(
            inputs={name: tensor.to(device, non_blocking=True) for name, tensor in self.inputs.items()},
            mask=self.mask.to(device, non_blocking=True),
            targets=None if self.targets is None else self.targets.to(device, non_blocking=True),
            row_of=self.row_of,
        )


def order(lengths: Indices, size: int, seed: int, epoch: int) -> list[Indices]:
    """One epoch's batches of `size` features, from (seed, epoch) alone; each feature once.

    The features are shuffled, sorted by length within every BUCKET batches, cut into batches, and the
    batches shuffled: batches stay random, and hold little padding. The last one may be smaller.
    """
    draws = np.random.default_rng([seed, epoch])
    shuffled = draws.permutation(len(lengths))
    batches: list[Indices] = []
    for start in range(0, len(shuffled), size * BUCKET):
        bucket = shuffled[start : start + size * BUCKET]
        bucket = bucket[np.argsort(-lengths[bucket], kind="stable")]
        batches += [bucket[k : k + size] for k in range(0, len(bucket), size)]
    return [batches[k] for k in draws.permutation(len(batches))]


def by_length(lengths: Indices, budget: int) -> Iterator[Indices]:
    """Features sorted by length, the longest first, in batches of at most `budget` padded tokens."""
    ranked = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(ranked):
        size = max(1, budget // max(int(lengths[ranked[start]]), 1))
        yield ranked[start : start + size]
        start += size


def share(batch: Indices, rank: int, processes: int) -> Indices:
    """The part of a global batch that is process `rank`'s."""
    return batch[rank::processes]


def count(features: Features, batch: Indices) -> int:
    """How many targets a batch has: rows, or words for tagging; what its loss is divided by."""
    assert features.targets is not None
    if "first" not in features.places:
        return len(batch)
    return sum(int((features.targets[i] != UNASKED).sum()) for i in batch)


def collate(features: Features, batch: Indices, pad: int) -> Batch:
    """The features of `batch` side by side; `pad` is the id of the padding token."""
    lengths = features.lengths[batch]
    width = int(lengths.max())
    fill = {"input_ids": pad}
    inputs = {
        name: torch.from_numpy(_padded(run, batch, width, fill.get(name, 0)).astype(np.int64))
        for name, run in features.inputs.items()
    }
    targets = None
    if features.targets is not None:
        longest = int(features.targets.lengths[batch].max())
        targets = torch.from_numpy(_padded(features.targets, batch, longest, UNASKED))
    mask = torch.from_numpy(np.arange(width)[None, :] < lengths[:, None])
    return Batch(inputs=inputs, mask=mask, targets=targets, row_of=batch)


def _padded(runs: Ragged, batch: Indices, width: int, fill: int) -> NDArray[np.generic]:
    table = np.full((len(batch), width), fill, runs.values.dtype)
    for line, i in zip(table, batch, strict=True):
        run = runs[i]
        line[: len(run)] = run
    return table
