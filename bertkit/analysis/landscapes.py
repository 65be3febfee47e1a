"""Make the landscape of runs from what was measured of each, and write its numbers and figures.

B bootstrap samples of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.finished_runs import FinishedRun
from bertkit.analysis.flatness import (
    gap_of_runs,
    is_open,
    mean_losses,
    sampled_losses,
    sampled_rises,
    width,
    with_interval,
)
from bertkit.analysis.landscape import (
    RISE,
    WIDTH,
    Contrast,
    Landscape,
    LandscapeRequest,
    Line,
    Rise,
    RolledBack,
    RunLandscape,
    Sizes,
    Surface,
)
from bertkit.analysis.landscape_files import drawn, files_of
from bertkit.analysis.measured_run import Measured, measure, surface_axes
from bertkit.data.locate import TRAIN
from bertkit.evaluation import two_way
from bertkit.evaluation.intervals import TAILS, Measures
from bertkit.evaluation.metrics import METRICS
from bertkit.progress import Progress
from bertkit.result import Score

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Samples:
    """The bootstrap samples, (B,), of a run's measures of flatness, their values, and whether its width is open."""

    run: RunLandscape
    samples: Mapping[str, Numbers]
    values: Mapping[str, float]
    open: bool


def landscape(request: LandscapeRequest, progress: Callable[[str], Progress]) -> Landscape:
    """The landscape of the runs, measured as far as it was not before; it is in its files then.

    progress  makes one, of a title. Raises BertkitError.
    """
    measured = []
    for run in request.runs:
        with closing(progress(f"landscape, {run.folder.name}")) as shown:
            measured.append(measure(run, request.sizes, request.device, shown))
    found = [_of_run(run, one, request.sizes) for run, one in zip(request.runs, measured, strict=True)]
    return drawn(
        request,
        Landscape(
            task=request.runs[0].spec.task.name,
            runs=tuple(one.run for one in found),
            contrasts=tuple(_contrasts(found, _same_rows(request.runs))),
            folder=str(files_of(request).folder),
        ),
    )


def _same_rows(runs: Sequence[FinishedRun]) -> bool:
    """Whether all have the same train rows, of which the same are drawn."""
    return len({(run.result.rows[TRAIN].digest, run.result.rows[TRAIN].used) for run in runs}) == 1


def _of_run(run: FinishedRun, one: Measured, sizes: Sizes) -> _Samples:
    counts, scoring = one.ends.slice.counts, one.ends.scoring
    sampled = sampled_losses(one.line, counts)
    losses = mean_losses(one.line, counts)
    value = float(width(one.alphas, losses[None], sizes.fraction)[0])
    samples, values = {}, {}
    if value > 0:
        samples[WIDTH], values[WIDTH] = width(one.alphas, sampled, sizes.fraction), value
    rise = None
    if sizes.directions:
        each = mean_losses(one.rises, counts)
        samples[RISE], values[RISE] = sampled_rises(one.rises, counts), float(each[1:].mean() - each[0])
        rise = Rise(
            epsilon=sizes.epsilon, draws=sizes.directions, rise=with_interval(values[RISE], samples[RISE]),
            each=tuple((each[1:] - each[0]).tolist()),
        )  # fmt: skip
    line = Line(
        alphas=tuple(one.alphas.tolist()),
        losses=tuple(with_interval(float(loss), drawn) for loss, drawn in zip(losses, sampled.T, strict=True)),
        fraction=sizes.fraction,
        width=with_interval(value, samples[WIDTH]) if WIDTH in samples else None,
        open=bool(is_open(one.alphas, losses[None], sizes.fraction)[0]),
        distance=one.distance,
    )
    described = RunLandscape(
        folder=str(run.folder), label=run.label, scratch=run.spec.scratch, seed=run.spec.seed,
        rows=len(one.ends.slice.picked), of=one.ends.train_rows, line=line, rise=rise, groups=_groups(one),
        evaluation=scoring.evaluation.name if scoring else None,
        metric=scoring.evaluation.metrics[0] if scoring else None, scored=len(one.golds),
        surface=_surface(one), marks=one.ends.marks,
    )  # fmt: skip
    is_wider = is_open(one.alphas, sampled, sizes.fraction).mean() > TAILS[0]
    return _Samples(run=described, samples=samples, values=values, open=bool(is_wider))


