"""The command `bertkit resume RUN`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.cli.pretrain_screen import print_pretrained
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, world_size
from bertkit.pretraining import is_pretraining
from bertkit.request.check import check
from bertkit.request.flags import RunFlags
from bertkit.request.specs import options_of


def resume(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the stopped run.")],
    run: RunFlags,
    display: Display,
) -> int:
    """Resume a stopped run from its newest intact checkpoint.

    Its weights and scores are byte for byte those of a run that was never stopped.
    """
    if is_pretraining(folder):
        return _resume_pretraining(folder.resolve(), run, display)
    from bertkit.runs.folder import located, pinned_to, read_spec, recorded_commits

    folder = folder.resolve()
    spec = read_spec(folder)
    started = world_size()
    if started not in (None, spec.processes):
        raise RequestError(f"{folder} is of --processes {spec.processes}; the launcher started {started} (WORLD_SIZE)")
    options = replace(options_of(run), out=folder.parent)
    check([pinned_to(located(folder, spec), recorded_commits(folder))])  # its own commits, not the newest
    if spec.processes > 1 and not distributed():
        return relaunch(spec.processes)
    from bertkit.runs.run import run as resumed

    finished = resumed(spec, options, screen.progress(display.silent, spec), folder=folder)
    screen.print_runs([finished], display.json)
    return 0


def _resume_pretraining(folder: Path, run: RunFlags, display: Display) -> int:
    from bertkit.runs.pretrain_folder import read_pretrain_spec

    spec = read_pretrain_spec(folder)
    started = world_size()
    if started not in (None, spec.processes):
        raise RequestError(f"{folder} is of --processes {spec.processes}; the launcher started {started} (WORLD_SIZE)")
    if spec.processes > 1 and not distributed():
        return relaunch(spec.processes)
    from bertkit.runs.pretrain import pretrain

    options = replace(options_of(run), out=folder.parent)
    progress = screen.progress_named(display.silent, f"pretraining, seed {spec.seed}")
    print_pretrained(pretrain(spec, options, progress, folder=folder), display.json)
    return 0
