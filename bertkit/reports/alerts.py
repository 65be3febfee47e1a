"""What is wrong, or to be minded, with the scores of an arm: the lines a report begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.evaluation.warned import against_floor, is_below_chance, warnings
from bertkit.reports.found import Arm
from bertkit.reports.scores import ScoreLine, score_without, sound_runs
from bertkit.result import Score

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


def alerts_of(arm: Arm, lines: Sequence[ScoreLine]) -> list[Alert]:
    """What is wrong first, then what is to be minded; each line once."""
    found = [
        *(Alert(level="bad", text=f"seed {seed}: {why}") for seed, why in arm.ended.items()),
        *_by_seeds(arm),
        *_of_leaks(arm),
        *_of_rows(arm),
        *(alert for line in lines for alert in _of_floor(arm, line)),
    ]
    unique = {alert.text: alert for alert in found}
    return sorted(unique.values(), key=lambda alert: alert.level != "bad")


def checks_of(several: Sequence[Sequence[ScoreLine]]) -> str:
    """What was looked at in the runs of these arms, by their scores, and what was not."""
    lines = [line for one in several for line in one]
    lacking = sum(not line.floors for line in lines)
    some = f" for {lacking} of {len(lines)} scores" if lacking < len(lines) else ""
    floors = f"floors: not computed{some} (--no-floor)" if lacking or not lines else "scores above their floors"
    return f"Checked: failed training, constant answers, rows that are train rows too; {floors}."


def _by_seeds(arm: Arm) -> Iterator[Alert]:
    """Failures and warnings, each once with the seeds that it holds for."""
    found: dict[tuple[str, str], list[int]] = {}
    for run in arm.runs:
        result = run.result
        said = [(failure.reason, f"Try {failure.advice}.") for failure in result.failures]
        for scored in result.evaluations:
            said += [(f"{scored.name}: {line}", "") for line in warnings(scored, told=bool(result.failures))]
        for one in dict.fromkeys(said):
            found.setdefault(one, []).append(result.spec.seed)
    for (text, advice), seeds in found.items():
        which = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}: " if len(arm.runs) > 1 else ""
        yield Alert(level="bad", text=f"{which}{text}", advice=advice)


def _of_leaks(arm: Arm) -> Iterator[Alert]:
    """The rows of each evaluation that are train rows too, and the score without them: with seeds the mean."""
    runs = sound_runs(arm)
    for name in dict.fromkeys(one.name for run in runs for one in run.result.evaluations if one.leaked):
        scored = [one for run in runs for one in run.result.evaluations if one.name == name]
        counts = sorted(one.leaked.rows if one.leaked else 0 for one in scored)
        rows = f"{counts[0]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
        stand = "row stands" if counts[-1] == 1 else "rows stand"
        without = []
        for metric in next(one for one in scored if one.leaked).metrics:
            value, own = score_without(runs, name, metric), scored[0].leaked and scored[0].leaked.metrics.get(metric)
            if value is not None:
                interval = _interval(own) if len(runs) == 1 and own else ""
                without.append(f"{METRIC_TITLES.get(metric, metric)} {100 * value:.1f}{interval}")
        mean = f", the mean of {len(runs)} seeds" if len(runs) > 1 else ""
        yield Alert(
            level="care", text=f"{rows} of {scored[0].rows:,} {name} {stand} in the train rows too",
            advice=f"Without them: {', '.join(without)}{mean}." if without else "",
        )  # fmt: skip


def _interval(score: Score) -> str:
    return f" [{100 * score.low:.1f}, {100 * score.high:.1f}]"


def _of_rows(arm: Arm) -> Iterator[Alert]:
    """Marks of the results, and splits with many truncated rows."""
    for run in arm.runs:
        for mark in run.result.marks:
            yield Alert(level="care", text=mark, advice="" if mark.startswith("sample") else _NOT_ALL)
        for name, count in run.result.rows.items():
            if count.cut > CUT * count.used:
                share = 100 * count.cut / count.used
                yield Alert(
                    level="care", text=f"{name}: {share:.0f} % of the rows are longer than the model reads",
                    advice="--max-length, or --long head-tail or windows, reads more of them.",
                )  # fmt: skip


def _of_floor(arm: Arm, line: ScoreLine) -> Iterator[Alert]:
    """Whether the score is above the highest floor, by its interval."""
    if not line.floors:
        return
    name, floor = max(line.floors, key=lambda one: one[1])
    said = against_floor(line.sound, line.interval[0] if line.interval else None, floor)
    if said:
        below = line.metric == "accuracy" and any(
            is_below_chance(one)
            for run in sound_runs(arm)
            for one in run.result.evaluations
            if one.name == line.evaluation
        )
        yield Alert(
            level="bad" if said == "does not beat" else "care",
            text=f"{line.evaluation} {line.metric} {said} its floor ({name}, {100 * floor:.1f})",
            advice="Check the label names." if below else "",
            shared=f"{said} the floor",
        )
