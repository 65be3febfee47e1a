"""The command `bertkit eval TARGET`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bertkit import registry
from bertkit.cli import screen
from bertkit.cli.failures_screen import print_failures
from bertkit.cli.floors_screen import print_suite_floors
from bertkit.cli.options import Display
from bertkit.cli.slices import print_slices
from bertkit.errors import RequestError, UnknownNameError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.check import check, check_rows
from bertkit.request.flags import Flags, RunFlags, names_typed
from bertkit.request.hub_files import on_hub
from bertkit.request.option import OUTPUT, Option
from bertkit.request.own_files import looks_like_path
from bertkit.request.own_flags import OwnFlags
from bertkit.request.slice_flags import SliceFlags
from bertkit.request.specs import options_of, spec_of
from bertkit.request.target import target_scored
from bertkit.result import Scored
from bertkit.runs.folder import SPEC
from bertkit.spec import SAMPLE, Spec
from bertkit.studies.suite import Member, SuiteScore, average_of, finished, plan, run_suite
from bertkit.task import Average, Task


@dataclass(frozen=True, kw_only=True)
class SuiteFlags:
    """The flags of a suite alone."""

    average: Annotated[
        str | None,
        Option(
            "--average",
            OUTPUT,
            "A suite's: of glue official, bert, modernbert or distilbert; of clue official, classification, reading "
            "or ten. [default: official]",
        ),
    ] = None
    plot: Annotated[
        bool, Option("--plot", OUTPUT, "Of a suite: plot its scores over the human ones, with published systems.")
    ] = False

    def check(self, target: str) -> None:
        """Raise RequestError where one is typed for a `target` that is no suite."""
        for name, typed in (("--plot", self.plot), (f"--average {self.average}", self.average is not None)):
            if typed:
                raise RequestError(f"{name}: {target} is no suite")


def evaluate(
    target: Annotated[
        str, typer.Argument(help="A suite (glue, superglue, clue), a task, a run's folder, or your own file of rows.")
    ],
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    sliced: SliceFlags,
    display: Display,
    averaged: SuiteFlags,
) -> int:
    """Score a suite, a fine-tuned checkpoint on a task, or a run.

    A suite's tasks without a finished run are trained first; checkpoints and runs are only scored.
    """
    options = options_of(run)
    sliced.check(target)
    suite = next((suite for suite in registry.suites() if suite.name == target.lower()), None)
    folder = Path(target)
    if suite is None:
        averaged.check(target)
    if suite is None and flags.model is not None and not _is_task(target) and (on_hub(target) or _are_rows(target)):
        refuse(names_typed(flags, run, training=True), "a checkpoint is scored, not trained")
        scored = target_scored(target, own, flags.model, flags.label_map)
        screen.print_lines(scored.lines, display.silent)
        return _score_checkpoint(scored.spec(flags), display)
    refuse(list(own.typed), "these are for a file of your own, given with --model")
    if suite is None and folder.is_dir() and not _is_task(target):
        refuse(names_typed(flags) + names_typed(run, training=True), f"a run is scored again as its {SPEC} says")
        return print_slices(folder, sliced, display) if sliced.asked else _score_run(folder, display)
    if suite is None:
        found = _task(target)
        if flags.model is None:
            raise RequestError(
                f"name the checkpoint to score with --model, or train one: `bertkit finetune {found.name}`"
            )
        refuse(names_typed(flags, run, training=True), "a checkpoint is scored, not trained")
        return _score_checkpoint(spec_of(found, flags), display)
    average_of(suite, averaged.average)
    members = plan(suite, flags)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    if first() and not display.silent:
        _print_plan(members, run.out)
    result = run_suite(suite, members, options, partial(screen.progress, display.silent), averaged.average)
    if first():
        _report_suite(result, run.out if averaged.plot else None, display.json)
    return 0 if result.score is not None else 1


def refuse(flags: list[str], why: str) -> None:
    """Raise RequestError if there are flags that do not apply here."""
    if flags:
        raise RequestError(f"{', '.join(flags)}: {why}")


def _are_rows(target: str) -> bool:
    """Whether this is a path, and not a run's folder."""
    return looks_like_path(target) and not (Path(target) / SPEC).is_file()


def _is_task(target: str) -> bool:
    return target in {task.name for task in registry.tasks()} and not (Path(target) / SPEC).is_file()


def _task(target: str) -> Task:
    try:
        return registry.find(target)
    except UnknownNameError:
        if Path(target).is_file():
            raise RequestError(f"{target}: name the run or checkpoint to score on it, with --model") from None
        if "/" in target or Path(target).exists():
            raise RequestError(
                f"{target} is not a run's folder: there is no such folder, or it has no {SPEC}"
            ) from None
        known = [*(task.name for task in registry.tasks()), *(suite.name for suite in registry.suites())]
        raise UnknownNameError("task or suite", target, known, "bertkit tasks lists them") from None


def _score_run(folder: Path, display: Display) -> int:
    from bertkit.runs.folder import located, read_spec

    spec = read_spec(folder)
    check_rows(located(folder, spec))
    from bertkit.runs.rescore import score_run

    with closing(screen.progress(display.silent, spec)) as progress:
        scores = score_run(folder, progress)
    _print_scores(spec, scores.evaluations, scores.marks, str(folder), display.json)
    return 0


