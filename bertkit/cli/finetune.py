"""The command `bertkit finetune TASK|FILE`."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed
from bertkit.request.check import check
from bertkit.request.flags import DryRunFlag, Flags, RunFlags, SeedsFlag
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import options_of, seeds_of
from bertkit.request.target import target_of
from bertkit.spec import RunOptions, Spec


def finetune(
    flags: Flags,
    own: OwnFlags,
    run: RunFlags,
    display: Display,
    task: Annotated[
        str | None, typer.Argument(help="A task's name (see `bertkit tasks`), or a file or folder of your own.")
    ] = None,
    seeds: SeedsFlag = 1,
    dry_run: DryRunFlag = False,
) -> int:
    """Fine-tune an encoder on a task or on your own file, and score it. Defaults: see `bertkit tasks TASK`.

    Run again, a finished run prints its scores, and a stopped one is resumed.
    """
    target = target_of(task, own)
    specs = seeds_of(target.spec(flags), seeds)
    options = options_of(run, flags)
    check(specs)
    if dry_run:
        screen.print_lines(target.lines, display.silent)
        return _planned(specs, options, display)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    screen.print_lines(target.lines, display.silent)
    from bertkit.studies.group import run_group

    finished = run_group(specs, options, partial(screen.progress, display.silent))
    screen.print_runs(finished, display.json)
    return 0


def _planned(specs: list[Spec], options: RunOptions, display: Display) -> int:
    """Print what these runs would cost; nothing is trained."""
    if distributed():
        raise RequestError("--dry-run times one process: run it without a launcher")
    from bertkit.runs.plan import plan

    with closing(screen.progress(display.silent, specs[0])) as shown:
        found = plan(specs, options, shown)
    screen.print_plan(found.plain, found.lines, display.json)
    return 0
