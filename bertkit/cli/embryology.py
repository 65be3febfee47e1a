"""The command `bertkit embryology RUN`, and the function of that name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from bertkit.cli import screen
from bertkit.cli.embryology_screen import print_embryology
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.processes import distributed
from bertkit.request.check import check
from bertkit.request.embryology_flags import EmbryologyFlags, EmbryologyOptions
from bertkit.request.flags import RunFlags
from bertkit.request.keywords import Given, Target, named
from bertkit.request.specs import options_of

if TYPE_CHECKING:
    from bertkit.reports.embryology import Embryology, EmbryologyRequest


def look(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a pretraining run with --keep log.")],
    flags: EmbryologyFlags,
    run: RunFlags,
    display: Display,
) -> int:
    """Look at what a masked language model learnt when: words by part of speech, layers, and tasks.

    A model that was measured before is not measured again; of a run that still trains, those kept so far are.
    """
    asked = request_of(folder, flags, run)
    from bertkit.reports import embryology as report

    found = report.embryology(asked, partial(screen.progress_named, display.silent))
    print_embryology(found, display.json)
    return 0


def embryology(run: Target, *, progress: bool = False, **options: Unpack[EmbryologyOptions]) -> Embryology:
    """Look at what a pretraining run's kept models know of words, layers and tasks: `bertkit embryology`.

    Returns what was found; the run's folder gets embryology.json and two figures. Raises BertkitError.
    """
    given = Given("embryology", options, (EmbryologyFlags, RunFlags))
    asked = request_of(Path(named("run", run)), given.flags(EmbryologyFlags), given.flags(RunFlags))
    from bertkit.reports import embryology as report

    return report.embryology(asked, partial(screen.progress_named, not progress))


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
    from bertkit.reports.embryology import EmbryologyRequest

    return EmbryologyRequest(
        run=kept, treebank=treebank, sizes=Sizes(words=flags.words, sentences=flags.probe_sentences),
        downstream=tuple(downstream), seeds=flags.seeds, points=flags.points, options=options,
    )  # fmt: skip
