"""The command `bertkit embryology RUN`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.embryology_screen import print_embryology
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.processes import distributed
from bertkit.request.check import check
from bertkit.request.embryology_flags import EmbryologyFlags
from bertkit.request.flags import RunFlags
from bertkit.request.specs import options_of

if TYPE_CHECKING:
    from bertkit.report.embryology import EmbryologyRequest


def embryology(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a pretraining run with --keep log.")],
    flags: EmbryologyFlags,
    run: RunFlags,
    display: Display,
) -> int:
    """Look at what a masked language model learnt when: words by part of speech, layers, and tasks.

    A model that was measured before is not measured again; of a run that still trains, those kept so far are.
    """
    asked = request_of(folder, flags, run)
    from bertkit.report.embryology import embryology as found_in

    found = found_in(asked, partial(screen.progress_named, display.silent))
    print_embryology(found, display.json)
    return 0


def request_of(folder: Path, flags: EmbryologyFlags, run: RunFlags) -> EmbryologyRequest:
    """What these flags ask for, checked before torch is loaded. Raises RequestError or DataError."""
    from bertkit.analysis.checkpoints import kept_run

    flags.check()
    if distributed():
        raise RequestError("bertkit embryology runs in one process: start it without a launcher")
    kept = kept_run(folder)
    model = str(kept.models[0].folder)
    treebank, downstream = flags.treebank(model), flags.downstream_specs(model)
    options = options_of(run)
    check([treebank], training=False)
    check(downstream)
    from bertkit.analysis.embryology import Sizes
    from bertkit.report.embryology import EmbryologyRequest

    return EmbryologyRequest(
        run=kept, treebank=treebank, sizes=Sizes(words=flags.words, sentences=flags.probe_sentences),
        downstream=tuple(downstream), seeds=flags.seeds, points=flags.points, options=options,
    )  # fmt: skip
