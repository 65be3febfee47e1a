"""A comparison of two arms as a report shows it, from its compare.json: a verdict a task, seeds as dots, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.reports.charts import Chart, Strip, aligned
from bertkit.reports.curves import Curve, Curves, loss_chart, score_chart
from bertkit.reports.found import COMPARE
from bertkit.runs.folder import damage_named

SURE = 0.05


@dataclass(frozen=True, kw_only=True)
class ComparedArm:
    """One side: its name, learning rate, the mean and standard deviation of its final scores, and their strip."""

    name: str
    learning_rate: float
    mean: float
    sd: float
    best: float
    reached: str
    strip: Strip


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two arms on one task, and which is better: see `verdict` and `sure`."""

    task: str
    metric: str
    evaluation: str
    seeds: int
    marks: tuple[str, ...]
    gap: float
    p: float
    arms: tuple[ComparedArm, ...]
    charts: tuple[Chart, ...]

    @property
    def is_sure(self) -> bool:
        """Whether the difference is more than chance explains."""
        return self.seeds > 1 and self.p < SURE

    @property
    def verdict(self) -> str:
        """In one sentence: better, worse, or within noise, and by how much."""
        first, second = (arm.name for arm in self.arms)
        what = f"{100 * abs(self.gap):.1f} points of {self.metric}"
        if self.is_sure:
            return f"{first} is better than {second} by {what}." if self.gap > 0 else f"{first} is worse by {what}."
        noise = "" if self.seeds == 1 else "Within noise: "
        return f"{noise}{first} is {what} {'above' if self.gap >= 0 else 'below'} {second}."

    @property
    def sure(self) -> str:
        """How sure that is."""
        if self.seeds == 1:
            return "One seed each: too few for a test over seeds."
        sure = f"p = {self.p:.3f}, permutation test over {self.seeds} seeds each, two-sided."
        least = 2 / comb(2 * self.seeds, self.seeds)
        if least < SURE:
            return sure
        return f"{sure} With {self.seeds} seeds each p cannot be below {least:.2f}; with 4 it can."


def compared_of(folder: Path, plain: Mapping[str, Any]) -> list[Compared]:
    """The tasks of a comparison. Raises RequestError if its JSON is damaged."""
    with damage_named(folder / COMPARE):
        return [_compared(task) for task in plain["tasks"]]
    raise AssertionError


def _compared(plain: Mapping[str, Any]) -> Compared:
    metric, evaluation = plain["metric"], plain["evaluation"]
    curves = [
        Curves(name=arm["arm"], runs=tuple(_curve(run, evaluation, metric) for run in arm["runs"]))
        for arm in plain["arms"]
    ]
    charts = (loss_chart(curves), score_chart(curves, [(evaluation, metric)]))
    finals = [[float(run["score"][-1]) for run in arm["runs"]] for arm in plain["arms"]]
    title = METRIC_TITLES.get(metric, metric)
    arms = [_arm(arm, scores, title) for arm, scores in zip(plain["arms"], finals, strict=True)]
    strips = aligned([arm.strip for arm in arms])
    return Compared(
        task=plain["task"],
        metric=title,
        evaluation=evaluation,
        seeds=min(len(scores) for scores in finals),
        marks=tuple(plain["marks"]),
        gap=float(plain["difference"]["mean"]),
        p=float(plain["difference"]["p"]),
        arms=tuple(replace(arm, strip=one) for arm, one in zip(arms, strips, strict=True)),
        charts=tuple(one for one in charts if one),
    )


def _arm(plain: Mapping[str, Any], scores: Sequence[float], metric: str) -> ComparedArm:
    mean, sd = float(plain["final"]["mean"]), float(plain["final"]["sd"])
    reached = [step for step in plain["updates to the other's best"] if step is not None]
    of = f" ({len(reached)} of {len(scores)} seeds)" if reached and len(reached) < len(scores) else ""
    return ComparedArm(
        name=plain["arm"],
        learning_rate=float(plain["learning_rate"]),
        mean=mean,
        sd=sd,
        best=float(plain["best on the way"]["mean"]),
        reached=f"{float(np.median(reached)):,g}{of}" if reached else "not reached",
        strip=Strip(
            about=f"{plain['arm']}: {metric} {100 * mean:.1f}, standard deviation {100 * sd:.1f}, {len(scores)} seeds",
            value=mean,
            seeds=tuple((score, False) for score in scores),
        ),
    )


def _curve(plain: Mapping[str, Any], evaluation: str, metric: str) -> Curve:
    losses = np.array([np.nan if loss is None else loss for loss in plain["loss"]], float)
    scored = zip(plain["scored at"], plain["score"], strict=True)
    scores = {(evaluation, metric): [(int(step), float(score)) for step, score in scored]}
    return Curve(steps=np.arange(1, len(losses) + 1, dtype=float), losses=losses, scores=scores)
