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

VERSION = 2
"""Of how probes are made; increase it when that changes, so that they are made again."""

Table = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Part:
    """An encoder's vectors of the items that probes are trained on, chosen by, and scored on; and its digest."""

    digest: str
    train: ItemVectors
    held: ItemVectors
    scored: ItemVectors

    @property
    def items(self) -> tuple[Items, Items, Items]:
        """Those of train, held-out and scored rows."""
        return self.train.items, self.held.items, self.scored.items


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a probe gets right: (R, 2) right items of each scored row and all of them; and two shares.

    fitted  of the items that it is trained on
    held    of the held-out train rows' items, by which a layer is chosen
    """

    table: Table
    fitted: float
    held: float


def best_of(probed: Sequence[Probed]) -> int:
    """Which probe is best on the held-out train rows; of equal ones the first."""
    return max(range(len(probed)), key=lambda k: probed[k].held)


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


def _labels(part: Part, seed: int | None) -> list[Indices]:
    return [one.label if seed is None else control_labels(part.train.items, one, seed) for one in part.items]


def _probed(part: Part, layer: int, labels: list[Indices]) -> Probed:
    _, held, scored = part.items

    def make(folder: Path) -> None:
        x, y, z = (one.at(layer) for one in (part.train, part.held, part.scored))
        given = np.split(probe(x, labels[0], np.concatenate([x, y, z])), np.cumsum([len(x), len(y)]))
        found = {
            "right": scored.right(given[2], labels[2])[:, 0].tolist(),
            "fitted": float((given[0] == labels[0]).mean()),
            "held": float(held.right(given[1], labels[1])[:, 0].sum() / max(1, held.rows.sum())),
        }
        (folder / "probe.json").write_text(json.dumps(found), "utf-8")

    return cached("probes", _key(part, layer, labels), make, lambda folder: _read(folder, scored))


def _key(part: Part, layer: int, labels: list[Indices]) -> str:
    digests = [one.digest for one in part.items]
    key = hashlib.sha256(repr([VERSION, ITERATIONS, part.digest, layer, *digests]).encode())
    rows = [table for one in part.items for table in (one.row, one.rows)]
    for one in (*labels, *rows):
        key.update(len(one).to_bytes(8, "little") + one.astype(np.int64).tobytes())
    return key.hexdigest()


def _read(folder: Path, scored: Items) -> Probed:
    plain = json.loads((folder / "probe.json").read_text("utf-8"))
    table = np.stack([np.array(plain["right"], float), scored.rows], axis=1)
    return Probed(table=table, fitted=plain["fitted"], held=plain["held"])
