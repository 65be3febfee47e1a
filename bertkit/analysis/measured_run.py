"""What is measured of one run: losses by row at points of weight space, and answers with layers set back.

P points of the line, D random directions, R train rows, B bootstrap samples of the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.finished_runs import FinishedRun
from bertkit.analysis.landscape import ALL, VERSION, Sizes
from bertkit.analysis.measured_points import MeasuredPoints
from bertkit.analysis.run_ends import RunEnds, run_ends
from bertkit.analysis.weights import Weights, minus, moved, norm, random_direction, set_back
from bertkit.models.layers import Layers, layers_of
from bertkit.progress import Progress
from bertkit.spec import Device

PARTS = "landscape"
"""The folder of a run with what was measured of it."""
BEYOND, FAR, FAR_STEP = 0.5, 4.0, 0.25
"""The line goes so far beyond either end in steps of its own, and in coarser ones up to FAR, which Hao et al. show."""
SURFACE = 11
"""Points of either side of a surface."""
GROUPS = ("low", "middle", "high")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Layers that are set back together: 1 to L, and 0 for the embeddings."""

    name: str
    layers: tuple[int, ...]

    @property
    def shown(self) -> str:
        """Which layers these are."""
        first, last = self.layers[0], self.layers[-1]
        return str(first) if first == last else f"{first}-{last}"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of a run; losses are sums over a row's targets.

    line      (P, R) at `alphas`
    rises     (1 + D, R) of the trained weights, and of each random direction
    groups    each group with its losses (R,) and its answers to the scored rows
    own       answers of the trained model; `golds` are right
    surface   (betas, alphas) mean losses
    """

    ends: RunEnds
    alphas: Numbers
    line: Numbers
    rises: Numbers
    groups: tuple[tuple[Group, Numbers, list[Any]], ...]
    own: list[Any]
    golds: list[Any]
    surface: Numbers | None
    distance: float

    @property
    def trained(self) -> Numbers:
        """(R,) the losses of the trained weights."""
        found: Numbers = self.line[int(np.argmin(np.abs(self.alphas - 1.0)))]
        return found


def alphas_of(steps: int) -> Numbers:
    """(P,) the points of the line, ascending: `steps` from 0 to 1, as densely BEYOND either end, then up to FAR."""
    inner = np.arange(-steps // 2, steps + steps // 2 + 1) / steps
    return np.concatenate([inner, np.arange(1 + BEYOND + FAR_STEP, FAR + FAR_STEP / 2, FAR_STEP)])


def groups_of(layers: Layers) -> list[Group]:
    """The embeddings, the low, middle and high third of the layers as far as there are so many, and all of these."""
    thirds = np.array_split(np.arange(1, layers.count + 1), min(len(GROUPS), layers.count))
    names = {1: ("every",), 2: ("low", "high")}.get(len(thirds), GROUPS)
    found = [Group(name=name, layers=tuple(map(int, third))) for name, third in zip(names, thirds, strict=True)]
    every = Group(name=ALL, layers=tuple(range(layers.count + 1)))
    return [Group(name="embeddings", layers=(0,)), *found, every]


def measure(run: FinishedRun, sizes: Sizes, device: Device, progress: Progress) -> Measured:
    """Measure a run, but for what was measured before and is in its folder. Raises BertkitError."""
    ends = run_ends(run, sizes.rows, sizes.seed, device)
    asked = repr([VERSION, run.digest, sizes.rows, sizes.seed])
    points = MeasuredPoints(run.folder / PARTS / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.jsonl")
    layers = layers_of(ends.model.network)  # first, as it may raise
    one = _Measuring(ends=ends, points=points, progress=progress)
    along, alphas = minus(ends.end, ends.start), alphas_of(sizes.steps)
    line = one.line(along, alphas)
    groups, own, golds = one.rolled_back(layers)
    return Measured(
        ends=ends, alphas=alphas, line=line, rises=one.rises(sizes), groups=groups, own=own, golds=golds,
        surface=one.surface(along, sizes.seed) if sizes.surface else None, distance=norm(along) / norm(ends.start),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Measuring:
    ends: RunEnds
    points: MeasuredPoints
    progress: Progress

    def losses(self, point: str, weights: Callable[[], Weights]) -> Numbers:
        """(R,) the losses of these weights; not computed, nor the weights made, if they were measured before."""

        def made() -> list[float]:
            found = self.ends.slice.sums(self.ends.at(weights()))
            return [float(one) for one in found]

        return np.array(self.points.of(point, made, self.progress), float)

    def line(self, along: Weights, alphas: Numbers) -> Numbers:
        self.progress.phase("loss on the line", len(alphas))
        start = self.ends.start
        return np.stack(
            [self.losses(f"line {alpha:.6g}", partial(moved, start, along, alpha)) for alpha in alphas.tolist()]
        )

    def rises(self, sizes: Sizes) -> Numbers:
        self.progress.phase("random directions", sizes.directions + 1)
        found = [self.losses("line 1", lambda: self.ends.end)]
        for draw in range(sizes.directions):
            weights = partial(self._random, sizes.seed, draw, sizes.epsilon)
            found.append(self.losses(f"random {sizes.epsilon:.6g} {draw}", weights))
        return np.stack(found)

    def _random(self, seed: int, draw: int, epsilon: float) -> Weights:
        end = self.ends.end
        return moved(end, random_direction(end, _seed(seed, draw)), epsilon)

    def rolled_back(self, layers: Layers) -> tuple[tuple[tuple[Group, Numbers, list[Any]], ...], list[Any], list[Any]]:
        """Each group with its losses and answers; the trained model's answers; and what is right."""
        ends, groups = self.ends, groups_of(layers)
        self.progress.phase("layers set back", 2 * len(groups) + 1)
        own = self._answers("answers", lambda: ends.end)
        found = []
        for group in groups:
            weights = partial(set_back, ends.end, ends.start, group.layers, layers.layer_of)
            losses = self.losses(f"back {group.layers}", weights)
            found.append((group, losses, self._answers(f"answers {group.layers}", weights)))
        return tuple(found), own, ends.scoring.golds(ends.model) if ends.scoring else []

    def _answers(self, point: str, weights: Callable[[], Weights]) -> list[Any]:
        scoring = self.ends.scoring
        if scoring is None:
            self.progress.advance()
            return []
        return list(self.points.of(point, lambda: scoring.answers(self.ends.at(weights())), self.progress))

    def surface(self, along: Weights, seed: int) -> Numbers:
        """(SURFACE betas, SURFACE alphas) mean losses on the plane of `along` and a random direction."""
        alphas, betas = surface_axes()
        self.progress.phase("loss on the plane", len(alphas) * len(betas))
        across = random_direction(self.ends.end, _seed(seed, -1))
        counts = self.ends.slice.counts

        def loss(alpha: float, beta: float) -> float:
            weights = partial(_on_plane, self.ends.start, (along, alpha), (across, beta))
            return float(self.losses(f"plane {alpha:.6g} {beta:.6g}", weights).sum() / counts.sum())

        return np.array([[loss(alpha, beta) for alpha in alphas] for beta in betas])


def surface_axes() -> tuple[list[float], list[float]]:
    """The alphas and the betas of a surface."""
    return np.linspace(-0.5, 1.5, SURFACE).tolist(), np.linspace(-1.0, 1.0, SURFACE).tolist()


def _on_plane(start: Weights, first: tuple[Weights, float], second: tuple[Weights, float]) -> Weights:
    return moved(moved(start, *first), *second)


def _seed(seed: int, draw: int) -> int:
    """Of a random direction: another for each draw, and none that a run's own seed gives."""
    return 2**33 + 1_000 * seed + draw + 1
