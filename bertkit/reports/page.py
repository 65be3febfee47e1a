"""A report: one HTML page of a run, of a folder of runs, or of a comparison, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from bertkit import __version__
from bertkit.files import write_text
from bertkit.reports.alerts import Alert, checks_of
from bertkit.reports.arms import ArmPart, about, arm_part, model_of, shown_run
from bertkit.reports.comparison import Compared, Made, compared_of, made_of
from bertkit.reports.found import Arm, Found, differing
from bertkit.reports.render import render
from bertkit.reports.scores import ScoreLine, on_one_axis
from bertkit.reports.suites import SuiteMean, suite_mean


@dataclass(frozen=True, kw_only=True)
class Head:
    """What every page begins and ends with."""

    title: str
    kicker: str
    heading: str
    about: str
    foot: str
    made: str = ""


@dataclass(frozen=True, kw_only=True)
class ArmPage(Head):
    """The page of one arm; `seed` is that of the run whose answers are shown, "" if there is one run only."""

    arm: ArmPart
    seed: str = ""

    @property
    def table(self) -> list[ScoreLine]:
        """Its scores on one axis."""
        return on_one_axis(self.arm.lines)

    @property
    def checks(self) -> str:
        """What was looked at."""
        return checks_of([self.arm.lines])

    @property
    def has_answers(self) -> bool:
        """Whether there is something to show of answers against golds."""
        return bool(self.arm.bars) or any(one.matrix or one.cloud for one in self.arm.answers)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The ids and titles of its parts."""
        arm = self.arm
        scores = len(arm.lines) > 1 or bool(arm.lines and len(arm.seeds) > 1) or bool(arm.numbers)
        parts = [
            ("scores", "Scores", scores), ("training", "Training", arm.charts),
            ("answers", "Answers against golds", self.has_answers), ("reliability", "Reliability", arm.reliability),
            ("slices", "Slices", arm.slices and arm.slices.shown), ("errors", "Worst errors", arm.answers),
            ("rows", "Rows", arm.health), ("command", "Reproduce", True),
        ]  # fmt: skip
        return [(name, title) for name, title, there in parts if there]


@dataclass(frozen=True, kw_only=True)
class SuitePage(Head):
    """The page of several arms, with their mean where they are a suite's, or in `no_mean` why there is none."""

    arms: tuple[ArmPart, ...]
    alerts: tuple[Alert, ...]
    mean: SuiteMean | None
    no_mean: str

    @property
    def first(self) -> ScoreLine | None:
        """The first score, whose axis is that of all."""
        return next((line for part in self.arms for line in part.lines), None)

    @property
    def checks(self) -> str:
        """What was looked at."""
        return checks_of([part.lines for part in self.arms])

    @property
    def has_human(self) -> bool:
        """Whether any score stands beside a human one."""
        return any(line.human is not None for part in self.arms for line in part.lines)


@dataclass(frozen=True, kw_only=True)
class ComparisonPage(Head):
    """The page of a comparison; `command` makes it of runs that are there, "" where the arms were trained for it."""

    compared: tuple[Compared, ...]
    arms_made: tuple[Made, ...]
    differences: tuple[str, ...]
    command: str


def write_report(found: Found, path: Path, worst: int) -> Path:
    """Write the report of what was found, atomically; returns its path. Raises RequestError for damaged files."""
    write_text(path, html_of(found, worst))
    return path


def html_of(found: Found, worst: int) -> str:
    """The page as HTML: of a comparison, of one arm with `worst` errors, or of several arms."""
    if found.comparison is not None:
        return render("comparison.html", _comparison_page(found, found.comparison))
    if len(found.arms) == 1:
        return render("run.html", _arm_page(found.arms[0], found, worst))
    return render("suite.html", _suite_page(found))


def _foot(folder: Path) -> str:
    return f"bertkit {__version__} · made from {folder}"


