"""The command `bertkit analyse`: the names of its analyses, each of which is a command of its own."""

from __future__ import annotations

from typing import Any

from bertkit.cli.commands import Group
from bertkit.cli.options import plain_name
from bertkit.errors import RequestError, UnknownNameError

ANALYSES = ("word", "cbow", "alignment", "language-vector", "probes", "landscape")
"""Every WHAT, in the order of --help."""
HELP = """Look into an encoder: what its vectors know, layer by layer. Nothing is trained but what is compared with it.

`bertkit analyse WHAT MODEL`: MODEL is a Hub id, a folder, a run, or "sample"."""


def analysis_named(typed: str) -> str:
    """The analysis of this name. Raises RequestError."""
    name = plain_name(typed)
    if name not in ANALYSES:
        raise UnknownNameError("analysis", typed, ANALYSES, f"there are {', '.join(ANALYSES)}")
    return name


class Analyses(Group):
    """The analyses as commands, each with its own options."""

    text = HELP
    within = "analyse"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As click does. Raises RequestError where nothing is named."""
        if not args and not ctx.resilient_parsing:  # where a shell asks what may come next
            raise RequestError(f"analyse: name what to look at: {', '.join(ANALYSES)}")
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The analysis' command. Raises RequestError."""
        return super().get_command(ctx, plain_name(cmd_name) if ctx.resilient_parsing else analysis_named(cmd_name))
