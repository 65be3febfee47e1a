"""Compare two arms on the same rows, order and budget: pretrained weights and random ones.

After Hao et al. 2019 ("Visualizing and Understanding the Effectiveness of BERT"), figure 1: the training
loss of both, and here the score during training too, over seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.data.locate import TRAIN
from bertkit.data.sampler import Order, Schedule
from bertkit.data.splits import read_splits
from bertkit.evaluation.stats import Spread, spread
from bertkit.machine.sync import run_on_first
from bertkit.plots.curves import ArmCurves, Panel
from bertkit.progress import Progress
from bertkit.result import Failure, Finished
from bertkit.runs.folder import LOG, read_log
from bertkit.spec import HUB, RunOptions, Spec, to_plain
from bertkit.studies.arms import Arm as AnsweredArm
from bertkit.studies.arms import arm_of
from bertkit.studies.comparison_json import made_of, plain_verdict
from bertkit.studies.group import marks_of_runs, run_group
from bertkit.studies.verdict import Verdict, together, verdicts
from bertkit.task import Recipe, Task

PRETRAINED, SCRATCH = "pretrained", "scratch"
SCORINGS = 12
"""Evaluations in training, where --eval-every is not given."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One run: its training loss at every update, and its headline score where it was scored."""

    seed: int
    folder: Path
    losses: np.ndarray[Any, Any]  # (updates,)
    scored_at: np.ndarray[Any, Any]  # (S,) updates
    scores: np.ndarray[Any, Any]  # (S,) fractions; the last is the final one
    failures: tuple[Failure, ...] = ()

    @property
    def area(self) -> float:
        """The area under the training loss over the updates, per update: the mean loss."""
        return float(np.trapezoid(self.losses) / max(1, len(self.losses) - 1))

    def reaches(self, score: float) -> int | None:
        """The first update at which it was scored at `score` or above."""
        where = np.flatnonzero(self.scores >= score)
        return int(self.scored_at[where[0]]) if len(where) else None


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of the comparison: a spec with its seeds."""

    name: str
    spec: Spec
    curves: tuple[Curve, ...]

    @property
    def final(self) -> Spread:
        """The score of the last weights, over seeds."""
        return spread([float(curve.scores[-1]) for curve in self.curves])

    @property
    def best(self) -> Spread:
        """The best score in training, over seeds; selected on dev, hence optimistic."""
        return spread([float(curve.scores.max()) for curve in self.curves])

    @property
    def area(self) -> Spread:
        """The mean training loss, over seeds."""
        return spread([curve.area for curve in self.curves])

    def reached(self, score: float) -> list[int | None]:
        """For each seed the first update scored at `score` or above."""
        return [curve.reaches(score) for curve in self.curves]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both arms on one task, and the verdict on their final scores."""

    task: Task
    metric: str
    evaluation: str
    arms: tuple[Arm, Arm]
    marks: tuple[str, ...]
    verdict: Verdict

    @property
    def panel(self) -> Panel:
        """Its row of the figure."""
        return Panel(
            task=self.task.name, metric=self.metric, evaluation=self.evaluation, arms=tuple(map(_curves_of, self.arms))
        )

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        gap = self.verdict.difference
        return {
            "task": self.task.name,
            "metric": self.metric,
            "evaluation": self.evaluation,
            "marks": list(self.marks),
            "difference": {"mean": gap.value, "low": gap.low, "high": gap.high, "p": gap.p, "over": gap.doubt.over},
            "verdict": plain_verdict(self.verdict),
            "failures": [
                {"arm": arm.name, "task": self.task.name, "seed": curve.seed, **to_plain(failure)}
                for arm in self.arms
                for curve in arm.curves
                for failure in curve.failures
            ],
            "made": [made_of(arm.name, self.task.name, [curve.folder for curve in arm.curves]) for arm in self.arms],
            "arms": [_plain_arm(arm, other) for arm, other in zip(self.arms, reversed(self.arms), strict=True)],
        }


def _curves_of(arm: Arm) -> ArmCurves:
    return ArmCurves(
        label=f"{arm.name}, learning rate {arm.spec.recipe.learning_rate:g}",
        losses=np.stack([curve.losses for curve in arm.curves]),
        scored_at=arm.curves[0].scored_at,
        scores=np.stack([curve.scores for curve in arm.curves]),
    )


