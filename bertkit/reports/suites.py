"""The mean of a folder's runs, where they are those of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bertkit import registry
from bertkit.reports.charts import Strip
from bertkit.reports.found import Arm
from bertkit.reports.scores import sound_runs
from bertkit.studies.suite import Member, SuiteScore, summed


@dataclass(frozen=True, kw_only=True)
class SuiteMean:
    """The mean, what it is called, the human one of a whole suite, and the strip of all tasks."""

    title: str
    name: str
    score: float
    human: float | None
    strip: Strip


def suite_mean(arms: Sequence[Arm]) -> SuiteMean | str | None:
    """The mean of the suite that these arms are of, one for each of its tasks, or for some; else why it has none.

    A task of several seeds has the mean of the sound ones. None where there is no such suite.
    """
    names = [arm.spec.task.name for arm in arms]
    suite = next((one for one in registry.suites() if set(names) <= set(one.members)), None)
    if suite is None or len(set(names)) == 1:
        return None
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        return f"No mean of {suite.name.upper()}: there are several specs of {', '.join(twice)}."
    if lacking := [arm.spec.task.name for arm in arms if not arm.runs]:
        return f"No mean of {suite.name.upper()}: no seed of {', '.join(lacking)} has a score."
    found = {arm.spec.task.name: _member(arm) for arm in arms}
    missing = {name: Member(task=registry.find(name), missing="no run") for name in suite.members}
    seeds = max(len(sound_runs(arm)) for arm in arms)
    return _mean(summed(suite, tuple({**missing, **found}.values())), seeds)


def _member(arm: Arm) -> Member:
    """The arm as a member of its suite, with the mean scores of its sound seeds."""
    first, runs = arm.runs[0], sound_runs(arm)
    evaluations = []
    for name in dict.fromkeys(one.name for run in runs for one in run.result.evaluations):
        same = [one for run in runs for one in run.result.evaluations if one.name == name]
        scored = [one for one in same if one.metrics]
        means = {
            metric: replace(score, value=fmean(one.metrics[metric].value for one in scored))
            for metric, score in (scored[0].metrics.items() if scored else ())
        }
        evaluations.append(replace(scored[0] if scored else same[0], metrics=means))
    result = replace(first.result, evaluations=tuple(evaluations))
    return Member(task=first.result.spec.task, spec=first.result.spec, result=result, folder=first.folder)


def _mean(found: SuiteScore, seeds: int) -> SuiteMean | None:
    if found.score is None:
        return None
    human = found.human if found.is_complete else None
    each = (member.score(found.average) for member in found.members)
    scores = tuple((score, False) for score in each if score is not None)
    name = f"{found.name}, each the mean of its seeds" if seeds > 1 else found.name
    about = f"{name} {100 * found.score:.1f}, the mean of {len(scores)} tasks"
    return SuiteMean(
        title=found.suite.name.upper(), name=name, score=found.score, human=human,
        strip=Strip(about=about, value=found.score, seeds=scores, human=human),
    )  # fmt: skip
