"""What an objective reads: rows of tokens, what it must know of the vocabulary, and random numbers by row.

B rows, T_i tokens of row i, V tokens of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.features import Ragged

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What objectives know of a vocabulary of V tokens.

    special    (V,) whether a token is special: never masked, never drawn as a random one
    continues  (V,) whether a token continues the word of the token before it
    mask       the id of the mask token; start, end, pad likewise; None where the vocabulary has none
    sentinels  the ids of T5's <extra_id_0>, <extra_id_1>, ...; () for other vocabularies
    """

    special: NDArray[np.bool_]
    continues: NDArray[np.bool_]
    mask: int | None = None
    start: int | None = None
    end: int | None = None
    pad: int | None = None
    sentinels: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """V."""
        return len(self.special)

    @property
    def plain(self) -> Indices:
        """The ids of all tokens that are not special, ascending."""
        return np.flatnonzero(~self.special)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """B rows of a corpus, as tokens without the special ones that an objective adds.

    row        (B,) their indices
    document   (B,) the document that a row begins in
    tokens     T_i token ids each; a window over several documents holds the end token between two of them
    sentences  where each of its sentences begins, ascending from 0, as an offset into the row
    """

    row: Indices
    document: Indices
    tokens: Ragged
    sentences: Ragged


class TextRows(Protocol):
    """The R rows of a corpus, which are read by their indices.

    documents  (R,) the document that each row begins in, ascending
    """

    @property
    def documents(self) -> Indices: ...
    def __len__(self) -> int: ...
    def texts(self, rows: Indices) -> Texts: ...


class Stream(IntEnum):
    """What random numbers of a row are for in masking and pairing: one of these has no bearing on another."""

    ORDER = 0
    LENGTHS = 1
    STARTS = 2
    KINDS = 3
    TOKENS = 4
    SPLITS = 5
    CLASSES = 6
    ENDS = 7
    OTHERS = 8
    SENTENCES = 9


GOLDEN = 0x9E3779B97F4A7C15
"""The odd number nearest to 2**64 over the golden ratio: SplitMix64's step from a number to the next."""


@dataclass(frozen=True)
class Draws:
    """The random numbers of a corpus' rows in one epoch: those of a row depend on (seed, epoch, row) alone."""

    seed: int
    epoch: int

    def uniform(self, stream: int, rows: Indices, numbers: Indices | int = 0) -> NDArray[np.float64]:
        """Uniform numbers in [0, 1) of these rows, broadcast: the n-th of a stream for each n in `numbers`.

        Those of a row and a stream are the outputs of SplitMix64 (Steele, Lea and Flood 2014), whose n-th output is
        had without those before it; a hash of (seed, epoch, stream, row) is its start. One takes about 5 ns.
        """
        key = np.zeros(1, np.uint64)
        for part in (self.seed, self.epoch, stream, rows):
            key = _mixed(key + np.asarray(part).astype(np.uint64) + np.uint64(GOLDEN))
        steps = (np.atleast_1d(numbers).astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
        return (_mixed(key + steps) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's output function, which spreads the bits of each number (Stafford's variant 13)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
