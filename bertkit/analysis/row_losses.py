"""The training loss of single rows, as a run's own objective has it, without dropout.

R rows, F features, C outputs, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bertkit.data.table import Table
from bertkit.evaluation.inference import predict
from bertkit.evaluation.logits import as_batch
from bertkit.heads.features import Features
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress

Numbers = NDArray[np.float64]

MOST_LOSS = 1e6
"""What a row's loss counts as if it is not finite, as it may be far from any trained weights."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """R train rows, encoded for a model.

    picked    (R,) which rows of the train split they are, ascending
    features  F of them, whose `row` counts within the slice
    counts    (R,) what each row adds to the number that an update divides its loss by
    """

    picked: NDArray[np.int64]
    features: Features
    counts: Numbers

    def sums(self, model: TaskModel) -> Numbers:
        """(R,) what each row adds to the sum of the losses, in fp32 and without dropout."""
        logits = predict(model, self.features, Progress())
        losses = [_loss(model, part, logits[k]) for k, part in enumerate(_each(self.features))]
        found = _by_row(self.features, losses, len(self.picked))
        return np.where(np.isfinite(found), np.minimum(found, MOST_LOSS), MOST_LOSS)


def slice_of(model: TaskModel, table: Table, most: int, seed: int) -> Slice:
    """`most` rows of a train split (all, if it has no more), drawn from `seed`, in its order."""
    drawn = np.random.default_rng(seed).choice(len(table), min(most, len(table)), replace=False)
    picked = np.sort(drawn).astype(np.int64)
    features = model.head.encode(table[picked], model.loaded.tokenizer, model.window)
    counts = [float(model.head.count(part)) for part in _each(features)]
    return Slice(picked=picked, features=features, counts=_by_row(features, counts, len(picked)))


def _by_row(features: Features, numbers: Sequence[float], rows: int) -> Numbers:
    """(R,) the sums of (F,) numbers over each row's features."""
    return np.bincount(features.row, numbers, rows).astype(np.float64)


def _each(features: Features) -> Iterator[Features]:
    return (features.take(np.array([k])) for k in range(len(features)))


def _loss(model: TaskModel, part: Features, logits: NDArray[np.generic]) -> float:
    """The loss of one feature, from its logits: see evaluation/logits.py."""
    assert part.targets is not None
    values = part.targets.values
    targets = torch.from_numpy(values.astype(np.int64 if np.issubdtype(values.dtype, np.integer) else np.float32))
    given = torch.from_numpy(as_batch(model.head, part, logits))
    mask = torch.ones(1, int(part.lengths.max()), dtype=torch.bool)
    return float(model.head.loss(given, targets[None], mask))
