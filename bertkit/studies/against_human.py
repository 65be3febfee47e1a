"""A suite's scores over the human ones, beside published systems: what a figure shows."""

from __future__ import annotations

from pathlib import Path

from bertkit.plots.against_human import System, draw
from bertkit.spec import SAMPLE
from bertkit.studies.suite import Member, SuiteScore, mean_of
from bertkit.task import Average, Column, Published


def plot(result: SuiteScore, out: Path, name: str) -> tuple[Path, Path]:
    """Write SUITE-AVERAGE-against-human.png and .svg below `out`; `name` is that of the system that was scored."""
    suite, average = result.suite, result.average
    systems = [*(published_shares(one, result) for one in suite.published), _ours(result, name)]
    tasks = [task for task in suite.members if task in average.tasks]
    missing = [one.task.name for one in result.members if one.task.name in tasks and one.score(average) is None]
    left_out = f" (without {', '.join(missing)})" if missing else ""
    sample = any(member.spec and member.spec.data == SAMPLE for member in result.members)
    rows = "the sample, no benchmark" if sample else "dev"
    title = (
        f"{suite.name.upper()}, average '{average.name}': {name} on {rows}{left_out}\n"
        "published systems and human scores on test"
    )
    png, svg = (out / f"{suite.name}-{average.name}-against-human.{kind}" for kind in ("png", "svg"))
    out.mkdir(parents=True, exist_ok=True)
    draw(title, systems, tasks, png, svg)
    return png, svg


def published_shares(one: Published, result: SuiteScore) -> System:
    """A published system's scores over the human ones, by the average of `result`."""

    def means(columns: list[Column]) -> list[float | None]:
        return [mean_of([one.scores.get((column.task, *key)) for key in column.metrics]) for column in columns]

    average = result.average
    shares = {}
    for member in result.members:
        columns = [column for column in average.columns if column.task == member.task.name]
        share = _share(mean_of(means(columns)), member, average)
        if share is not None:
            shares[member.task.name] = share
    every = means(list(average.columns))
    score = None if None in every else mean_of(every)
    return System(name=one.name, tasks=shares, average=score / result.human if score and result.human else None)


def _ours(result: SuiteScore, name: str) -> System:
    average = result.average
    shares = {one.task.name: _share(one.score(average), one, average) for one in result.members}
    there = {task: share for task, share in shares.items() if share is not None}
    whole = set(average.tasks) <= set(there)
    mean = result.score / result.human if whole and result.score is not None and result.human else None
    return System(name=name, tasks=there, average=mean, is_ours=True)


def _share(score: float | None, member: Member, average: Average) -> float | None:
    human = member.human(average)
    return None if score is None or not human else score / human
