"""A suite: train each task without a finished run, and average the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit import registry
from bertkit.data.locate import locate_splits
from bertkit.errors import BertkitError, DataError, PeerError, RunError, StoppedError
from bertkit.machine.processes import world_size
from bertkit.progress import Progress
from bertkit.request.check import check
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.result import Result, Scored
from bertkit.runs.folder import RESULT
from bertkit.spec import SAMPLE, RunOptions, Spec
from bertkit.task import Suite, Task


@dataclass(frozen=True, kw_only=True)
class Member:
    """One task of a suite: its spec, or why there is none; later its result."""

    task: Task
    spec: Spec | None = None
    result: Result | None = None
    folder: Path | None = None
    missing: str | None = None

    @property
    def score(self) -> float | None:
        """The mean over its evaluations of the mean over their metrics; None if none was scored."""
        means = [mean(s.value for s in e.metrics.values()) for e in self.evaluations if e.metrics]
        return mean(means) if means else None

    @property
    def floor(self) -> float | None:
        """The best score of a simple model, by the same rule; None where its evaluations have no floors."""
        scored = [e for e in self.evaluations if e.metrics]
        if not scored or not all(e.floors for e in scored):
            return None
        models = zip(*(e.floors for e in scored), strict=True)  # each evaluation has those of one head, in one order
        return max(mean(mean(floor.metrics.values()) for floor in of) for of in models)

    @property
    def human(self) -> float:
        """The human score by the same rule."""
        return human_score(self.task)

    @property
    def evaluations(self) -> tuple[Scored, ...]:
        """Its evaluations, scored or missing."""
        scored = {evaluation.name for evaluation in self.task.scored}
        return tuple(e for e in self.result.evaluations if e.name in scored) if self.result else ()

    @property
    def is_complete(self) -> bool:
        """Whether train and every scored evaluation are the complete published splits."""
        if self.result is None or any(e.missing for e in self.evaluations):
            return False
        names = ("train", *(e.name for e in self.task.scored))
        return all(name in self.result.rows and self.result.rows[name].is_complete for name in names)


def human_score(task: Task) -> float:
    """The mean over the scored evaluations of the mean human score of their metrics (GLUE's rule)."""
    return mean(mean(e.human.values()) for e in task.scored if e.human)


@dataclass(frozen=True, kw_only=True)
class SuiteScore:
    """The members and their mean; `name` says whether the mean is a benchmark score."""

    suite: Suite
    members: tuple[Member, ...]
    name: str
    score: float | None
    is_complete: bool

    def plain(self) -> dict[str, Any]:
        """For --json."""
        return {
            "suite": self.suite.name,
            "name": self.name,
            "score": self.score,
            "whole": self.is_complete,
            "human": self.suite.human,
            "tasks": {member.task.name: _plain(member) for member in self.members},
        }


def _plain(member: Member) -> dict[str, Any]:
    metrics: Mapping[str, Any] = {
        e.name: {name: score.value for name, score in e.metrics.items()} or e.missing for e in member.evaluations
    }
    return {
        "score": member.score,
        "human": member.human,
        "floor": member.floor,
        "whole": member.is_complete,
        "metrics": metrics,
        "missing": member.missing,
        "folder": str(member.folder) if member.folder else None,
    }


def plan(suite: Suite, flags: Flags) -> list[Member]:
    """A spec for every member whose rows are found; the others say what is missing.

    Raises BertkitError if no member can run: the encoder is missing, or all rows are.
    """
    members = []
    for name in suite.members:
        task = registry.find(name)
        spec = spec_of(task, flags)
        try:
            locate_splits(task, spec.data)
            members.append(Member(task=task, spec=spec))
        except DataError as error:
            members.append(Member(task=task, missing=str(error)))
    there = [member.spec for member in members if member.spec]
    if not there:
        raise DataError(members[0].missing or f"{suite.name}: no rows")
    check(there)
    return members


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean. (Importing the standard library's takes longer than this module.)"""
    listed = list(values)
    return sum(listed) / len(listed)


def finished(member: Member, out: Path) -> bool:
    """Whether its run has finished: whether the folder has a result."""
    from bertkit.machine.devices import resolved

    return member.spec is not None and (out / resolved(member.spec).folder_name / RESULT).is_file()


def run_suite(
    suite: Suite, members: list[Member], options: RunOptions, progress: Callable[[Spec], Progress]
) -> SuiteScore:
    """Run every member that has a spec. If one fails, its cell says so, and the others still run.

    Raises RequestError if no folder can be made at `options.out`, PeerError or StoppedError if a run raised it,
    and RunError if there are several processes.
    """
    from bertkit.runs.lock import check_out
    from bertkit.runs.run import run

    check_out(options.out)
    done = []
    for member in members:
        if member.spec is None:
            done.append(member)
            continue
        try:
            one = run(member.spec, options, progress(member.spec))
            done.append(Member(task=member.task, spec=member.spec, result=one.result, folder=one.folder))
        except (PeerError, StoppedError):  # of all of them, not of this one
            raise
        except BertkitError as error:
            if isinstance(error, RunError) and (world_size() or 1) > 1:  # the others may know nothing of it
                raise
            done.append(Member(task=member.task, spec=member.spec, missing=str(error)))
    return summed(suite, tuple(done))


def summed(suite: Suite, members: tuple[Member, ...]) -> SuiteScore:
    """The suite's number: called a score only if every member is complete."""
    scores = [member.score for member in members if member.score is not None]
    complete = len(scores) == len(suite.members) and all(member.is_complete for member in members)
    sample = any(member.spec and member.spec.data == SAMPLE for member in members)
    title = suite.name.upper()
    if complete:
        name = f"{title} score (dev)"
    elif sample:
        name = f"mean of {len(scores)} tasks on the sample, not a {title} score"
    else:
        name = f"mean of {len(scores)} of {len(suite.members)} tasks, parts missing, not a {title} score"
    return SuiteScore(
        suite=suite, members=members, name=name, score=mean(scores) if scores else None, is_complete=complete
    )
