"""The command `bertkit pretrain CORPUS…`."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.cli.pretrain_screen import print_pretrained
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed
from bertkit.pretraining import PretrainSpec
from bertkit.request.flags import DryRunFlag, RunFlags
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.request.specs import options_of
from bertkit.spec import RunOptions


def pretrain(
    flags: PretrainFlags,
    run: RunFlags,
    display: Display,
    corpus: Annotated[
        list[str], typer.Argument(metavar="CORPUS...", help="Files or folders of text, or hub:OWNER/NAME.")
    ],
    dry_run: DryRunFlag = False,
) -> int:
    """Pretrain a model on text of your own, and measure it on text held out.

    Run again, a finished run prints its measures, and a stopped one is resumed.
    """
    spec = flags.spec(corpus)
    options = options_of(run)
    if dry_run:
        return _planned(spec, options, display)
    if spec.processes > 1 and not distributed():
        return relaunch(spec.processes)
    from bertkit.runs.pretrain import pretrain as pretrained

    finished = pretrained(spec, options, screen.progress_named(display.silent, f"pretraining, seed {spec.seed}"))
    print_pretrained(finished, display.json)
    return 0


def _planned(spec: PretrainSpec, options: RunOptions, display: Display) -> int:
    """Print what this run would come to; nothing is trained."""
    if distributed():
        raise RequestError("--dry-run times one process: run it without a launcher")
    from bertkit.runs.pretrain_plan import pretrain_plan

    with closing(screen.progress_named(display.silent, "pretraining")) as shown:
        found = pretrain_plan(spec, options, shown)
    screen.print_plan(found.plain, found.lines, display.json)
    return 0
