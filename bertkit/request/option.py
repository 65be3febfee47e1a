"""One command-line option: its names, help text, and the commands that have it."""

from __future__ import annotations

import os
from collections.abc import Callable

import typer
from typer.models import OptionInfo

from bertkit.errors import RequestError
from bertkit.machine.processes import timeout, world_size

DATA, TRAINING, COMPUTE, OUTPUT = "Model and data", "Training", "Compute", "Output"
KIT = "Encoder and loss"
"""The panels of --help."""


class Option(OptionInfo):
    """A Typer option, with what bertkit adds to it.

    names     its long name, which --help shows and messages use, a short one ("-m"), and aliases: long names that are
              accepted too, and named at the end of the help text. "--on/--off" is a pair
    only      the commands that have it, of those that take its group; None is all of them
    training  whether it affects training alone, so that a command that only scores refuses it
    """

    def __init__(
        self,
        names: str,
        panel: str,
        text: str,
        *,
        only: str | None = None,
        training: bool = False,
        hidden: bool = False,
        callback: Callable[..., object] | None = None,
    ) -> None:
        """`names` and `only` are separated by spaces; brackets in `text` are no markup."""
        self.name, *more = names.split()
        self.aliases = [name for name in more if name.startswith("--")]
        self.only = only and only.split()
        self.training = training
        also = f" Also {', '.join(self.aliases)}." if self.aliases else ""
        super().__init__(
            default=...,
            param_decls=[self.name, *(name for name in more if name not in self.aliases)],
            help=(text + also).replace("[", r"\["),
            rich_help_panel=panel,
            hidden=hidden,
            callback=callback,
        )


def launched(context: typer.Context, processes: int) -> int:
    """The number of processes: --processes, or as many as a launcher started. Raises RequestError."""
    timeout()  # a wrong one is refused here, before anything heavy is loaded
    started, source = world_size(), context.get_parameter_source("processes")
    if started is None or processes == started:
        return processes
    if source is not None and source.name == "DEFAULT":
        return started
    started_by = f"the launcher started {started} (WORLD_SIZE)"
    raise RequestError(f"--processes {processes}: {started_by}; give {started}, or leave it out")


def offline(typed: bool) -> bool:
    """Apply --offline to Hugging Face's libraries, in this process and those it starts."""
    if typed:
        os.environ["HF_HUB_OFFLINE"] = "1"
    return typed
