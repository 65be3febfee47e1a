"""The command `bertkit eval TARGET`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import typer

from bertkit import registry
from bertkit.cli import options as o
from bertkit.cli import screen
from bertkit.errors import RequestError, UnknownNameError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.check import check, check_rows
from bertkit.request.flags import Asked, memory_of, spec_of
from bertkit.result import Scored
from bertkit.runs.folder import SPEC
from bertkit.spec import RunOptions, Spec
from bertkit.studies.suite import Member, SuiteScore, finished, plan, run_suite
from bertkit.task import Suite, Task

OF_TRAINING = frozenset((
    "scratch", "epochs", "max_steps", "batch_size", "learning_rate", "order", "precision", "processes",
    "max_memory", "save_every",
))  # fmt: skip


def evaluate(
    target: Annotated[str, typer.Argument(help="A suite (glue), a task, or a run's folder.")],
    model: o.Model = None,
    revision: o.Revision = None,
    scratch: o.Scratch = False,
    data: o.Data = None,
    sample: o.Sample = False,
    limit: o.Limit = None,
    epochs: o.Epochs = None,
    max_steps: o.MaxSteps = None,
    batch_size: o.BatchSize = None,
    learning_rate: o.LearningRate = None,
    max_length: o.MaxLength = None,
    null_threshold: o.NullThreshold = None,
    seed: o.Seed = 42,
    device: o.DeviceOption = "auto",
    precision: o.PrecisionOption = "auto",
    layout: o.LayoutOption = "auto",
    order: o.OrderOption = None,
    processes: o.Processes = 1,
    max_memory: o.MaxMemory = None,
    save_every: o.SaveEvery = None,
    out: o.Out = Path("runs"),
    force: o.Force = False,
    offline: o.Offline = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Score a suite, a fine-tuned checkpoint on a task, or a run.

    A suite's tasks that have no finished run are trained first; the others are never trained.
    """
    asked = Asked(
        model=model, revision=revision, scratch=scratch, data=data, sample=sample, limit=limit, epochs=epochs,
        max_steps=max_steps, batch_size=batch_size, learning_rate=learning_rate, max_length=max_length,
        null_threshold=null_threshold, seed=seed, device=device, precision=precision, processes=processes,
        layout=layout, order=order,
    )  # fmt: skip
    options = RunOptions(out=out, force=force, save_every=save_every, max_memory=memory_of(max_memory))
    typed = [*_typed(asked), *_typed(replace(options, out=RunOptions().out, force=False))]
    suite = next((suite for suite in registry.suites() if suite.name == target.lower()), None)
    folder = Path(target)
    if suite is None and folder.is_dir() and not _is_task(target):
        _refuse(typed, f"a run is scored again as its {SPEC} says")
        return _score_run(folder, json, quiet)
    if suite is None:
        found = _task(target)
        if model is None:
            raise RequestError(
                f"name the checkpoint to score with --model, or train one: `bertkit finetune {found.name}`"
            )
        _refuse([name for name in typed if name in OF_TRAINING], "a checkpoint is scored, not trained")
        return _score_checkpoint(spec_of(found, asked), json, quiet)
    members = plan(suite, asked)
    if processes > 1 and not distributed():
        return relaunch(processes)
    if first() and not quiet and not json:
        _print_plan(members, out)
    result = run_suite(suite, members, options, lambda spec: screen.watch(quiet or json, spec))
    if json:
        screen.print_json(result.plain())
    elif first():
        _print_suite(result)
    return 0 if result.score is not None else 1


def _typed(asked: Asked | RunOptions) -> list[str]:
    """The names of what is not as it is by default."""
    default = type(asked)()
    return [f.name for f in fields(asked) if getattr(asked, f.name) != getattr(default, f.name)]


def _refuse(typed: list[str], why: str) -> None:
    """Raise RequestError for flags that were typed and mean nothing here."""
    if typed:
        flags = ", ".join("--" + name.replace("_", "-") for name in typed)
        raise RequestError(f"{flags}: {why}")


def _is_task(target: str) -> bool:
    return target in {task.name for task in registry.tasks()} and not (Path(target) / SPEC).is_file()


