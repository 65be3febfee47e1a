"""The command `bertkit compare`: the names of its studies, each of which is a command of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bertkit.cli.commands import Group
from bertkit.cli.options import plain_name
from bertkit.errors import RequestError, UnknownNameError

PRETRAIN_VS_SCRATCH, NSP_VS_SOP, PROMPTING = "pretrain-vs-scratch", "nsp-vs-sop", "prompting"
TRANSFER, LABEL_SHARE, TOKEN_MAPS = "transfer", "label-share", "token-maps"
RUNS, ARMS = "runs-or-files", "arms-file"
"""The names under which `compare A B` and `compare --arms-file` are registered."""
COMPARISON = "Comparison"
"""The title of their options in --help."""
STUDIES = (PRETRAIN_VS_SCRATCH, NSP_VS_SOP, TRANSFER, LABEL_SHARE, TOKEN_MAPS, PROMPTING)
HELP = """Tell whether one is better than the other: runs, files, or two ways of training.

`bertkit compare A B ...`: finished runs, folders of runs, or files of answers.

`bertkit compare --arms-file FILE`: arms that are trained as the file says.

`bertkit compare COMMAND`: one of the studies below."""


def study_named(typed: str) -> str:
    """The study of this name. Raises RequestError."""
    name = plain_name(typed)
    if name not in STUDIES:
        raise UnknownNameError("comparison", typed, STUDIES, f"there are {', '.join(STUDIES)}")
    return name


class Studies(Group):
    """The studies as commands, each with its own options; also those for runs that are named by path, and for arms."""

    text = HELP
    within = "compare"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As click does, with the command for runs before a path. Raises RequestError where nothing is named."""
        if ctx.resilient_parsing:  # a shell asks what may come next
            return super().parse_args(ctx, args)
        if not args:
            raise RequestError(f"compare: name runs (A B ...) or a study: {', '.join(STUDIES)}")
        if args[0] in ("--help", "-h"):
            return super().parse_args(ctx, args)
        later = next((one for one in args[1:] if plain_name(one) in STUDIES), None)
        if later and args[0].startswith("-"):
            raise RequestError(f"compare: a study's name comes before its options: bertkit compare {later} ...")
        named = next((one for one in args if args[0].startswith("-") and is_path(one)), args[0])
        if any(one.partition("=")[0].replace("_", "-") == "--arms-file" for one in args) and args[0] != ARMS:
            args = [ARMS, *args]
        elif named not in (RUNS, ARMS) and is_path(named):
            args = [RUNS, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The study's command, or that for runs. Raises RequestError."""
        known = ctx.resilient_parsing or cmd_name in (RUNS, ARMS)
        return super().get_command(ctx, plain_name(cmd_name) if known else study_named(cmd_name))


def is_path(typed: str) -> bool:
    """Whether what is compared is a path, and not a study: there is such a file or folder, or it holds a slash."""
    return "/" in typed or os.sep in typed or (plain_name(typed) not in STUDIES and Path(typed).exists())