def _arm_page(arm: Arm, found: Found, worst: int) -> ArmPage:
    run, task = shown_run(arm), arm.spec.task
    notes = f" · {'; '.join(found.notes)}" if found.notes else ""
    return ArmPage(
        title=f"{task.name} · bertkit report",
        kicker=f"bertkit report · {'one run' if len(arm.runs) == 1 else f'{len(arm.runs)} seeds of one spec'}",
        heading=task.name,
        about=task.about.replace("->", "→"),
        made=f"{about(arm)}{notes}",
        foot=_foot(found.folder),
        arm=arm_part(arm, 1, {}, worst),
        seed=str(run.result.spec.seed) if run and len(arm.runs) > 1 else "",
    )


def _suite_page(found: Found) -> SuitePage:
    differs = differing(found.arms)
    parts = [arm_part(arm, k + 1, differs[k]) for k, arm in enumerate(found.arms)]
    suite = suite_mean(found.arms)
    mean, no_mean = (None, suite) if isinstance(suite, str) else (suite, "")
    runs = sum(len(arm.runs) for arm in found.arms)
    tasks = len({arm.spec.task.name for arm in found.arms})
    specs = [f"{len(parts)} specs"] if len(parts) > tasks else []
    name = mean.title if mean else found.folder.name
    return SuitePage(
        title=f"{name} · bertkit report",
        kicker=f"bertkit report · {runs} runs",
        heading=name,
        about=" · ".join([f"{tasks} tasks" if tasks > 1 else "one task", *specs, *_models(found), *found.notes]),
        foot=_foot(found.folder),
        arms=tuple(_aligned(parts)),
        alerts=tuple(_shared(parts)),
        mean=mean,
        no_mean=no_mean,
    )


def _aligned(parts: Sequence[ArmPart]) -> Iterator[ArmPart]:
    """The arms, their scores on one axis."""
    lines = iter(on_one_axis([line for part in parts for line in part.lines]))
    return (replace(part, lines=tuple(islice(lines, len(part.lines)))) for part in parts)


def _models(found: Found) -> list[str]:
    models = {model_of(arm.spec) for arm in found.arms}
    return list(models) if len(models) == 1 else []


def _shared(parts: Sequence[ArmPart]) -> list[Alert]:
    """The alerts of all arms, each with its tasks; what holds for all of them, or for several, is said once."""
    tasks: dict[Alert, list[str]] = {}
    names = [part.name for part in parts]
    for part in parts:
        for alert in part.alerts:
            same = replace(alert, text=alert.shared) if alert.shared else alert
            tasks.setdefault(same, []).append(part.name if names.count(part.name) == 1 else part.full_name)
    found = []
    for alert, listed in tasks.items():
        several = list(dict.fromkeys(listed))
        named = "" if len(listed) == len(parts) and not alert.shared else f"{', '.join(several)}: "
        found.append(replace(alert, text=f"{named}{alert.text}"))
    return sorted(found, key=lambda alert: alert.level != "bad")


def _comparison_page(found: Found, plain: Any) -> ComparisonPage:
    compared = tuple(compared_of(found.folder, plain))
    arms = list(dict.fromkeys(arm.name for one in compared for arm in one.arms))
    heading = " against ".join(arms)
    tasks = list(dict.fromkeys(one.task for one in compared))
    return ComparisonPage(
        title=f"{heading} · bertkit report",
        kicker="bertkit report · comparison",
        heading=heading,
        about=f"{', '.join(tasks)} · {_counted(compared)}",
        foot=_foot(found.folder),
        compared=compared,
        arms_made=tuple(made_of(found.folder, plain)),
        differences=tuple(plain.get("differences", ())),
        command=plain.get("command", ""),
    )


def _counted(compared: Sequence[Compared]) -> str:
    """On how many rows, where that is one number."""
    rows = {one.rows for one in compared}
    return f"the same {rows.pop():,} rows" if len(rows) == 1 else f"{len(compared)} verdicts, each on the same rows"