def _surface(one: Measured) -> Surface | None:
    if one.surface is None:
        return None
    alphas, betas = surface_axes()
    return Surface(alphas=tuple(alphas), betas=tuple(betas), losses=tuple(tuple(line) for line in one.surface.tolist()))


def _groups(one: Measured) -> tuple[RolledBack, ...]:
    """The trained model itself, and with each group of layers set back."""
    every = np.stack([one.trained, *(losses for _, losses, _ in one.groups)])
    counts = one.ends.slice.counts
    losses, sampled = mean_losses(every, counts), sampled_losses(every, counts)
    tables = _tables(one)
    scores: list[Score | None] = [_score(one, table) for table in tables] if tables else [None] * len(every)
    found = [
        RolledBack(name="trained", layers="", loss=with_interval(float(losses[0]), sampled[:, 0]), score=scores[0])
    ]
    for k, (group, _, _) in enumerate(one.groups, start=1):
        change, p = _change(one, tables[k], tables[0]) if tables else (None, None)
        found.append(
            RolledBack(
                name=group.name,
                layers=group.shown,
                loss=with_interval(float(losses[k]), sampled[:, k]),
                loss_change=with_interval(float(losses[k] - losses[0]), sampled[:, k] - sampled[:, 0]),
                score=scores[k],
                score_change=change,
                p=p,
            )
        )
    return tuple(found)


def _metric(one: Measured) -> Any:
    assert one.ends.scoring
    return METRICS[one.ends.scoring.evaluation.metrics[0]].under(one.ends.model.head.chunk_scheme)


def _tables(one: Measured) -> list[Measures]:
    """What the metric measures of the trained model's answers, and of those with each group set back; [] of no rows.

    All at once, so that their columns are of the same labels.
    """
    if one.ends.scoring is None:
        return []
    answers = [one.own, *(found for _, _, found in one.groups)]
    values = [value for found in answers for value in found]
    table = _metric(one).measure(one.golds * len(answers), values, one.ends.model.head.label_names)
    return np.split(table, len(answers))


def _score(one: Measured, table: Measures) -> Score:
    mean = two_way.mean(_metric(one), [table])
    return Score(value=mean.value, low=mean.low, high=mean.high)


def _change(one: Measured, table: Measures, own: Measures) -> tuple[Score, float]:
    gap = two_way.difference(_metric(one), [table], [own])
    return Score(value=gap.value, low=gap.low, high=gap.high), gap.p


def _contrasts(found: Sequence[_Samples], paired: bool) -> list[Contrast]:
    """Pretrained against scratch runs, by means where there are several of one; else the first of two and the other."""
    kinds = {
        kind: [one for one in found if one.run.scratch == (kind == "scratch")] for kind in ("pretrained", "scratch")
    }
    sides = list(kinds.items())
    if not all(kinds.values()):
        sides = [(one.run.label, [one]) for one in found] if len(found) == 2 else []
    if not sides:
        return []
    return [
        _contrast(measure_name, sides, paired)
        for measure_name in (WIDTH, RISE)
        if all(measure_name in one.samples for _, runs in sides for one in runs)
    ]


def _contrast(measure_name: str, sides: Sequence[tuple[str, Sequence[_Samples]]], paired: bool) -> Contrast:
    values = [[one.values[measure_name] for one in runs] for _, runs in sides]
    gap, over = gap_of_runs(values, [[one.samples[measure_name] for one in runs] for _, runs in sides])
    more = (", not paired" * (not paired)) + (" and directions" * (measure_name == RISE))
    return Contrast(
        measure=measure_name, first=sides[0][0], second=sides[1][0],
        values=(float(np.mean(values[0])), float(np.mean(values[1]))), difference=gap, over=f"{over}{more}",
        open=tuple(name for name, runs in sides if measure_name == WIDTH and any(one.open for one in runs)),
    )  # fmt: skip