def _task(target: str) -> Task:
    try:
        return registry.find(target)
    except UnknownNameError:
        if "/" in target or Path(target).exists():
            raise RequestError(
                f"{target} is not a run's folder: there is no such folder, or it has no {SPEC}"
            ) from None
        known = [*(task.name for task in registry.tasks()), *(suite.name for suite in registry.suites())]
        raise UnknownNameError("task or suite", target, known, "bertkit tasks lists them") from None


def _score_run(folder: Path, json: bool, quiet: bool) -> int:
    from bertkit.runs.folder import located, read_spec

    spec = read_spec(folder)
    check_rows(located(folder, spec))
    from bertkit.runs.rescore import score_run

    with closing(screen.watch(quiet or json, spec)) as watch:
        scores = score_run(folder, watch)
    _print_scores(spec, scores.evaluations, scores.marks, str(folder), json)
    return 0


def _score_checkpoint(spec: Spec, json: bool, quiet: bool) -> int:
    check([spec], training=False)
    from bertkit.runs.rescore import score_checkpoint

    with closing(screen.watch(quiet or json, spec)) as watch:
        scores = score_checkpoint(spec, watch)
    _print_scores(spec, scores.evaluations, scores.marks, spec.model, json)
    return 0


def _print_scores(spec: Spec, scored: tuple[Scored, ...], marks: tuple[str, ...], name: str, json: bool) -> None:
    from bertkit.spec import to_plain

    if json:
        screen.print_json({"model": name, "marks": list(marks), "evaluations": [to_plain(one) for one in scored]})
        return
    screen.print_marks(f"{spec.task.name} · {name} · scored again, nothing trained", marks)
    screen.print_scores(spec, scored)


def _print_plan(members: list[Member], out: Path) -> None:
    to_train = [member.task.name for member in members if member.spec and not finished(member, out)]
    before = [member.task.name for member in members if finished(member, out)]
    lines = {"to train": to_train, "finished before": before}
    lines["no rows"] = [member.task.name for member in members if member.missing]
    for title, names in lines.items():
        if names:
            screen.stderr().print(f"{title}: {', '.join(names)}")


def _print_suite(result: SuiteScore) -> None:
    from rich.table import Table
    from rich.text import Text

    suite: Suite = result.suite
    title = f"{suite.name.upper()} · ours on dev, the human scores on test (another set of rows)"
    screen.console().print(Text(title, style="bold"))
    marks = dict.fromkeys(mark for member in result.members if member.result for mark in _sample_marks(member))
    for mark in marks:
        screen.console().print(Text(f"  {mark}", style="yellow"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TASK", "METRICS", "SCORE", "HUMAN", "SHARE"):
        table.add_column(name, justify="left" if name in ("TASK", "METRICS") else "right", no_wrap=name == "TASK")
    for member in result.members:
        table.add_row(*_cells(member))
    table.add_section()
    if result.score is not None:
        share = screen.percent(result.score / suite.human) + " %" if result.whole or _all(result) else ""
        table.add_row("mean", result.name, screen.percent(result.score), screen.percent(suite.human), share)
    screen.console().print(table)


def _all(result: SuiteScore) -> bool:
    return all(member.score is not None for member in result.members)


def _sample_marks(member: Member) -> list[str]:
    return [mark for mark in member.result.marks if mark.startswith("sample")] if member.result else []


def _cells(member: Member) -> tuple[str, str, str, str, str]:
    human = screen.percent(member.human)
    if member.score is None:
        return member.task.name, f"({member.missing or 'nothing was scored'})", "", human, ""
    parts = []
    for scored in member.evaluations:
        label = "" if len(member.task.scored) == 1 else f"{scored.name} "
        if scored.missing:
            parts.append(f"{label}({scored.missing})")
        for name, score in scored.metrics.items():
            parts.append(f"{label}{screen.METRIC_TITLES.get(name, name)} {screen.percent(score.value)}")
    marks = member.result.marks if member.result else ()
    partial = [mark for mark in marks if mark.endswith(" rows")]
    cell = " · ".join(parts) + (f" ({'; '.join(partial)})" if partial else "")
    share = f"{screen.percent(member.score / member.human)} %"
    return member.task.name, cell, screen.percent(member.score), human, share
