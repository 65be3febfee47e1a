"""The loss surface around finished runs, pretrained beside scratch: its values, and what is told of two kinds of runs.

After Goodfellow et al. 2015 (arXiv 1412.6544: the line), Hao et al. 2019 (arXiv 1908.05620: BERT, roll-back) and Li et
al. 2018 (arXiv 1712.09913: directions scaled filter by filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.analysis.finished_runs import FinishedRun
from bertkit.result import Score
from bertkit.spec import Device

WIDTH, RISE = "width", "rise"
"""The measures of flatness."""
ALL = "all"
"""The group of the whole body."""
VERSION = 1
"""Of how it is measured; increase it when that changes, so that runs are measured again."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured: see LandscapeFlags."""

    rows: int
    steps: int
    fraction: float
    directions: int
    epsilon: float
    surface: bool
    seed: int


@dataclass(frozen=True, kw_only=True)
class LandscapeRequest:
    """The runs, what is measured of them, and the folder that the result is written below."""

    runs: tuple[FinishedRun, ...]
    sizes: Sizes
    device: Device
    out: Path

    @property
    def asked(self) -> dict[str, Any]:
        """What the result depends on, for JSON."""
        return {
            "version": VERSION,
            "folders": [str(run.folder) for run in self.runs],
            "runs": [run.digest for run in self.runs],
            "sizes": vars(self.sizes),
        }


@dataclass(frozen=True, kw_only=True)
class Line:
    """The training loss at initial + alpha * (trained - initial) weights, and how wide it is around the trained ones.

    fraction  of the drop from alpha 0 to 1: the width is that of the interval of alpha around 1 in which the loss is
              at most so much above that at 1
    width     in units of alpha; None where the loss did not fall
    open      whether the loss is still that low at the last alpha: it is wider than measured
    distance  |trained - initial| / |initial|, the norms over all weights
    """

    alphas: tuple[float, ...]
    losses: tuple[Score, ...]
    fraction: float
    width: Score | None
    open: bool
    distance: float

    @property
    def ends(self) -> tuple[Score, Score]:
        """The loss of the initial and of the trained weights."""
        return self.losses[self.alphas.index(0.0)], self.losses[self.alphas.index(1.0)]

    @property
    def lowest(self) -> float:
        """The alpha of the least loss."""
        return min(zip(self.losses, self.alphas, strict=True), key=lambda one: one[0].value)[1]

    @property
    def is_at_its_minimum(self) -> bool:
        """Whether no loss of the line is lower than that at 1 by more than `fraction` of the drop."""
        start, end = self.ends
        least = min(one.value for one in self.losses)
        return end.value - least <= self.fraction * (start.value - end.value)