def _plain_arm(arm: Arm, other: Arm) -> dict[str, Any]:
    return {
        "arm": arm.name,
        "learning_rate": arm.spec.recipe.learning_rate,
        "spec": to_plain(arm.spec),
        "final": to_plain(arm.final),
        "best on the way": to_plain(arm.best),
        "area under the training loss": to_plain(arm.area),
        "updates to the other's best": arm.reached(other.best.mean),
        "runs": [
            {"seed": c.seed, "folder": str(c.folder), "loss": c.losses.tolist(), "scored at": c.scored_at.tolist(),
             "score": c.scores.tolist(), "failures": [to_plain(failure) for failure in c.failures]}
            for c in arm.curves
        ],
    }  # fmt: skip


def compare(
    specs: Sequence[Spec],
    seeds: int,
    scratch_rate: float | None,
    options: RunOptions,
    progress: Callable[[Spec], Progress],
) -> list[Comparison]:
    """Run both arms of every spec with `seeds` seeds, counting up from the spec's; finished runs are reused.

    Both arms of a seed see the same rows in the same order. `scratch_rate` is the scratch arm's learning
    rate, if it differs.
    """

    def run_all(arms: Sequence[Spec]) -> list[Finished]:
        return run_group(arms, options, progress)

    found = [_compared(spec, seeds, scratch_rate, run_all) for spec in specs]
    adjusted = together([one.verdict for one in found])
    return [replace(one, verdict=verdict) for one, verdict in zip(found, adjusted, strict=True)]


def _compared(
    spec: Spec, seeds: int, scratch_rate: float | None, run_all: Callable[[Sequence[Spec]], list[Finished]]
) -> Comparison:
    updates = _about_updates(_train_rows(spec), spec.recipe)
    first = replace(spec, scratch=False, eval_every=spec.eval_every or max(1, updates // SCORINGS))
    recipe = replace(first.recipe, learning_rate=scratch_rate or first.recipe.learning_rate)
    second = replace(first, scratch=True, recipe=recipe)
    runs = run_all([replace(arm, seed=arm.seed + k) for arm in (first, second) for k in range(seeds)])
    missing = {one.name for one in runs[0].result.evaluations if one.missing}
    there = [e for e in spec.task.scored if e.name not in missing]
    scored = next((e for e in there if not e.at_end), there[0])
    curves = run_on_first(lambda: tuple(curve_of(one, scored.name, scored.metrics[0]) for one in runs))
    arms = (
        Arm(name=PRETRAINED, spec=first, curves=curves[:seeds]),
        Arm(name=SCRATCH, spec=second, curves=curves[seeds:]),
    )
    named = ((PRETRAINED, runs[:seeds]), (SCRATCH, runs[seeds:]))
    (verdict,) = run_on_first(lambda: verdicts([_answered(*one) for one in named], evaluation=scored.name))
    return Comparison(
        task=spec.task,
        metric=scored.metrics[0],
        evaluation=scored.name,
        arms=arms,
        marks=(*runs[0].result.marks, *marks_of_runs(runs)),
        verdict=verdict,
    )


def _answered(name: str, runs: Sequence[Finished]) -> AnsweredArm:
    return arm_of(name, [(one.folder, one.result) for one in runs])


def _train_rows(spec: Spec) -> int:
    """Number of train rows; for the Hub the published number, so that it does not change between two runs."""
    published = spec.task.source.rows.get(TRAIN) if spec.data == HUB else None
    if published is None:
        splits = read_splits(spec)
        assert splits.train
        return len(splits.train)
    return min(published, spec.limit or published)


def _about_updates(rows: int, recipe: Recipe) -> int:
    """Number of updates of a run, if every row gives one feature."""
    order = Order(size=recipe.batch_size)
    lengths = np.ones_like
    schedule = Schedule(order=order, features=rows, lengths=lengths, epochs=recipe.epochs,
                        accumulation=recipe.gradient_accumulation, given_updates=recipe.max_steps)  # fmt: skip
    return schedule.updates


def curve_of(finished: Finished, evaluation: str, metric: str) -> Curve:
    """A run's curve, from its log."""
    lines = read_log(finished.folder)
    scored = [line for line in lines if evaluation in line.get("score", {})]
    assert scored, finished.folder / LOG
    return Curve(
        seed=finished.result.spec.seed,
        folder=finished.folder,
        losses=np.array([line["loss"] for line in lines if "loss" in line], float),  # null, of a skipped update, is NaN
        scored_at=np.array([line["step"] for line in scored]),
        scores=np.array([line["score"][evaluation][metric] for line in scored]),
        failures=finished.result.failures,
    )
