"""The command `bertkit corrupt [TEXT]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.objectives.base import Objective
from bertkit.objectives.denoise import RATIOS, Denoise
from bertkit.objectives.masked import Masked
from bertkit.request.corrupt_flags import CorruptFlags, check_text

if TYPE_CHECKING:
    from rich.text import Text

    from bertkit.deploy.corrupt import Corrupted

HOW = {
    "mask": "become mask tokens; the decoder gives the text",
    "delete": "are missing; the decoder gives the text",
    "infill": "in spans, their lengths Poisson of mean 3, each of which becomes one mask token; the decoder gives the "
    "text",
    "permute": "sentences in random order; the decoder gives the text",
    "rotate": "the text begins with one of its tokens, those before it follow; the decoder gives the text",
    "mass": "in one piece, become mask tokens; the decoder gives that piece alone",
    "t5": "in spans of 3 on average, each of which becomes a sentinel; the decoder gives the spans",
    "bart": "infilled, and sentences in random order; the decoder gives the text",
}
"""What each noise does."""
REPLACED = {
    "80-10-10": "80 % of them masked, 10 % a random token, 10 % as they are",
    "mask": "all of them masked",
    "random": "a random token in the place of each",
}
UNITS = {
    "subword": "",
    "whole-word": ", whole words,",
    "span": ", spans of words,",
    "ngram": ", 1 to 3 words at a time,",
}


def corrupt(
    flags: CorruptFlags,
    display: Display,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The text; without it, standard input is read.")
    ] = None,
) -> None:
    """Show a text before and after noise, and what a model is trained to give.

    --noise mlm is for an encoder (BERT); the others are for one with a decoder (BART, MASS, T5). It needs no model.
    """
    objective = flags.made()
    given = _standard_input() if text is None else text
    check_text(given)
    from bertkit.deploy.corrupt import corrupt as corrupted

    found = corrupted(given, flags)
    if display.json:
        for one in found:
            screen.print_json(one.plain())
        return
    screen.console().print(about(objective), style="dim")
    _print(found)


def _standard_input() -> str:
    """The text on standard input. Raises RequestError if there is none."""
    if sys.stdin is None or sys.stdin.isatty():
        raise RequestError('give a text, or pipe one in: bertkit corrupt "The old man sat by the sea."')
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"standard input is not UTF-8 (byte {error.start + 1:,}): convert it first") from None


def about(objective: Objective) -> str:
    """What an objective does to a text, in a line."""
    if isinstance(objective, Masked):
        share = f"{100 * objective.probability:g} % of the tokens{UNITS[objective.unit]}"
        return f"mlm: {share} are predicted; {REPLACED[objective.replacement]}"
    assert isinstance(objective, Denoise)
    share = f"{100 * objective.share:g} % of the tokens " if objective.noise in RATIOS else ""
    return f"{objective.noise}: {share}{HOW[objective.noise]}"


def _print(found: Sequence[Corrupted]) -> None:
    """Print the text once, and what was drawn each time; the target once if it is always the same."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("before", _styled(found[0].before, found[0]))
    same = len({one.target for one in found}) == 1
    for number, one in enumerate(found, 1):
        suffix = f" {number}" if len(found) > 1 else ""
        table.add_row(f"after{suffix}", _styled(one.after, one))
        if not same:
            table.add_row(f"target{suffix}", _styled(one.target, one))
    if same:
        table.add_row("target", _styled(found[0].target, found[0]))
    screen.console().print(table)


def _styled(text: str, of: Corrupted) -> Text:
    """The text with its mask tokens and sentinels in colour."""
    from rich.text import Text

    found = Text(text)
    found.highlight_words(of.marks, "bold yellow")
    return found
