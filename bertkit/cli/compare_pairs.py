"""The command `bertkit compare nsp-vs-sop CORPUS…`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.compare import NSP_VS_SOP
from bertkit.cli.options import Display
from bertkit.cli.study_files import print_files
from bertkit.machine.launch import relaunch
from bertkit.machine.processes import distributed, first
from bertkit.request.flags import RunFlags, SeedsFlag
from bertkit.request.pretrain_flags import PairFlags
from bertkit.request.specs import options_of

if TYPE_CHECKING:
    from bertkit.studies.pairs import PairStudy


def compare_pairs(
    flags: PairFlags,
    run: RunFlags,
    display: Display,
    corpus: Annotated[
        list[str], typer.Argument(metavar="CORPUS...", help="Files or folders of text, or hub:OWNER/NAME.")
    ],
    seeds: SeedsFlag = 1,
) -> int:
    """Pretrain with next sentences (mlm+nsp) and with sentence order (mlm+sop), and tell both kinds of pairs apart.

    The same text, shape and budget for both. Run again, finished runs are not trained again.
    """
    specs, options = flags.specs(corpus, seeds), options_of(run)
    if flags.processes > 1 and not distributed():
        return relaunch(flags.processes)
    from bertkit.studies.pairs import compare_pairs as compared

    found = compared(specs, seeds, options, partial(screen.progress_named, display.silent))
    if first():
        _report(found, run.out, display.json)
    return 0


def _report(found: PairStudy, out: Path, json: bool) -> None:
    from hashlib import sha256

    from bertkit.files import write_json
    from bertkit.plots.curves import draw

    digests = "".join(arm.spec.digest + str(len(arm.runs)) for arm in found.arms)
    folder = out / f"{NSP_VS_SOP}-{sha256(digests.encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    plain = {"comparison": NSP_VS_SOP, **found.plain()}
    draw([found.panel], _title(found), folder / "curves.png", folder / "curves.svg")
    write_json(folder / "compare.json", plain)
    if json:
        screen.print_json({"folder": str(folder), **plain})
        return
    _print(found)
    print_files(folder)


def _title(found: PairStudy) -> str:
    spec, seeds = found.arms[0].spec, len(found.arms[0].runs)
    over = f"mean, least and greatest of {seeds} seeds" if seeds > 1 else f"seed {spec.seed}"
    return f"{spec.architecture} {spec.shape.name}, pretrained with next sentences and with sentence order · {over}"


def _print(found: PairStudy) -> None:
    from rich.table import Table
    from rich.text import Text

    console, kinds = screen.console(), [arm.name for arm in found.arms]
    for arm in found.arms:
        result = arm.runs[0].result
        loss, count = result.measures["loss"].value, len(arm.runs)
        line = f"{arm.name} · {result.training.steps:,} updates · {result.training.tokens:,} tokens · loss {loss:.3f}"
        console.print(Text(line + (f" · {count} seeds" if count > 1 else ""), style="bold"))
        for run in arm.runs:
            console.print(f"  {'finished before' if run.before else 'run'}: {run.folder}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ACCURACY OF", "TEXT", "ON NSP PAIRS", "ON SOP PAIRS"):
        table.add_column(name, no_wrap=True)
    shown = {(one.reader, one.reading, one.pairs): one.shown for one in found.accuracies}
    for reader, reading in dict.fromkeys((reader, reading) for reader, reading, _ in shown):
        table.add_row(reader, reading, *(shown[reader, reading, kind] for kind in kinds))
    console.print(table)
    console.print(f"  [95 % over {found.pairs:,} held-out pairs of either kind, half of each class]", soft_wrap=True)
    for sentence in found.lines:
        console.print(Text(f"  {sentence}"), soft_wrap=True)
