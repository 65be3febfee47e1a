"""The features of a corpus' rows, as an objective makes them in each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bertkit.data.sampler import Indices
from bertkit.heads.features import Features
from bertkit.objectives import Objective
from bertkit.objectives.rows import Draws, Pieces, TextRows

BATCH = 32
"""Rows that are measured together."""


class CorpusRows(TextRows, Protocol):
    """Rows of a corpus, and what of it is not in them, for the user."""

    @property
    def notes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True)
class CorpusFeatures:
    """Rows of a corpus, corrupted as they are taken: a FeatureSource.

    room  tokens of a row at most, from which the order of batches is cut
    """

    rows: CorpusRows
    objective: Objective
    pieces: Pieces
    room: int
    seed: int

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, features: Indices, epoch: int = 0) -> Features:
        """These rows' features in that epoch, in this order."""
        return self.objective.corrupt(self.rows, np.asarray(features, np.int64), Draws(self.seed, epoch), self.pieces)

    def batches(self, features: Indices, size: int = BATCH) -> Iterator[Features]:
        """These rows as in epoch 0, so many at a time."""
        for start in range(0, len(features), size):
            yield self.take(features[start : start + size])

    def lengths_of(self, features: Indices) -> Indices:
        """Tokens of these rows at most."""
        return np.full(len(features), self.room, np.int64)
