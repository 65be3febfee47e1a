"""The command `bertkit resume RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bertkit.cli import options as o
from bertkit.cli import screen
from bertkit.errors import RequestError
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, world_size
from bertkit.request.check import check
from bertkit.request.flags import memory_of
from bertkit.spec import RunOptions


def resume(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run that was stopped.")],
    save_every: o.SaveEvery = None,
    keep_best: o.KeepBest = False,
    max_memory: o.MaxMemory = None,
    offline: o.Offline = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Go on with a run that was stopped, from its newest whole checkpoint.

    It ends with the same bytes as if it had never been stopped.
    """
    from bertkit.runs.folder import located, read_spec

    folder = folder.resolve()
    spec = read_spec(folder)
    started = world_size()
    if started not in (None, spec.processes):
        raise RequestError(f"{folder} is of --processes {spec.processes}; the launcher started {started} (WORLD_SIZE)")
    options = RunOptions(
        out=folder.parent, save_every=save_every, max_memory=memory_of(max_memory), keep_best=keep_best
    )
    check([located(folder, spec)])
    if spec.processes > 1 and not distributed():
        return relaunch(spec.processes)
    from bertkit.runs.run import run

    finished = run(spec, options, screen.watch(quiet or json, spec), folder=folder)
    screen.print_runs([finished], json)
    return 0
