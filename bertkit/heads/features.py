"""Features: token ids and targets of many rows, in flat arrays.

F features, T_i tokens of feature i. One row gives one feature, or several (windows of a long document).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

IGNORED = -100
"""The target of a token without a label, which torch's cross entropy ignores."""

WINDOWS = "windows"
"""The place of a feature that is read in several windows: the tokens of each, which follow one another."""

CHOICES = "choices"
"""The place of a feature that has several choices: how many. As many sequences, or a multiple, are its windows."""


@dataclass(frozen=True)
class Ragged:
    """F runs of uneven length in one array: run i is `values[offsets[i]:offsets[i + 1]]`."""

    values: Array  # (sum of lengths, ...)
    offsets: NDArray[np.int64]  # (F + 1,)

    @classmethod
    def of(cls, runs: Sequence[Sequence[object] | Array], dtype: str, width: int | None = None) -> Ragged:
        """The runs, concatenated; `width` is the size of the second dimension, if there is one."""
        lengths = np.fromiter((len(run) for run in runs), np.int64, len(runs))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        shape = (int(offsets[-1]),) if width is None else (int(offsets[-1]), width)
        values = np.empty(shape, dtype)
        for i, run in enumerate(runs):
            if len(run):
                values[offsets[i] : offsets[i + 1]] = run
        return cls(values, offsets)

    @classmethod
    def concat(cls, parts: Sequence[Ragged]) -> Ragged:
        """The runs of all `parts`, in order."""
        lengths = np.concatenate([part.lengths for part in parts])
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return cls(np.concatenate([part.values for part in parts]), offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(F,) how long each run is."""
        return np.diff(self.offsets)

    def lengths_of(self, runs: NDArray[np.int64]) -> NDArray[np.int64]:
        """How long these runs are."""
        lengths: NDArray[np.int64] = self.offsets[runs + 1] - self.offsets[runs]
        return lengths

    def take(self, runs: NDArray[np.int64]) -> Ragged:
        """These runs, in this order."""
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths_of(runs))])
        values = [self.values[self.offsets[i] : self.offsets[i + 1]] for i in runs]
        return Ragged(np.concatenate(values) if values else self.values[:0], offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> Array:
        return self.values[self.offsets[i] : self.offsets[i + 1]]


@dataclass(frozen=True, kw_only=True)
class Features:
    """F features.

    row      (F,) the index of the row a feature comes from, ascending
    inputs   what the model reads, by its name there: `input_ids` and maybe `token_type_ids`, T_i each; maybe `vectors`,
             (T_i, D), zeros where a place holds a token
    targets  what the loss reads: a class id, a choice's place or a number (one), a class id per token (T_i, -100
             where it is ignored), or the first and last token of the answer (two); None for rows without golds
    places   how tokens belong to the row: see each head
    cut      (F,) whether `max_length` truncated it
    counts   counts for the user, (F,) each, by name: see `count_line`
    """

    row: NDArray[np.int64]
    inputs: dict[str, Ragged]
    targets: Ragged | None
    cut: NDArray[np.bool_]
    places: dict[str, Ragged] = field(default_factory=dict)
    counts: dict[str, NDArray[np.int32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.row)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(F,) tokens of each feature, special ones counted."""
        return self.inputs["input_ids"].lengths

    @property
    def runs(self) -> dict[str, Ragged]:
        """The inputs with a run for each window, where features are read in several; else for each feature."""
        if WINDOWS not in self.places:
            return self.inputs
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.places[WINDOWS].values, dtype=np.int64)])
        return {name: Ragged(run.values, offsets) for name, run in self.inputs.items()}

    @property
    def windows(self) -> list[int] | None:
        """How many windows each feature is read in; None where none is read in several."""
        return self.places[WINDOWS].lengths.tolist() if WINDOWS in self.places else None

    @property
    def choices(self) -> list[int] | None:
        """How many choices each feature has; None where they have none."""
        return self.places[CHOICES].values.tolist() if CHOICES in self.places else None

    def lengths_of(self, features: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of these features."""
        return self.inputs["input_ids"].lengths_of(features)

    def take(self, features: NDArray[np.int64]) -> Features:
        """These features, in this order."""
        return Features(
            row=self.row[features],
            inputs={name: runs.take(features) for name, runs in self.inputs.items()},
            targets=None if self.targets is None else self.targets.take(features),
            cut=self.cut[features],
            places={name: runs.take(features) for name, runs in self.places.items()},
            counts={name: count[features] for name, count in self.counts.items()},
        )

    @classmethod
    def concat(cls, parts: Iterable[Features]) -> Features:
        """The features of all `parts`, in order; their `row` must count on from part to part."""
        parts = list(parts)
        first = parts[0]
        targets = [part.targets for part in parts if part.targets is not None]
        return cls(
            row=np.concatenate([part.row for part in parts]),
            inputs={name: Ragged.concat([part.inputs[name] for part in parts]) for name in first.inputs},
            targets=Ragged.concat(targets) if targets else None,
            cut=np.concatenate([part.cut for part in parts]),
            places={name: Ragged.concat([part.places[name] for part in parts]) for name in first.places},
            counts={name: np.concatenate([part.counts[name] for part in parts]) for name in first.counts},
        )


def token_inputs(encoding: dict[str, list[list[int]]]) -> dict[str, Ragged]:
    """The tokenizer's output that models read, without the attention mask: that follows from the lengths."""
    dtypes = {"input_ids": "int32", "token_type_ids": "int8"}
    return {name: Ragged.of(encoding[name], dtype) for name, dtype in dtypes.items() if name in encoding}
