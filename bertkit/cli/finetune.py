"""The command `bertkit finetune TASK`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from bertkit import registry
from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed
from bertkit.request.check import check
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.specs import options_of, seeds_of, spec_of


def finetune(
    task: Annotated[str, typer.Argument(help="The task's name: see `bertkit tasks`.")],
    flags: Flags,
    run: RunFlags,
    display: Display,
    seeds: SeedsFlag = 1,
) -> int:
    """Fine-tune an encoder on a task, and score it. Defaults are the task's own: see `bertkit tasks TASK`.

    Run again, a finished run prints its scores, and a stopped one is resumed.
    """
    specs = seeds_of(spec_of(registry.find(task), flags), seeds)
    if run.keep_best and flags.eval_every is None:
        raise RequestError("--keep-best needs --eval-every, which scores the model during training")
    options = options_of(run)
    check(specs)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    from bertkit.studies.group import run_group

    finished = run_group(specs, options, partial(screen.progress, display.silent))
    screen.print_runs(finished, display.json)
    return 0
