"""A batch as a model reads it: padded, or unpadded in one row.

B features, T tokens of the longest, N tokens in total. A feature that is read in several windows is as many here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.kernels.packing import Packing


@dataclass(frozen=True, kw_only=True)
class Batch:
    """B features: padded on the right to T tokens, or, with a `packing`, the N real tokens in one row.

    windows  how many of the B are each row's windows, whose logits are averaged; None where each has its own answer
    choices  how many choices each row has, whose windows follow one another; None where rows have none
    """

    inputs: dict[str, Tensor]  # each (B, T), or (1, N); vectors have a further dimension
    mask: Tensor  # (B, T), True for real tokens
    targets: Tensor | None
    packing: Packing | None = None
    windows: list[int] | None = None
    choices: list[int] | None = None

    def to(self, device: torch.device) -> Batch:
        """A copy on another device."""
        return replace(
            self,
            inputs={name: tensor.to(device, non_blocking=True) for name, tensor in self.inputs.items()},
            mask=self.mask.to(device, non_blocking=True),
            targets=None if self.targets is None else self.targets.to(device, non_blocking=True),
            packing=None if self.packing is None else self.packing.to(device),
        )


def collate(features: Features, pad: int) -> Batch:
    """A padded batch; `pad` is the id of the padding token."""
    runs = features.runs
    fill = {"input_ids": pad}
    inputs = {name: _padded(run, fill.get(name, 0)) for name, run in runs.items()}
    mask = _mask(runs["input_ids"].lengths)
    return Batch(
        inputs=inputs, mask=mask, targets=_targets(features), windows=features.windows, choices=features.choices
    )


def pack(features: Features, first_position: int) -> Batch:
    """An unpadded batch: features concatenated, position ids of each counted from `first_position`."""
    runs = features.runs
    lengths, starts = runs["input_ids"].lengths, runs["input_ids"].offsets[:-1]
    packing = Packing(lengths)
    positions = np.arange(packing.tokens) - np.repeat(starts, lengths) + first_position
    values = {name: run.values for name, run in runs.items()}
    inputs = {name: _in_a_row(run, packing.room) for name, run in {**values, "position_ids": positions}.items()}
    mask, targets = _mask(lengths), _targets(features)
    return Batch(
        inputs=inputs, mask=mask, targets=targets, packing=packing, windows=features.windows, choices=features.choices
    )


def _in_a_row(values: NDArray[np.generic], room: int) -> Tensor:
    """The values in one row, zeros in the room behind them; integers as int64."""
    row: NDArray[np.generic] = np.zeros((1, room, *values.shape[1:]), _type_of(values))
    row[0, : len(values)] = values
    return torch.from_numpy(row)


def _type_of(values: NDArray[np.generic]) -> type[np.generic]:
    return np.int64 if np.issubdtype(values.dtype, np.integer) else np.float32


def _mask(lengths: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.arange(int(lengths.max()))[None, :] < lengths[:, None])


def _targets(features: Features) -> Tensor | None:
    return None if features.targets is None else _padded(features.targets, IGNORED)


def _padded(runs: Ragged, fill: int) -> Tensor:
    """(B, T), or (B, T, D): the runs, padded on the right with `fill`; integers as int64."""
    lengths = runs.lengths
    shape = (len(runs), int(lengths.max()), *runs.values.shape[1:])
    table: NDArray[np.generic] = np.full(shape, fill, _type_of(runs.values))
    table[np.arange(table.shape[1])[None, :] < lengths[:, None]] = runs.values
    return torch.from_numpy(table)
