"""The command `bertkit analyse`, which has one for each analysis, listed in ANALYSES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from typer.core import TyperGroup

from bertkit.cli import (
    analyse_alignment,
    analyse_cbow,
    analyse_landscape,
    analyse_language_vector,
    analyse_probes,
    analyse_word,
)
from bertkit.cli.options import plain_name
from bertkit.errors import RequestError, UnknownNameError

HELP = """Look into an encoder: what its vectors know, layer by layer. Nothing is trained but what is compared with it.

`bertkit analyse WHAT MODEL`: MODEL is a Hub id, a folder, a run, or "sample"."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A WHAT: the function of its command, whose groups of flags become options, and that for Python."""

    command: Callable[..., int | None]
    function: Callable[..., Any]


ANALYSES = {
    "word": Analysis(command=analyse_word.analyse_word, function=analyse_word.word),
    "cbow": Analysis(command=analyse_cbow.analyse_cbow, function=analyse_cbow.cbow),
    "alignment": Analysis(command=analyse_alignment.analyse_alignment, function=analyse_alignment.alignment),
    "language-vector": Analysis(
        command=analyse_language_vector.analyse_language_vector, function=analyse_language_vector.language_vector
    ),
    "probes": Analysis(command=analyse_probes.analyse_probes, function=analyse_probes.probes),
    "landscape": Analysis(command=analyse_landscape.analyse_landscape, function=analyse_landscape.landscape),
}
"""Every WHAT, in the order of --help."""


def analysis_named(typed: str) -> Analysis:
    """The analysis of this name. Raises RequestError."""
    name = plain_name(typed)
    if name not in ANALYSES:
        raise UnknownNameError("analysis", typed, ANALYSES, f"there are {', '.join(ANALYSES)}")
    return ANALYSES[name]


class Analyses(TyperGroup):
    """The analyses as commands, each with its own options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As click does. Raises RequestError where nothing is named."""
        if not args:
            raise RequestError(f"analyse: name what to look at: {', '.join(ANALYSES)}")
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The analysis' command. Raises RequestError."""
        analysis_named(cmd_name)
        return super().get_command(ctx, plain_name(cmd_name))
