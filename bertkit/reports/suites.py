"""The mean of a folder's runs, where they are those of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertkit import registry
from bertkit.reports.charts import Strip
from bertkit.reports.found import Arm
from bertkit.studies.suite import Member, SuiteScore, summed


@dataclass(frozen=True, kw_only=True)
class SuiteMean:
    """The mean, what it is called, the human one of a whole suite, and the strip of all tasks."""

    title: str
    name: str
    score: float
    human: float | None
    strip: Strip


def suite_mean(arms: Sequence[Arm]) -> SuiteMean | None:
    """The mean of the suite that these arms are of: one arm of one run for each of its tasks, or for some.

    None where there is no such suite.
    """
    names = [arm.spec.task.name for arm in arms]
    if len(set(names)) < len(names) or any(len(arm.runs) != 1 or arm.ended for arm in arms):
        return None
    suite = next((one for one in registry.suites() if set(names) <= set(one.members)), None)
    if suite is None:
        return None
    runs = {arm.spec.task.name: arm.runs[0] for arm in arms}
    members = []
    for name in suite.members:
        run = runs.get(name)
        if run is None:
            members.append(Member(task=registry.find(name), missing="no run"))
        else:
            members.append(
                Member(task=run.result.spec.task, spec=run.result.spec, result=run.result, folder=run.folder)
            )
    return _mean(summed(suite, tuple(members)))


def _mean(found: SuiteScore) -> SuiteMean | None:
    if found.score is None:
        return None
    human = found.human if found.is_complete else None
    each = (member.score(found.average) for member in found.members)
    scores = tuple((score, False) for score in each if score is not None)
    about = f"{found.name} {100 * found.score:.1f}, the mean of {len(scores)} tasks"
    return SuiteMean(
        title=found.suite.name.upper(), name=found.name, score=found.score, human=human,
        strip=Strip(about=about, value=found.score, seeds=scores, human=human),
    )  # fmt: skip
