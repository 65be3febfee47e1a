"""Linear probes of every layer of an encoder, beside an untrained one and a control task, cached by content.

R rows, L layers (0 is the embeddings).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.probe_items import Items, ItemVectors, control_labels
from bertkit.analysis.probes import ITERATIONS, probe
from bertkit.data.cache import cached
from bertkit.data.sampler import Indices
from bertkit.progress import Progress

VERSION = 1
"""Of how probes are made; increase it when that changes, so that they are made again."""

Table = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Part:
    """An encoder's vectors of the items that probes are trained on, and scored on, and its digest."""

    digest: str
    train: ItemVectors
    scored: ItemVectors


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a probe gets right: (R, 2) right items of each scored row and all of them; the share of train items too."""

    table: Table
    fitted: float


def probe_layers(
    part: Part, layers: Sequence[int], controls: Sequence[int | None], progress: Progress
) -> list[list[Probed]]:
    """For each of `controls` a probe of each layer: of the task's labels (None), or of a control task's, by its seed.

    Probes are those of `probe`. What was probed before is read from the cache.
    """
    labels = [_labels(part, seed) for seed in controls]
    found = [[_probed(part, layer, one) for one in labels] for layer in _each(layers, progress)]
    return [list(column) for column in zip(*found, strict=True)]


def _each(layers: Sequence[int], progress: Progress) -> Iterator[int]:
    for layer in layers:
        yield layer
        progress.advance()


def _labels(part: Part, seed: int | None) -> tuple[Indices, Indices]:
    train, scored = part.train.items, part.scored.items
    return (train.label, scored.label) if seed is None else control_labels(train, scored, seed)


def _probed(part: Part, layer: int, labels: tuple[Indices, Indices]) -> Probed:
    scored = part.scored.items

    def make(folder: Path) -> None:
        x, y = part.train.at(layer), part.scored.at(layer)
        given = probe(x, labels[0], np.concatenate([y, x]))
        right = scored.right(given[: len(y)], labels[1])
        fitted = float((given[len(y) :] == labels[0]).mean())
        (folder / "probe.json").write_text(json.dumps({"right": right[:, 0].tolist(), "fitted": fitted}), "utf-8")

    return cached("probes", _key(part, layer, labels), make, lambda folder: _read(folder, scored))


def _key(part: Part, layer: int, labels: tuple[Indices, Indices]) -> str:
    train, scored = part.train.items, part.scored.items
    key = hashlib.sha256(repr([VERSION, ITERATIONS, part.digest, layer, train.digest, scored.digest]).encode())
    for one in (*labels, scored.row, scored.rows):
        key.update(len(one).to_bytes(8, "little") + one.astype(np.int64).tobytes())
    return key.hexdigest()


def _read(folder: Path, scored: Items) -> Probed:
    plain = json.loads((folder / "probe.json").read_text("utf-8"))
    return Probed(table=np.stack([np.array(plain["right"], float), scored.rows], axis=1), fitted=plain["fitted"])
