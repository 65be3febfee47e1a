"""The command `bertkit analyse alignment MODEL`, and its function for Python."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from bertkit.analysis.bodies import find_body
from bertkit.cli import screen
from bertkit.cli.analyse_screen import layer_name, print_files, print_heading, print_table
from bertkit.cli.options import Display
from bertkit.request.alignment_flags import AlignmentFlags, AlignmentOptions
from bertkit.request.analyse_flags import chosen_layers
from bertkit.request.keywords import Given, Target, named

if TYPE_CHECKING:
    from bertkit.reports.alignment import Alignment

COLUMNS = ("LAYER", "MRR [95 %]", "CENTRED MRR [95 %]", "TOP-1", "CENTRED TOP-1")


def analyse_alignment(
    model: Annotated[str, typer.Argument(help='A Hub id, a folder, a run, or "sample".')],
    flags: AlignmentFlags,
    display: Display,
) -> int:
    """How well two languages are aligned: the rank of a translation among all by cosine, at every layer.

    Sentences (--parallel) are the means of their tokens; words (--dictionary) of their occurrences in --text.
    """
    found = _found(model, flags, display.silent)
    if display.json:
        screen.print_json(found.plain())
    else:
        _print(found, flags)
    return 0


def alignment(model: Target, *, progress: bool = False, **options: Unpack[AlignmentOptions]) -> Alignment:
    """`bertkit analyse alignment` from Python. Raises BertkitError."""
    flags = Given("analyse alignment", options, (AlignmentFlags,), like="analyse").flags(AlignmentFlags)
    return _found(named("model", model), flags, not progress)


def _found(model: str, flags: AlignmentFlags, silent: bool) -> Alignment:
    flags.check()
    encoder = find_body(model, flags.revision)
    from bertkit.reports.alignment import alignment as report

    return report(encoder, flags, partial(screen.progress_named, silent))


def _print(found: Alignment, flags: AlignmentFlags) -> None:
    count = len(found.directions[0].layers)
    print_heading(f"{found.model} · {found.pairs:,} pairs of {found.unit}", found.notes)
    layers = range(count) if flags.layers is None else chosen_layers(flags.layers, count - 1)
    for title, way in zip(found.titles, found.directions, strict=True):
        print_heading(f"\n{title}: {way.queries:,} queries, {way.candidates:,} candidates, %")
        rows = []
        for layer in layers:
            one = way.layers[layer]
            mrr = [screen.with_interval(score) for score in (one.mrr, one.centred_mrr)]
            top = [screen.percent(score.value) for score in (one.top, one.centred_top)]
            rows.append([layer_name(layer), *mrr, *top])
        chance = [f"{100 * value:.2f}" for value in way.chance]
        print_table(COLUMNS, [*rows, ["chance", chance[0], chance[0], chance[1], chance[1]]])
    screen.print_below("centred: without each language's mean vector; intervals: bootstrap over the queries")
    screen.console().print(f"\n{found.sentence}", soft_wrap=True)
    print_files([found.figure], found.numbers)
