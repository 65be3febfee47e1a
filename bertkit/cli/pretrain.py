"""The command `bertkit pretrain CORPUS…`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.cli.pretrain_screen import print_pretrained
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed
from bertkit.request.flags import RunFlags
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.request.specs import options_of


def pretrain(
    flags: PretrainFlags,
    run: RunFlags,
    display: Display,
    corpus: Annotated[
        list[str], typer.Argument(metavar="CORPUS...", help="Files or folders of text, or hub:OWNER/NAME.")
    ],
) -> int:
    """Pretrain a model on text of your own, and measure it on text held out.

    Run again, a finished run prints its measures, and a stopped one is resumed.
    """
    spec = flags.spec(corpus)
    options = options_of(run)
    if spec.processes > 1 and not distributed():
        return relaunch(spec.processes)
    from bertkit.runs.pretrain import pretrain as pretrained

    finished = pretrained(spec, options, screen.progress_named(display.silent, f"pretraining, seed {spec.seed}"))
    print_pretrained(finished, display.json)
    return 0
