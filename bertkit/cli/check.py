"""The command `bertkit check TASK|FILE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.request.check import check_rows
from bertkit.request.flags import Flags
from bertkit.request.option import OUTPUT, Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import Target, check_save, save, target_of

if TYPE_CHECKING:
    from bertkit.data.report import Report


@dataclass(frozen=True, kw_only=True)
class CheckFlags:
    """The flags of `bertkit check` alone."""

    strict: Annotated[bool, Option("--strict", OUTPUT, "Exit with 1 if anything is wrong with the rows.")] = False
    save: Annotated[
        str | None,
        Option("--save", OUTPUT, "Write the task to a TOML file, to edit, commit and name in the task's place."),
    ] = None
    force: Annotated[bool, Option("--force", OUTPUT, "With --save: replace the file if it exists.")] = False


def check(
    flags: Flags,
    own: OwnFlags,
    checked: CheckFlags,
    display: Display,
    task: Annotated[
        str | None, typer.Argument(help="A task's name (see `bertkit tasks`), or a file or folder of your own.")
    ] = None,
) -> int:
    """Say what a file is taken for, and look at its rows: labels, lengths, duplicates, leaks. Trains nothing."""
    target = target_of(task, own)
    report = report_of(target, flags, checked)
    if checked.save is not None:
        screen.print_lines((f"written: {checked.save}; `bertkit finetune {checked.save}` reads it",), display.silent)
    if display.json:
        screen.print_json(report.plain())
    else:
        from bertkit.cli.check_report import print_report

        print_report(report)
    return 1 if checked.strict and report.wrong else 0


def report_of(target: Target, flags: Flags, checked: CheckFlags) -> Report:
    """Look at a target's rows, and save its task where that is asked for. Raises RequestError or DataError."""
    spec = target.spec(flags)
    if checked.save is not None:
        check_save(target, checked.save, checked.force)
    check_rows(spec)
    from bertkit.data.report import report_on

    report = report_on(spec, flags.model, target.notes)
    if checked.save is not None:
        save(target, spec.recipe, checked.save)
    return report
