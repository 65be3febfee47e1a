"""The score of fine-tuning each kept model of a pretraining run, beside those of untrained ones.

K kept models that are fine-tuned, n seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bertkit.evaluation.stats import Spread, difference, spread
from bertkit.progress import Progress
from bertkit.result import Finished
from bertkit.spec import RunOptions, Spec, to_plain
from bertkit.studies.group import marks_of_runs, run_group
from bertkit.task import Task

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """One starting point, and its scores after fine-tuning, one for each seed."""

    step: int
    tokens: int
    scores: tuple[float, ...]
    folders: tuple[Path, ...]

    @property
    def spread(self) -> Spread:
        """Over seeds."""
        return spread(self.scores)


@dataclass(frozen=True, kw_only=True)
class Downstream:
    """A task's scores over pretraining.

    points     from each kept model; the first is untrained, with the run's own start
    bert       from random weights drawn the published way, in the shape of the same model
    """

    task: Task
    metric: str
    evaluation: str
    points: tuple[Tuned, ...]
    bert: Tuned
    marks: tuple[str, ...]

    def gain(self, over: Tuned) -> tuple[float, float]:
        """The last point's mean score minus that of another; the p of a permutation test over seeds."""
        return difference(self.points[-1].scores, over.scores)

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        arms = {"same start, untrained": self.points[0], "bert start, untrained": self.bert}
        return {
            "task": self.task.name,
            "metric": self.metric,
            "evaluation": self.evaluation,
            "marks": list(self.marks),
            "pretrained": [_plain(point) for point in self.points],
            "untrained": {name: _plain(point) for name, point in arms.items()},
            "gain": {
                f"over the {name}": dict(zip(("mean", "p"), self.gain(arm), strict=True)) for name, arm in arms.items()
            },
        }


def _plain(point: Tuned) -> dict[str, Any]:
    return {
        "step": point.step, "tokens": point.tokens, **to_plain(point.spread), "scores": list(point.scores),
        "folders": [str(folder) for folder in point.folders],
    }  # fmt: skip


def spaced(models: Sequence[T], points: int | None) -> list[T]:
    """All of the models, or `points` of them: the first and the last, and others evenly between (they are log-spaced).

    models  in order, at least one
    """
    if points is None or points >= len(models):
        return list(models)
    picked = np.linspace(0, len(models) - 1, points).round().astype(int) if points > 1 else [len(models) - 1]
    return [models[k] for k in dict.fromkeys([0, *picked])]


@dataclass(frozen=True, kw_only=True)
class KeptStart:
    """A kept model to fine-tune: the updates it has had, the tokens it has seen, and its folder."""

    step: int
    tokens: int
    folder: Path


def fine_tune_each(
    spec: Spec,
    starts: Sequence[KeptStart],
    seeds: int,
    options: RunOptions,
    progress: Callable[[Spec], Progress],
) -> Downstream:
    """Fine-tune each of `starts`, the untrained one first, and one drawn the published way; finished runs are reused.

    Seeds count up from the spec's. Raises what a run raises.
    """
    arms = [replace(spec, model=str(start.folder), scratch=False) for start in starts]
    arms.append(replace(arms[0], scratch=True))
    runs = run_group([replace(arm, seed=arm.seed + k) for arm in arms for k in range(seeds)], options, progress)
    missing = {one.name for one in runs[0].result.evaluations if one.missing}
    there = [e for e in spec.task.scored if e.name not in missing]
    scored = next((e for e in there if not e.at_end), there[0])
    tuned = [
        _tuned(start, runs[k * seeds : (k + 1) * seeds], scored.name, scored.metrics[0])
        for k, start in enumerate([*starts, starts[0]])
    ]
    return Downstream(
        task=spec.task, metric=scored.metrics[0], evaluation=scored.name, points=tuple(tuned[:-1]), bert=tuned[-1],
        marks=(*runs[0].result.marks, *marks_of_runs(runs)),
    )  # fmt: skip


def _tuned(start: KeptStart, runs: Sequence[Finished], evaluation: str, metric: str) -> Tuned:
    scores = [next(e for e in run.result.evaluations if e.name == evaluation).metrics[metric].value for run in runs]
    return Tuned(step=start.step, tokens=start.tokens, scores=tuple(scores), folders=tuple(run.folder for run in runs))
