"""What is wrong, or to be minded, with the scores of an arm: the lines a report begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bertkit.reports.found import Arm
from bertkit.reports.scores import ScoreLine
from bertkit.result import Finished, Scored

Level = Literal["bad", "care"]
_NOT_ALL = "Scores of parts of a data set are not comparable with those of all of it."
CUT = 0.05
"""The share of truncated rows from which it is said here."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A line, how bad it is, and what to try; `shared` is what is said once where it holds for several tasks."""

    level: Level
    text: str
    advice: str = ""
    shared: str = ""


def alerts_of(arm: Arm, lines: list[ScoreLine]) -> list[Alert]:
    """What is wrong first, then what is to be minded; each line once."""
    found = [
        *(Alert(level="bad", text=f"seed {seed}: {why}") for seed, why in arm.ended.items()),
        *(alert for run in arm.runs for alert in _of_run(run, len(arm.runs) > 1)),
        *(alert for line in lines for alert in _of_floor(line)),
    ]
    unique = {alert.text: alert for alert in found}
    return sorted(unique.values(), key=lambda alert: alert.level != "bad")


def _of_run(run: Finished, named: bool) -> Iterator[Alert]:
    result = run.result
    seed = f"seed {result.spec.seed}: " if named else ""
    for failure in result.failures:
        yield Alert(level="bad", text=f"{seed}{failure.reason}", advice=failure.advice)
    for scored in result.evaluations:
        yield from _of_answers(scored, seed, bool(result.failures))
        if scored.leaked:
            rows = scored.leaked.rows
            stand = "rows stand" if rows != 1 else "row stands"
            yield Alert(
                level="care", text=f"{rows:,} of {scored.rows:,} {scored.name} {stand} in the train rows too",
                advice=_without(scored),
            )  # fmt: skip
    for mark in result.marks:
        yield Alert(level="care", text=mark, advice="" if mark.startswith("sample") else _NOT_ALL)
    for name, count in result.rows.items():
        if count.cut > CUT * count.used:
            share = 100 * count.cut / count.used
            yield Alert(
                level="care", text=f"{name}: {share:.0f} % of the rows are longer than the model reads",
                advice="--max-length, or --long head-tail or windows, reads more of them.",
            )  # fmt: skip


def _of_answers(scored: Scored, seed: str, has_failures: bool) -> Iterator[Alert]:
    details = scored.details
    if details.get("constant") and not has_failures:
        advice = "A lower learning rate, a longer warm-up or more updates may help."
        yield Alert(level="bad", text=f"{seed}{scored.name}: every answer is the same", advice=advice)
    if details.get("only gold") is not None:
        yield Alert(level="care", text=f"{scored.name}: every gold is the same: the score cannot tell models apart")


def _without(scored: Scored) -> str:
    from bertkit.evaluation.titles import METRIC_TITLES

    assert scored.leaked
    parts = [
        f"{METRIC_TITLES.get(name, name)} {100 * one.value:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        for name, one in scored.leaked.metrics.items()
    ]
    return f"Without them: {', '.join(parts)}." if parts else ""


def _of_floor(line: ScoreLine) -> Iterator[Alert]:
    """Whether the score is above the highest floor, by its interval."""
    if not line.floors:
        return
    name, floor = max(line.floors, key=lambda one: one[1])
    low = line.interval[0] if line.interval else min(value for _, value, _ in line.seeds)
    what, shown = f"{line.evaluation} {line.metric}", f"{name} ({100 * floor:.1f})"
    if line.value <= floor:
        yield Alert(level="bad", text=f"{what} does not beat the {shown}", shared="does not beat the floor")
    elif low <= floor:
        yield Alert(level="care", text=f"{what} is not clearly above the {shown}", shared="not clearly above the floor")