@dataclass(frozen=True, kw_only=True)
class Rise:
    """By how much random directions of length `epsilon` raise the trained model's loss, on average over `draws`.

    each  the rise of each draw
    """

    epsilon: float
    draws: int
    rise: Score
    each: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """The trained model with the weights of some of its layers set back to the initial ones, its head kept.

    layers       the layers that are set back, as printed; "" for the trained model itself
    loss         of the train rows; `loss_change` against the trained model on the same rows
    score        on the run's scored rows, and `score_change` likewise, with its p; None where none are scored
    """

    name: str
    layers: str
    loss: Score
    loss_change: Score | None = None
    score: Score | None = None
    score_change: Score | None = None
    p: float | None = None


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The loss at initial + alpha * (trained - initial) + beta * d, where d is a random direction: see weights.py.

    losses  a line of alphas for each beta
    """

    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class RunLandscape:
    """What was measured of one run.

    rows        train rows on which the loss was measured, of so many
    metric      of `evaluation`'s `scored` rows; None where the run scored none
    marks       what a reader of the numbers must know
    """

    folder: str
    label: str
    scratch: bool
    seed: int
    rows: int
    of: int
    line: Line
    rise: Rise | None
    groups: tuple[RolledBack, ...]
    evaluation: str | None
    metric: str | None
    scored: int
    surface: Surface | None
    marks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A measure of flatness of one kind of runs against that of another: `difference` is first minus second.

    measure     "width" (more is wider) or "rise" (less is flatter)
    over        what the 95 % interval of the difference is over
    open        those of both that are wider than measured, in more samples of the rows than an interval leaves out
    """

    measure: str
    first: str
    second: str
    values: tuple[float, float]
    difference: Score
    over: str
    open: tuple[str, ...] = ()

    @property
    def flatter(self) -> str | None:
        """The name of the wider, or flatter, of both; None where the interval does not tell, or the other is open."""
        if self.difference.low <= 0 <= self.difference.high:
            return None
        sides = (self.first, self.second)
        flatter, other = sides if (self.difference.value > 0) == (self.measure == WIDTH) else sides[::-1]
        return None if other in self.open else flatter


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What was found of all runs, and the folder of its files."""

    task: str
    runs: tuple[RunLandscape, ...]
    contrasts: tuple[Contrast, ...]
    folder: str

    def sentences(self) -> list[str]:
        """Everything that is told of the runs."""
        return [*self.of_width(), *self.of_rise(), *(told_of_groups(run) for run in self.runs)]

    def of_rise(self) -> list[str]:
        """What is told of random directions: which runs are flatter."""
        return [_told(one, self.runs) for one in self.contrasts if one.measure == RISE]

    def of_width(self) -> list[str]:
        """What is told of the line: which runs have the wider optimum, and where a width says less."""
        undefined = [
            f"{run.label}: the loss on these rows is no lower after training, so no width is defined"
            for run in self.runs
            if run.line.width is None
        ]
        passed = [
            f"{run.label}: training ended before the minimum of its line, which is at alpha {run.line.lowest:g}: "
            "its width is none of an optimum"
            for run in self.runs
            if run.line.width is not None and not run.line.is_at_its_minimum
        ]
        opened = [
            f"{run.label}: the loss is still that low at alpha {run.line.alphas[-1]:g}: its width is at least that"
            for run in self.runs
            if run.line.open
        ]
        return [
            *(_told(one, self.runs) for one in self.contrasts if one.measure == WIDTH),
            *undefined,
            *passed,
            *opened,
        ]


def told_of_groups(run: RunLandscape) -> str:
    """Which group of a run's layers raises its loss most when it is set back, and which least."""
    groups = sorted((one for one in run.groups if one.loss_change and one.name != ALL), key=_rise_of)
    least, most = (f"{one.name} ({_with_interval(one)})" for one in (groups[0], groups[-1]))
    return f"{run.label}: the loss rises most with these weights set back: {most}; least: {least}"


def _with_interval(one: RolledBack) -> str:
    assert one.loss_change
    return f"{one.loss_change.value:+.3f} [{one.loss_change.low:+.3f}, {one.loss_change.high:+.3f}]"


def _rise_of(one: RolledBack) -> float:
    assert one.loss_change
    return one.loss_change.value


def _told(one: Contrast, runs: Sequence[RunLandscape]) -> str:
    line, rise = runs[0].line, runs[0].rise
    first, second = (f"{value:.3g}" for value in one.values)
    interval = f"[{one.difference.low:+.3g}, {one.difference.high:+.3g}]"
    gap = f"difference {one.difference.value:+.3g}, 95 % over {one.over} {interval}"
    if one.measure == WIDTH:
        what = f"width in alpha where the loss is up to {100 * line.fraction:g} % of its drop above its end"
        said = f"by width {one.flatter} is wider" if one.flatter else "which is wider cannot be told"
    else:
        assert rise is not None
        what = f"mean rise of the loss in {rise.draws} random directions of relative size {rise.epsilon:g}"
        said = f"by random directions {one.flatter} is flatter" if one.flatter else "which is flatter cannot be told"
    return f"{said}: {one.first} {first}, {one.second} {second}, {gap} ({what})"
