"""The command `bertkit analyse landscape RUN...`, and the function of that name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from bertkit.cli import screen
from bertkit.cli.landscape_screen import print_landscape
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.machine.processes import distributed
from bertkit.request.keywords import Given, Target, named
from bertkit.request.landscape_flags import LandscapeFlags, LandscapeOptions

if TYPE_CHECKING:
    from bertkit.analysis.landscape import Landscape, LandscapeRequest


def analyse_landscape(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders of finished runs of one task: pretrained, scratch.")
    ],
    flags: LandscapeFlags,
    display: Display,
) -> int:
    """Show what training did to the loss surface, from the initial weights to the trained ones.

    How wide and flat it is there, and what is lost when layers are set back: of pretrained runs beside scratch ones.
    """
    asked = request_of(runs, flags)
    found = _found(asked, display.silent)
    print_landscape(found, asked, display.json)
    return 0


def landscape(*runs: Target, progress: bool = False, **options: Unpack[LandscapeOptions]) -> Landscape:
    """The loss surface around finished runs of one task: `bertkit analyse landscape`.

    Returns what was found; a folder below `out` gets landscape.json and figures. Raises BertkitError.
    """
    given = Given("landscape", options, (LandscapeFlags,))
    asked = request_of([named("run", run) for run in runs], given.flags(LandscapeFlags))
    return _found(asked, not progress)


def _found(asked: LandscapeRequest, silent: bool) -> Landscape:
    """The landscape: as it was written before, without torch, else measured."""
    from bertkit.analysis.landscape_files import written

    before = written(asked)
    if before is not None:
        return before
    from bertkit.analysis.landscapes import landscape as measured

    return measured(asked, partial(screen.progress_named, silent))


def request_of(runs: Sequence[str], flags: LandscapeFlags) -> LandscapeRequest:
    """What these flags ask for, checked before torch is loaded. Raises RequestError."""
    from bertkit.analysis.finished_runs import finished_runs
    from bertkit.analysis.landscape import LandscapeRequest, Sizes

    flags.check()
    if not runs:
        raise RequestError("analyse landscape: name at least one run's folder")
    if distributed():
        raise RequestError("bertkit analyse runs in one process: start it without a launcher")
    sizes = Sizes(
        rows=flags.rows, steps=flags.steps, fraction=flags.fraction, directions=flags.directions,
        epsilon=flags.epsilon, surface=flags.surface, seed=flags.seed,
    )  # fmt: skip
    found = finished_runs([expanded(run) for run in runs])
    return LandscapeRequest(runs=found, sizes=sizes, device=flags.device, out=flags.out)
