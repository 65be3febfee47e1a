"""The command `bertkit analyse language-vector MODEL`, and its function for Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from bertkit.analysis.bodies import find_body
from bertkit.cli import screen
from bertkit.cli.analyse_screen import layer_name, print_files, print_heading, print_table
from bertkit.cli.options import Display
from bertkit.request.keywords import Given, Target, named
from bertkit.request.language_vector_flags import LanguageVectorFlags, LanguageVectorOptions

if TYPE_CHECKING:
    from bertkit.reports.filled_tokens import FilledStudy
    from bertkit.reports.language_vector import LanguageVector


def analyse_language_vector(
    model: Annotated[str, typer.Argument(help='A Hub id, a folder, a run, or "sample".')],
    flags: LanguageVectorFlags,
    display: Display,
) -> int:
    """What becomes of texts if the mean difference of two languages is added to their hidden states.

    Layer and strength are chosen on one half of the pairs, and measured on the other.
    """
    found = _found(model, flags, display.silent)
    if display.json:
        screen.print_json(found.plain())
    else:
        _print(found)
    return 0


def language_vector(
    model: Target, *, progress: bool = False, **options: Unpack[LanguageVectorOptions]
) -> LanguageVector:
    """`bertkit analyse language-vector` from Python. Raises BertkitError."""
    given = Given("analyse language-vector", options, (LanguageVectorFlags,), like="analyse")
    return _found(named("model", model), given.flags(LanguageVectorFlags), not progress)


def _found(model: str, flags: LanguageVectorFlags, silent: bool) -> LanguageVector:
    flags.check()
    encoder = find_body(model, flags.revision)
    from bertkit.reports.language_vector import language_vector as report

    return report(encoder, flags, partial(screen.progress_named, silent))


def _print(found: LanguageVector) -> None:
    one, other = found.languages
    unit = "pairs" if found.paired else "texts of each language"
    print_heading(f"{found.model} · {one} → {other} · {found.halves[1]:,} {unit} measured", found.notes)
    both = " / is the translation" if found.paired else ""

    def shares(cell: Any, place: str) -> str:
        target, translation, _ = getattr(cell, place).scores
        return screen.percent(target.value) + (f" / {screen.percent(translation.value)}" if found.paired else "")

    for place, title in (("behind", "after the layers above have run"), ("here", "at the layer itself")):
        print_heading(f"\nNearest sentence is {other}{both}, %, {title}")
        _print_grid(found, found.cells, partial(shares, place=place))
    if found.filled:
        _print_filled(found, found.filled)
    for shown in found.shown:
        print_heading(f"\n{shown.sentence}")
        for k, strength in enumerate(shown.strengths):
            screen.print_below(f"α = {strength:g}  nearest: {shown.nearest[k]}")
            if shown.filled is not None:
                screen.print_below(f"       filled: {shown.filled[k]}")
    for place in found.chosen:
        screen.console().print(f"\n{found.finding(place)}", soft_wrap=True)
    print_files([found.figure], found.numbers)


def _print_grid(found: LanguageVector, cells: Any, shown: Callable[[Any], str]) -> None:
    rows = [
        [layer_name(layer), *(shown(cell) for cell in cells if cell.layer == layer)]
        for layer in found.layers
    ]  # fmt: skip
    print_table(("LAYER", *(f"α = {strength:g}" for strength in found.strengths)), rows)


def _print_filled(found: LanguageVector, filled: FilledStudy) -> None:
    other = found.languages[1]
    also = " / words translated" if filled.words is not None else ""
    print_heading(f"\nFilled tokens of {other} / of neither language{also}, %, in {filled.texts:,} texts")

    def shares(cell: Any) -> str:
        target, _, neither = cell.shares
        parts = [target, neither] + ([] if cell.translated is None else [cell.translated])
        return "/".join(screen.percent(score.value) for score in parts)  # without spaces four fit into 80 columns

    _print_grid(found, filled.cells, shares)
    best = filled.chosen
    words = "" if best.translated is None else f"; {screen.with_interval(best.translated)} % of the words translated"
    screen.print_below(
        f"chosen on the other half: layer {best.layer}, α = {best.strength:g}: "
        f"{screen.with_interval(best.shares[0])} % of the tokens are {other}{words}"
    )
