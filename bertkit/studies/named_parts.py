"""Runs of one evaluation as an arm, also where they differ in more than their seeds: in their share, or their map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from bertkit.result import Finished
from bertkit.studies.arms import Arm, arm_of
from bertkit.task import Evaluation, Task


def scored_evaluation(task: Task, runs: Sequence[Finished]) -> Evaluation:
    """The first evaluation that was scored, one before the end if there is one."""
    missing = {one.name for one in runs[0].result.evaluations if one.missing}
    there = [one for one in task.scored if one.name not in missing]
    return next((one for one in there if not one.at_end), there[0])


def arm_of_each(name: str, runs: Sequence[Finished], evaluation: str) -> Arm:
    """The arm of these runs, which have different seeds, on one evaluation; its spec is that of the first."""
    arms = [arm_of(name, [(one.folder, one.result)]) for one in runs]
    parts = [part for arm in arms for part in arm.parts.values() if part.evaluation == evaluation]
    whole = replace(parts[0], runs=tuple(chain.from_iterable(part.runs for part in parts)))
    failures = {key: failure for arm in arms for key, failure in arm.failures.items()}
    return Arm(name=name, parts={(whole.task, evaluation): whole}, specs=arms[0].specs, failures=failures)
