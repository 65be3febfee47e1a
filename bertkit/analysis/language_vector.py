"""The vector from one language to another, added to an encoder's hidden states: what the texts become.

The mean difference shift of Liu et al. 2020 (arXiv 2010.10041): a language's mean is that of the hidden states over the
tokens of its texts, at each layer, and the vector is the difference of two. Here one half of the pairs gives the means,
and chooses layer and strength; the other half is measured.

n pairs of a half, N texts, L layers (0 is the embeddings), S strengths, H hidden size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.analysis.shifted import Shift, last_vectors
from bertkit.analysis.vectors import EncodedSpans, Vectors
from bertkit.data.cache import cached
from bertkit.evaluation.intervals import wilson
from bertkit.evaluation.retrieval import nearest
from bertkit.progress import Progress
from bertkit.result import Score

VERSION = 1
"""Of how shifted vectors are made; increase it when that changes, so that they are made again."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of one language, in tokens and as vectors, (N, L+1, H)."""

    encoded: EncodedSpans
    vectors: Vectors

    def mean(self, rows: NDArray[np.int64] | slice = slice(None)) -> Vectors:
        """(L+1, H) the mean over the tokens of these texts of their hidden states, at each layer."""
        tokens = np.array([len(pieces) for pieces in self.encoded.pieces], np.float64)[rows]
        found: Vectors = np.average(self.vectors[rows], axis=0, weights=tokens).astype(np.float32)
        return found

    def only(self, rows: NDArray[np.int64]) -> Texts:
        """These texts."""
        one = self.encoded
        encoded = EncodedSpans(
            ids=[one.ids[k] for k in rows], pieces=[one.pieces[k] for k in rows], cut=one.cut[rows],
            partial=one.partial[rows], unknown=one.unknown[rows],
        )  # fmt: skip
        return Texts(encoded=encoded, vectors=self.vectors[rows])


@dataclass(frozen=True, kw_only=True)
class Half:
    """n pairs: row k of one language translates row k of the other."""

    source: Texts
    target: Texts

    def __len__(self) -> int:
        return len(self.source.encoded.ids)


@dataclass(frozen=True, kw_only=True)
class Turned:
    """What is nearest to n texts with the vector added, among the 2n texts of both languages but the text itself.

    target       (n,) whether it is of the target language
    translation  (n,) whether it is the text's translation
    retrieved    (n,) whether the translation is the nearest of the target language's alone
    """

    target: NDArray[np.bool_]
    translation: NDArray[np.bool_]
    retrieved: NDArray[np.bool_]

    @property
    def scores(self) -> tuple[Score, Score, Score]:
        """The shares of target, translation and retrieved, with Wilson's intervals."""
        return _share(self.target), _share(self.translation), _share(self.retrieved)


def _share(flags: NDArray[np.bool_]) -> Score:
    value = float(flags.mean())
    interval = wilson(flags[:, None].astype(np.float64), lambda table: float(table.mean()))
    return Score(value=value, low=interval.low, high=interval.high, interval=interval.name)


def turned(half: Half, queries: Vectors, layer: int) -> Turned:
    """What is nearest to (n, H) queries among the half's texts at a layer."""
    own, other = (np.asarray(texts.vectors[:, layer]) for texts in (half.source, half.target))
    every = np.concatenate([own, other])
    rows = np.arange(len(half))
    found = nearest(queries, every, itself=rows)
    alone = nearest(queries, other)
    return Turned(target=found >= len(half), translation=found == len(half) + rows, retrieved=alone == rows)


def at_layer(half: Half, vector: NDArray[np.float32], layer: int) -> Turned:
    """What is nearest at the layer itself once the vector is added there: to a text's mean as to each of its tokens."""
    return turned(half, half.source.vectors[:, layer] + vector, layer)


def behind(body: Body, half: Half, vector: NDArray[np.float32], layer: int, progress: Progress) -> Turned:
    """What is nearest at the last layer, once the vector is added at a layer and those above it are run.

    Cached by the model, the texts and the vector. `progress` advances by a text.
    """
    if layer == body.layers or not vector.any():
        progress.advance(len(half))
        return turned(half, half.source.vectors[:, -1] + (vector if layer == body.layers else 0), body.layers)
    key = hashlib.sha256(f"{VERSION} {body.digest} {layer}".encode() + vector.tobytes())
    for ids, pieces in zip(half.source.encoded.ids, half.source.encoded.pieces, strict=True):
        for one in (ids, pieces.astype(np.int32)):
            key.update(len(one).to_bytes(4, "little") + one.tobytes())
    made = False

    def make(folder: Path) -> None:
        nonlocal made
        made = True
        shift = Shift(layer=layer, vector=vector)
        np.save(folder / "vectors.npy", last_vectors(body.loaded, half.source.encoded, shift, progress))

    found = cached("shifted", key.hexdigest(), make, lambda folder: np.load(folder / "vectors.npy"))
    if not made:
        progress.advance(len(half))
    return turned(half, found, body.layers)


Place = Literal["behind", "here"]
"""Where the nearest are looked for: at the last layer, behind those that have run; or at the vector's own layer."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a vector of one strength does at one layer: found at that layer, and behind all layers above it."""

    layer: int
    strength: float
    here: Turned
    behind: Turned

    def of(self, place: Place) -> Turned:
        """What is found there."""
        return self.behind if place == "behind" else self.here


def grid(
    body: Body, half: Half, vectors: Vectors, over: tuple[Sequence[int], Sequence[float]], progress: Progress
) -> list[Cell]:
    """A cell for each of `over`'s layers and strengths; `vectors`, (L+1, H), are those that are added."""
    return [
        Cell(
            layer=layer, strength=strength, here=at_layer(half, strength * vectors[layer], layer),
            behind=behind(body, half, np.float32(strength) * vectors[layer], layer, progress),
        )
        for layer in over[0]
        for strength in over[1]
    ]  # fmt: skip


def best_cell(cells: Sequence[Cell], last: int, place: Place = "behind", paired: bool = True) -> Cell:
    """The cell whose texts become their translations most often at a place, the vector added below the last layer.

    Of texts that are not `paired` it is the one with the most texts of the target language. Of equal ones it is that of
    the smaller strength, then of the lower layer. If only the last layer is there, one of its.
    """
    added = [cell for cell in cells if cell.strength and cell.layer < last] or [one for one in cells if one.strength]

    def worse(one: Cell) -> tuple[float, float, int]:
        right = one.of(place).translation if paired else one.of(place).target
        return -float(right.mean()), abs(one.strength), one.layer

    return min(added, key=worse)


def random_like(vectors: Vectors, seed: int) -> Vectors:
    """(L+1, H) vectors of random directions, each as long as its layer's."""
    drawn = np.random.default_rng(seed).normal(size=vectors.shape)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True) / np.linalg.norm(drawn, axis=1, keepdims=True)
    found: Vectors = (drawn * lengths).astype(np.float32)
    return found
