"""A comparison of arms as a report shows it, from its compare.json: verdicts, seeds as dots, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.errors import RequestError
from bertkit.evaluation.stats import spread
from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.reports.alerts import Alert
from bertkit.reports.arms import time_text
from bertkit.reports.charts import Chart, Strip, aligned
from bertkit.reports.curves import Curve, Curves, loss_chart, score_chart
from bertkit.reports.found import COMPARE
from bertkit.runs.folder import damage_named


@dataclass(frozen=True, kw_only=True)
class ComparedArm:
    """One side: its mean score with its interval, the standard deviation over seeds, and more, by name."""

    name: str
    mean: float
    interval: tuple[float, float]
    sd: float
    seeds: int
    strip: Strip
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two arms on one evaluation.

    sentence  the verdict; `uncertainty` has what is said below it: what it would take to tell, and the tests
    alerts    failed runs, which are in the means and in the tests, and marks of the rows
    gap       their difference with its 95 % interval, against no difference
    charts    of arms that were trained for the comparison
    """

    task: str
    metric: str
    evaluation: str
    rows: int
    outcome: str
    sentence: str
    uncertainty: tuple[str, ...]
    gap: Strip
    arms: tuple[ComparedArm, ...]
    alerts: tuple[Alert, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """How the runs of an arm on a task were made: the commands, a line each, and more, by name."""

    name: str
    commands: str
    facts: tuple[tuple[str, str], ...]


def compared_of(folder: Path, plain: Mapping[str, Any]) -> list[Compared]:
    """The verdicts of a comparison. Raises RequestError if its JSON is damaged, or older than its lines are."""
    path = folder / COMPARE
    with damage_named(path):
        tasks = list(plain.get("tasks", ()))
        found = plain["verdicts"] if "verdicts" in plain else [task.get("verdict", {"sentence": ""}) for task in tasks]
        is_old = any("sentence" in one and "lines" not in one for one in found)
        if not is_old and "verdicts" in plain:
            return [_compared(one, plain["failures"]) for one in found]
        if not is_old:
            return [_trained(task) for task in tasks]
    raise RequestError(f"{path} was written by an older version: run `bertkit compare` again")


def made_of(folder: Path, plain: Mapping[str, Any]) -> list[Made]:
    """How each arm's runs were made, as the comparison has it. Raises RequestError if its JSON is damaged."""
    with damage_named(folder / COMPARE):
        several = [plain] if "verdicts" in plain else plain["tasks"]
        tasks = len({one["task"] for part in several for one in part["made"]})
        return [_made(one, tasks > 1) for part in several for one in part["made"]]
    raise AssertionError


def _made(plain: Mapping[str, Any], named: bool) -> Made:
    versions = ", ".join(f"{name} {version}" for name, version in plain["versions"].items())
    pairs = (
        ("machine", "; ".join(plain["machines"])),
        ("time", f"{time_text(float(plain['seconds of training']))} of training"),
        ("versions", versions),
    )
    name = f"{plain['arm']}, {plain['task']}" if named else plain["arm"]
    return Made(name=name, commands="\n".join(plain["commands"]), facts=pairs)


def _compared(plain: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]) -> Compared:
    gap, metric = plain["difference"], METRIC_TITLES.get(plain["metric"], plain["metric"])
    arms = [_arm(arm, metric) for arm in plain["arms"]]
    strips = aligned([arm.strip for arm in arms])
    value, low, high = (float(gap[name]) for name in ("value", "low", "high"))
    about = f"difference {100 * value:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}"
    return Compared(
        task=plain["task"],
        metric=metric,
        evaluation=plain["evaluation"],
        rows=int(plain["rows"]),
        outcome=plain["outcome"],
        sentence=plain["sentence"],
        uncertainty=tuple(plain["lines"][1:]),
        alerts=tuple(_failed(plain, failures)),
        gap=Strip(about=about, value=value, interval=(low, high), floors=(0.0,)),
        arms=tuple(replace(arm, strip=one) for arm, one in zip(arms, strips, strict=True)),
    )


def _failed(plain: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]) -> list[Alert]:
    """The failed runs of both arms, equal ones once, with their seeds."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in failures:
        if one["task"] == plain["task"] and one["arm"] in [arm["arm"] for arm in plain["arms"]]:
            found.setdefault((one["arm"], one["reason"], one["advice"]), []).append(str(one["seed"]))
    return [
        Alert(
            level="bad",
            text=f"{arm}, seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}, in the mean and in the tests: {reason}",
            advice=f"Try {advice}.",
        )
        for (arm, reason, advice), seeds in found.items()
    ]


def _arm(plain: Mapping[str, Any], metric: str) -> ComparedArm:
    mean, scores = plain["mean"], [float(score) for score in plain["scores"]]
    value, interval = float(mean["value"]), (float(mean["low"]), float(mean["high"]))
    about = f"{plain['arm']}: {metric} {100 * value:.1f}, 95 % interval {100 * interval[0]:.1f} to "
    dots = tuple((score, False) for score in scores) if len(scores) > 1 else ()
    return ComparedArm(
        name=plain["arm"],
        mean=value,
        interval=interval,
        sd=spread(scores).sd,
        seeds=len(scores),
        strip=Strip(about=f"{about}{100 * interval[1]:.1f}", value=value, interval=interval, seeds=dots),
    )


def _trained(plain: Mapping[str, Any]) -> Compared:
    """One task of `compare pretrain-vs-scratch`, with its curves."""
    metric, evaluation = plain["metric"], plain["evaluation"]
    curves = [
        Curves(name=arm["arm"], runs=tuple(_curve(run, evaluation, metric) for run in arm["runs"]))
        for arm in plain["arms"]
    ]
    charts = (loss_chart(curves), score_chart(curves, [(evaluation, metric)]))
    found = _compared(plain["verdict"], plain["failures"])
    return replace(
        found,
        alerts=(*found.alerts, *(Alert(level="care", text=mark) for mark in plain["marks"])),
        charts=tuple(one for one in charts if one),
        arms=tuple(replace(arm, more=tuple(_more(own))) for arm, own in zip(found.arms, plain["arms"], strict=True)),
    )


def _more(plain: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The learning rate, the best score in training, and when the arm reached the other's best."""
    steps = plain["updates to the other's best"]
    reached = [step for step in steps if step is not None]
    of = f" ({len(reached)} of {len(steps)} seeds)" if reached and len(reached) < len(steps) else ""
    return (
        ("learning rate", f"{float(plain['learning_rate']):g}"),
        ("best in training", f"{100 * float(plain['best on the way']['mean']):.1f}"),
        ("updates to the other's best", f"{float(np.median(reached)):,g}{of}" if reached else "not reached"),
    )


def _curve(plain: Mapping[str, Any], evaluation: str, metric: str) -> Curve:
    losses = np.array([np.nan if loss is None else loss for loss in plain["loss"]], float)
    scored = zip(plain["scored at"], plain["score"], strict=True)
    scores = {(evaluation, metric): [(int(step), float(score)) for step, score in scored]}
    return Curve(steps=np.arange(1, len(losses) + 1, dtype=float), losses=losses, scores=scores)
