"""The command `bertkit analyse probes MODEL`, and its function for Python."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from bertkit.analysis.bodies import find_body
from bertkit.cli import screen
from bertkit.cli.analyse_screen import layer_name, print_files, print_heading, print_table
from bertkit.cli.options import Display
from bertkit.request.check import check
from bertkit.request.keywords import Given, Target, named
from bertkit.request.probe_flags import ProbeFlags, ProbeOptions

if TYPE_CHECKING:
    from bertkit.reports.probes import Probes

COLUMNS = ("LAYER", "ACCURACY [95 %]", "UNTRAINED", "CONTROL", "SELECTIVITY [95 %]")


def analyse_probes(
    model: Annotated[str, typer.Argument(help='A Hub id, a folder, a run, or "sample".')],
    flags: ProbeFlags,
    display: Display,
) -> int:
    """What linear probes tell from each layer's frozen vectors: the tags of words, or the labels of texts.

    Beside the same architecture untrained, and a control task of random labels (Hewitt and Liang 2019).
    """
    found = _found(model, flags, display.silent)
    if display.json:
        screen.print_json(found.plain())
    else:
        _print(found)
    return 0


def probes(model: Target, *, progress: bool = False, **options: Unpack[ProbeOptions]) -> Probes:
    """`bertkit analyse probes` from Python. Raises BertkitError."""
    flags = Given("analyse probes", options, (ProbeFlags,), like="analyse").flags(ProbeFlags)
    return _found(named("model", model), flags, not progress)


def _found(model: str, flags: ProbeFlags, silent: bool) -> Probes:
    flags.check()
    spec = flags.spec(model)
    encoder = find_body(model, flags.revision)
    check([spec])
    from bertkit.reports.probes import probes as report

    return report(encoder, spec, flags, partial(screen.progress_named, silent))


def _print(found: Probes) -> None:
    scored, train = found.items
    line = f"{found.model} · {found.task}, {found.evaluation} · {found.labels:,} labels of {found.unit}"
    print_heading(line, found.notes)
    rows = [
        [layer_name(one.layer), screen.with_interval(one.accuracy), screen.percent(one.untrained.value),
         screen.percent(one.control.value), screen.with_interval(one.selectivity)]
        for one in found.layers
    ]  # fmt: skip
    print_table(COLUMNS, rows)
    floors = " · ".join(f"{one.name} {screen.with_interval(one.accuracy)}" for one in found.floors)
    screen.print_below(f"floors: {floors}")
    screen.print_below(
        f"% of {scored:,} {found.unit} in {found.rows[0]:,} rows; probes are trained on {train:,} in {found.rows[1]:,} "
        "rows; selectivity: accuracy minus control"
    )
    fits = [one.fitted for one in found.layers]
    screen.print_below(
        f"on the rows they are trained on, control probes tell {screen.percent(min(fits))} to "
        f"{screen.percent(max(fits))} % of the random labels"
    )
    screen.console().print(f"\n{found.sentence}", soft_wrap=True)
    print_files([found.figure], found.numbers)
