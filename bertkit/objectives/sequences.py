"""Sequences of tokens as an encoder reads them: segments between a start and end tokens, and parts of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.features import Ragged
from bertkit.objectives.rows import Indices, Pieces


def framed(segments: Sequence[Ragged], pieces: Pieces) -> tuple[Ragged, Ragged]:
    """Row by row: a start token, then each segment and an end token; and for each token the number of its segment.

    Vocabularies without a start or an end token have none in their rows. Token ids are int32, segments int8.
    """
    starts = [] if pieces.start is None else [pieces.start]
    ends = [] if pieces.end is None else [pieces.end]
    count = len(segments[0])
    runs: list[tuple[int, Ragged]] = [(0, _repeated(starts, count))]
    for i, segment in enumerate(segments):
        runs += [(i, segment), (i, _repeated(ends, count))]
    offsets = offsets_of(np.sum([run.lengths for _, run in runs], axis=0))
    tokens, numbers = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.int8)
    begin = offsets[:-1].copy()
    for i, run in runs:
        places = positions(begin, run.lengths)
        tokens[places], numbers[places] = run.values, i
        begin += run.lengths
    return Ragged(tokens, offsets), Ragged(numbers, offsets)


def specials_of(segments: int, pieces: Pieces) -> int:
    """How many tokens `framed` adds to a row of so many segments."""
    return (pieces.start is not None) + segments * (pieces.end is not None)


def offsets_of(lengths: Indices) -> Indices:
    """(B + 1,) where each of B runs of these lengths begins, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def positions(begin: Indices, lengths: Indices) -> Indices:
    """b, b + 1, ... b + n - 1 for each b of `begin` and n of `lengths`, one after another.

    >>> positions(np.array([10, 50]), np.array([3, 2])).tolist()
    [10, 11, 12, 50, 51]
    """
    before = np.cumsum(lengths) - lengths
    places: Indices = np.arange(lengths.sum()) + np.repeat(begin - before, lengths)
    return places


def parts(runs: Ragged, begin: Indices, end: Indices) -> Ragged:
    """Of each run, its values from `begin` to before `end`, which count from its first."""
    lengths = end - begin
    offsets = offsets_of(lengths)
    return Ragged(runs.values[positions(runs.offsets[:-1] + begin, lengths)], offsets)


def _repeated(values: Sequence[int], count: int) -> Ragged:
    """A run of these values, so many times."""
    flat: NDArray[np.int32] = np.tile(np.array(values, np.int32), count)
    return Ragged(flat, np.arange(count + 1) * len(values))
