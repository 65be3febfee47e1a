"""A suite: train each task without a finished run, and average the scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bertkit import registry
from bertkit.data.locate import locate_splits
from bertkit.errors import BertkitError, DataError, PeerError, RunError, StoppedError, UnknownNameError
from bertkit.machine.processes import world_size
from bertkit.progress import Progress
from bertkit.request.check import check
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.result import Result, Scored
from bertkit.runs.folder import RESULT
from bertkit.spec import SAMPLE, RunOptions, Spec, to_plain
from bertkit.task import Average, Column, Suite, Task


@dataclass(frozen=True, kw_only=True)
class Member:
    """One task of a suite: its spec, or why there is none; later its result."""

    task: Task
    spec: Spec | None = None
    result: Result | None = None
    folder: Path | None = None
    missing: str | None = None

    def score(self, average: Average) -> float | None:
        """The mean of its columns in an average; None if it has none, or one of their metrics was not scored."""
        return mean_of([self.column(one) for one in average.columns if one.task == self.task.name])

    def column(self, column: Column) -> float | None:
        """The mean of the column's metrics that were scored; None if none was."""
        scores = {(e.name, name): s.value for e in self.evaluations for name, s in e.metrics.items()}
        return mean_of([scores.get(key) for key in column.metrics])

    def human(self, average: Average) -> float | None:
        """The human score by the same rule, of those metrics that were measured."""
        scores = {(e.name, name): score for e in self.task.scored for name, score in e.human.items()}
        columns = [one for one in average.columns if one.task == self.task.name]
        return mean_of([mean_of([scores.get(key) for key in one.metrics]) for one in columns])

    def floor(self, average: Average) -> float | None:
        """The best score of a simple model, by the same rule; None where its evaluations have no floors."""
        scored = [e for e in self.evaluations if e.metrics]
        columns = [one for one in average.columns if one.task == self.task.name]
        if not scored or not columns or not all(e.floors for e in scored):
            return None
        found = []
        for models in zip(*(e.floors for e in scored), strict=True):  # each evaluation has those of one head, in order
            values = {(e.name, k): v for e, one in zip(scored, models, strict=True) for k, v in one.metrics.items()}
            found.append(mean_of([mean_of([values.get(key) for key in column.metrics]) for column in columns]))
        return max((mean for mean in found if mean is not None), default=None)

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


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of those values that are there; None if none is."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


@dataclass(frozen=True, kw_only=True)
class SuiteScore:
    """The members and their average; `name` says whether it is a benchmark score.

    human  the human score by the same average: the published one of the suite's own, else computed
    """

    suite: Suite
    average: Average
    members: tuple[Member, ...]
    name: str
    score: float | None
    is_complete: bool
    human: float | None

    def plain(self) -> dict[str, Any]:
        """For --json."""
        return {
            "suite": self.suite.name,
            "name": self.name,
            "score": self.score,
            "whole": self.is_complete,
            "average": to_plain(self.average),
            "human": self.human,
            "tasks": {member.task.name: _plain(member, self.average) for member in self.members},
        }


def _plain(member: Member, average: Average) -> dict[str, Any]:
    metrics: Mapping[str, Any] = {
        e.name: {name: score.value for name, score in e.metrics.items()} or e.missing for e in member.evaluations
    }
    return {
        "score": member.score(average),
        "human": member.human(average),
        "floor": member.floor(average),
        "whole": member.is_complete,
        "metrics": metrics,
        "missing": member.missing,
        "folder": str(member.folder) if member.folder else None,
    }


def plan(suite: Suite, flags: Flags) -> list[Member]:
    """A spec for every member whose rows are found; the others say what is missing.

    Without --model and --sample the encoder is the suite's own, if it has one.

    Raises BertkitError if no member can run: the encoder is missing, or all rows are.
    """
    if flags.model is None and not flags.sample:
        flags = replace(flags, model=suite.model)
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


def finished(member: Member, out: Path) -> bool:
    """Whether its run has finished: whether the folder has a result."""
    from bertkit.machine.devices import resolved

    return member.spec is not None and (out / resolved(member.spec).folder_name / RESULT).is_file()


def run_suite(
    suite: Suite,
    members: list[Member],
    options: RunOptions,
    progress: Callable[[Spec], Progress],
    average: str | None = None,
) -> SuiteScore:
    """Run every member that has a spec. If one fails, its cell says so, and the others still run.

    Raises RequestError if no folder can be made at `options.out`, PeerError or StoppedError if a run raised it,
    and RunError if there are several processes.
    """
    from bertkit.runs.lock import check_out
    from bertkit.runs.run import run

    chosen = average_of(suite, average)
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
    return summed(suite, tuple(done), chosen)


def average_of(suite: Suite, name: str | None) -> Average:
    """The suite's average of this name, by default its own. Raises RequestError."""
    names = [one.name for one in suite.averages]
    if name is not None and name not in names:
        raise UnknownNameError(f"average of {suite.name}", name, names, f"there are {', '.join(names)}")
    return suite.averages[names.index(name) if name else 0]


def summed(suite: Suite, members: tuple[Member, ...], average: Average | None = None) -> SuiteScore:
    """The suite's number by an average, its own by default: called a score only if every member of it is complete."""
    average = average or suite.averages[0]
    by_name = {member.task.name: member for member in members if member.task.name in average.tasks}
    columns = [by_name[one.task].column(one) if one.task in by_name else None for one in average.columns]
    scored = sum(member.score(average) is not None for member in by_name.values())
    complete = None not in columns and all(member.is_complete for member in by_name.values())
    own = average == suite.averages[0]
    title = f"{suite.name.upper()} score" if own else f"{suite.name.upper()} average '{average.name}'"
    if complete:
        name = f"{title} (dev)"
    elif any(member.spec and member.spec.data == SAMPLE for member in members):
        name = f"mean of {scored} tasks on the sample, not a {title}"
    else:
        name = f"mean of {scored} of {len(average.tasks)} tasks, parts missing, not a {title}"
    return SuiteScore(
        suite=suite, average=average, members=members, name=name, score=mean_of(columns), is_complete=complete,
        human=suite.human if own else _human_mean(members, average),
    )  # fmt: skip


def _human_mean(members: Iterable[Member], average: Average) -> float | None:
    """The human score by an average; None where a task has none."""
    scores = {
        (member.task.name, e.name, metric): score
        for member in members
        for e in member.task.scored
        for metric, score in e.human.items()
    }
    columns = [mean_of([scores.get((one.task, *key)) for key in one.metrics]) for one in average.columns]
    return None if None in columns else mean_of(columns)
