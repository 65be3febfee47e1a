"""Loss and score over the updates, from runs' logs: of one run a line, of several their mean within a band.

S runs, B bins, P scorings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.reports.charts import Chart, Floats, Series, chart
from bertkit.runs.folder import LOG, damage_named

BINS = 100
"""Points of a loss curve at most; updates between two are averaged."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What one run's log holds: the loss of updates, and by evaluation and metric the scores in training."""

    steps: Floats
    losses: Floats
    scores: dict[tuple[str, str], list[tuple[int, float]]]


def curve_of(folder: Path) -> Curve | None:
    """A run's curve; None where the log is not there. Raises RequestError if it is damaged."""
    path = folder / LOG
    if not path.is_file():
        return None
    steps, losses, scores = [], [], dict[tuple[str, str], list[tuple[int, float]]]()
    with damage_named(path):
        for line in _lines(path):
            if "loss" in line:
                steps.append(int(line["step"]))
                losses.append(np.nan if line["loss"] is None else float(line["loss"]))
            for evaluation, metrics in line.get("score", {}).items():
                for metric, value in metrics.items():
                    scores.setdefault((evaluation, metric), []).append((int(line["step"]), float(value)))
    return Curve(steps=np.array(steps, float), losses=np.array(losses, float), scores=scores)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


@dataclass(frozen=True, kw_only=True)
class Curves:
    """The curves of one arm, by its name."""

    name: str
    runs: tuple[Curve, ...]


def loss_chart(arms: Sequence[Curves]) -> Chart | None:
    """The training loss of each arm; None where no log is there."""
    there = [arm for arm in arms if any(len(run.losses) for run in arm.runs)]
    if not there:
        return None
    last = max(run.steps.max() for arm in there for run in arm.runs if len(run.steps))
    edges = np.unique(np.linspace(0, last, min(BINS, int(last)) + 1).round())
    series = [_banded(arm.name, *_binned(arm.runs, edges), colour) for colour, arm in enumerate(there)]
    ends = "; ".join(f"{one.name}: from {one.y[0]:.3g} to {one.y[-1]:.3g}" for one in series if len(one.y))
    return chart("Training loss", series, "updates", f"Training loss over {last:,.0f} updates. {ends}.")


def _binned(runs: Sequence[Curve], edges: Floats) -> tuple[Floats, Floats]:
    """The middle of each bin (B,), and the mean loss of each run in it (S, B), NaN where it has none."""
    middles = (edges[:-1] + edges[1:] + 1) / 2
    means = np.full((len(runs), len(middles)), np.nan)
    for i, run in enumerate(runs):
        finite = np.isfinite(run.losses)
        bins = np.searchsorted(edges, run.steps[finite], side="left") - 1
        counts = np.bincount(bins, minlength=len(middles))
        sums = np.bincount(bins, weights=run.losses[finite], minlength=len(middles))
        np.divide(sums, counts, out=means[i], where=counts > 0)
    return middles, means


def _banded(name: str, x: Floats, runs: Floats, colour: int) -> Series:
    """The mean over the runs that are there, within the least and the greatest, where any is."""
    there = np.isfinite(runs).any(axis=0)
    x, runs = x[there], runs[:, there]
    several = len(runs) > 1
    return Series(
        name=name,
        x=x,
        y=np.nanmean(runs, axis=0),
        low=np.nanmin(runs, axis=0) if several else None,
        high=np.nanmax(runs, axis=0) if several else None,
        colour=colour,
    )


def score_chart(arms: Sequence[Curves], wanted: Sequence[tuple[str, str]]) -> Chart | None:
    """Scores in training, of each arm and each (evaluation, metric) that is wanted; None for one scoring at the end."""
    series: list[Series] = []
    for arm in arms:
        for evaluation, metric in wanted:
            runs = [dict(run.scores[evaluation, metric]) for run in arm.runs if (evaluation, metric) in run.scores]
            steps = sorted({step for run in runs for step in run})
            if len(steps) > 1:
                values = np.array([[run.get(step, np.nan) for step in steps] for run in runs])
                name = f"{evaluation}, {METRIC_TITLES.get(metric, metric)}" if len(wanted) > 1 else arm.name
                series.append(_banded(name, np.array(steps, float), values, len(series)))
    if not series:
        return None
    shown = {METRIC_TITLES.get(metric, metric) for _, metric in wanted}
    title = f"{' and '.join(sorted(shown))} in training"
    title = title[0].upper() + title[1:]
    ends = "; ".join(f"{one.name}: from {100 * one.y[0]:.1f} to {100 * one.y[-1]:.1f}" for one in series)
    return chart(title, series, "updates", f"{title}. {ends}.", in_percent=True)
