"""Logits of many features, put together from batches; in a temporary file if they are many.

F features; feature i has a run of L_i vectors of C logits: one a token, one a choice, or one for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bertkit.data.cache import temporary_folder
from bertkit.data.sampler import Indices
from bertkit.heads import Head
from bertkit.heads.features import Features, Ragged

IN_MEMORY = 2**25
"""Bytes above which logits are in a file."""


def lengths_of(head: Head, features: Features) -> Indices:
    """(F,) the L_i."""
    if features.choices is not None:
        return np.array(features.choices, np.int64)
    return features.lengths if head.per_token else np.ones(len(features), np.int64)


def runs_of(head: Head, features: Features, logits: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The runs of a batch, (L_i, C) each, from what its forward pass gave: see models/forward.py."""
    if features.choices is not None:
        return [run[:count, None] for run, count in zip(logits, features.choices, strict=True)]
    runs = zip(logits, features.lengths, strict=True)
    return [run[:length] if head.per_token else run[None] for run, length in runs]


def as_batch(head: Head, features: Features, run: NDArray[np.generic]) -> NDArray[np.float32]:
    """The run of one feature as the forward pass of a batch of it gave it."""
    given = np.asarray(run, np.float32)
    if features.choices is not None:
        return given.T
    return given[None] if head.per_token else given


class Logits:
    """The runs of F features, each put in its place."""

    def __init__(self, lengths: Indices) -> None:
        """`lengths` is (F,) the L_i."""
        self._offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        self._values: NDArray[np.float32] | None = None
        self._put = 0

    def put(self, features: Indices, runs: list[NDArray[np.float32]]) -> None:
        """Put the runs of these features, (L_i, C) each."""
        if self._values is None:
            self._values = _array((int(self._offsets[-1]), runs[0].shape[1]))
        for i, run in zip(features, runs, strict=True):
            self._values[self._offsets[i] : self._offsets[i + 1]] = run
        self._put += len(runs)

    def whole(self) -> Ragged:
        """All runs, once each was put."""
        assert self._values is not None and self._put == len(self._offsets) - 1
        return Ragged(self._values, self._offsets)


def _array(shape: tuple[int, int]) -> NDArray[np.float32]:
    """An array to be filled, in memory, or in a file that is removed with it."""
    if 4 * shape[0] * shape[1] <= IN_MEMORY:
        return np.empty(shape, np.float32)
    with temporary_folder("logits") as folder:
        return np.memmap(folder / "values", np.float32, "w+", shape=shape).view(np.ndarray)
