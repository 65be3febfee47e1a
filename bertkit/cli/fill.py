"""The command `bertkit fill MODEL [TEXT ...]`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen, text_answers
from bertkit.cli.options import Display
from bertkit.deploy.blanks import check_blank
from bertkit.deploy.language_models import FoundModel, find_language_model
from bertkit.deploy.texts import Answerer, check_given
from bertkit.request.text_flags import FillFlags

if TYPE_CHECKING:
    from bertkit.deploy.fill import Candidate, Filled


def fill(
    model: Annotated[str, typer.Argument(help="A Hub id, a folder, or a run.")],
    flags: FillFlags,
    display: Display,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help=r"Texts with blanks: \[MASK], <mask> or ___ in place of a word."),
    ] = None,
) -> None:
    """Fill the blanks of texts: the likeliest words for each, with their probabilities."""
    flags.check()
    check_given(texts or (), flags.file)
    found = find_language_model(model, flags.revision, ("masked",))
    check, load = partial(check_blank, mask=found.mask), partial(_loaded, found, flags)
    if flags.file is None:
        text_answers.answer_typed(texts or (), check, load, _print, display)
    else:
        text_answers.answer_file(flags, check, load, display)


def _loaded(found: FoundModel, flags: FillFlags) -> Answerer:
    from bertkit.deploy.fill import Filler

    return Filler(found, flags.top_k, flags.device, flags.precision)


def _print(filled: Filled, number: str) -> None:
    """Print a filled text, and below it the candidates."""
    from rich.text import Text

    console = screen.console()
    console.print(Text.assemble(number, (text_answers.printable(filled.filled), "bold")), soft_wrap=True)
    several = len(filled.blanks) > 1
    if several:
        console.print(Text("  each blank is filled with the others masked"))
    for place, candidates in enumerate(filled.blanks, 1):
        if several:
            console.print(Text(f"  blank {place}"))
        for one in candidates:
            console.print(
                Text(f"  {'  ' * several}{share_of(one)}  {text_answers.printable(one.word)}"), soft_wrap=True
            )


def share_of(candidate: Candidate) -> str:
    """Its probability in five characters."""
    value = candidate.probability
    return f"{value:.3f}" if value >= 0.0005 or not value else f"{value:.0e}"