def _score_checkpoint(spec: Spec, display: Display) -> int:
    check([spec], training=False)
    from bertkit.runs.rescore import score_checkpoint

    with closing(screen.progress(display.silent, spec)) as progress:
        scores = score_checkpoint(spec, progress)
    labels = scores.assumed or spec.label_map
    assumed = "in the task's order, an assumption: " if scores.assumed else ""
    _print_scores(spec, scores.evaluations, scores.marks, spec.model, display.json, labels, assumed)
    return 0


def _print_scores(
    spec: Spec,
    scored: tuple[Scored, ...],
    marks: tuple[str, ...],
    name: str,
    json: bool,
    labels: Mapping[str, str] | None = None,
    assumed: str = "",
) -> None:
    from bertkit.spec import to_plain

    if json:
        plain: dict[str, Any] = {"model": name, "marks": list(marks), "evaluations": [to_plain(one) for one in scored]}
        if labels:
            plain |= {"label_map": dict(labels), "label_map_assumed": bool(assumed)}
        screen.print_json(plain)
        return
    screen.print_marks(f"{spec.task.name} · {name} · scored without training", marks, spec.task)
    if labels:
        pairs = ", ".join(f"{theirs} is {ours}" for theirs, ours in labels.items())
        screen.console().print(f"  labels, {assumed or 'by --label-map: '}{pairs}")
    screen.print_scores(spec, scored)


def _print_plan(members: list[Member], out: Path) -> None:
    to_train = [member.task.name for member in members if member.spec and not finished(member, out)]
    before = [member.task.name for member in members if finished(member, out)]
    lines = {"to train": to_train, "finished before": before}
    lines["no rows"] = [member.task.name for member in members if member.missing]
    for title, names in lines.items():
        if names:
            screen.stderr().print(f"{title}: {', '.join(names)}")


def _report_suite(result: SuiteScore, figures: Path | None, json: bool) -> None:
    """Print the scores, and draw the figure into the folder `figures` if it is given and there is a score."""
    drawn = _draw(result, figures) if figures and result.score is not None else ()
    if json:
        screen.print_json({**result.plain(), **({"figures": [str(one) for one in drawn]} if figures else {})})
        return
    _print_suite(result)
    for title, file in zip(("figure: ", "        "), drawn, strict=False):
        screen.console().print(f"{title}{file}", soft_wrap=True)


def _print_suite(result: SuiteScore) -> None:
    from rich.table import Table
    from rich.text import Text

    suite, average = result.suite, result.average
    title = f"{suite.name.upper()} · ours on dev, the human scores on test (another set of rows)"
    screen.console().print(Text(title, style="bold"))
    screen.console().print(Text(f"  average '{average.name}': {average.about}"))
    marks = dict.fromkeys(mark for member in result.members if member.result for mark in _sample_marks(member))
    for mark in marks:
        screen.console().print(Text(f"  {mark}", style="yellow"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TASK", "METRICS", "SCORE", "HUMAN", "SHARE"):
        table.add_column(name, justify="left" if name in ("TASK", "METRICS") else "right", no_wrap=name == "TASK")
    for member in result.members:
        table.add_row(*_cells(member, average))
    table.add_section()
    if result.score is not None:
        human = screen.percent(result.human) if result.human else ""
        compared = result.human and (result.is_complete or _all(result))
        share = f"{screen.percent(result.score / result.human)} %" if result.human and compared else ""
        table.add_row("mean", result.name, screen.percent(result.score), human, share)
    screen.console().print(table)
    print_suite_floors(result.members, average)
    for member in result.members:
        if member.result:
            print_failures(member.result.failures, f"{member.task.name} ")


def _draw(result: SuiteScore, out: Path) -> tuple[Path, Path]:
    from bertkit.studies.against_human import plot

    spec = next(member.spec for member in result.members if member.spec)
    name = "MiniLM-L6" if spec.model == SAMPLE else spec.model.rstrip("/").split("/")[-1]
    return plot(result, out, name)


def _all(result: SuiteScore) -> bool:
    scores = (member.score(result.average) for member in result.members if member.task.name in result.average.tasks)
    return all(score is not None for score in scores)


def _sample_marks(member: Member) -> list[str]:
    return [mark for mark in member.result.marks if mark.startswith("sample")] if member.result else []


def _cells(member: Member, average: Average) -> tuple[str, str, str, str, str]:
    score, human_score = member.score(average), member.human(average)
    human = screen.percent(human_score) if human_score is not None else ""
    parts = []
    for scored in member.evaluations:
        label = "" if len(member.task.scored) == 1 else f"{scored.name} "
        if scored.missing:
            parts.append(f"{label}({scored.missing})")
        for name, one in scored.metrics.items():
            parts.append(f"{label}{screen.METRIC_TITLES.get(name, name)} {screen.percent(one.value)}")
    if member.task.name not in average.tasks:
        missing = [f"({member.missing})"] if member.missing else []
        return member.task.name, " · ".join([*parts, *missing, "(not in this average)"]), "", "", ""
    if score is None:
        return member.task.name, f"({member.missing or 'nothing was scored'})", "", human, ""
    marks = member.result.marks if member.result else ()
    partial = [mark for mark in marks if mark.endswith(" rows")]
    if member.result and member.result.failures:
        partial.append("failed")
    cell = " · ".join(parts) + (f" ({'; '.join(partial)})" if partial else "")
    share = f"{screen.percent(score / human_score)} %" if human_score else ""
    return member.task.name, cell, screen.percent(score), human, share
