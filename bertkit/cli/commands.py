"""The commands, and where each is: it is made, and what it needs is imported, when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import Parameter
from pkgutil import resolve_name
from typing import Any, get_args

from typer.core import TyperGroup

from bertkit.cli.options import CONFIG, command, parameters_of


@dataclass(frozen=True)
class Listed:
    """Where a command is.

    function  as MODULE:NAME, of a module in this folder; or the class of a group of commands
    like      the command whose options it has, if it isn't its own first word
    without   the options that it lacks of those, as MODULE:NAME
    """

    function: str
    like: str | None = None
    without: str | None = None


LISTED = {
    "check": Listed("check:check"),
    "finetune": Listed("finetune:finetune"),
    "pretrain": Listed("pretrain:pretrain"),
    "resume": Listed("resume:resume"),
    "eval": Listed("eval_:evaluate"),
    "compare": Listed("compare:Studies"),
    "analyse": Listed("analyse:Analyses"),
    "search": Listed("search:search_command", "finetune", "bertkit.request.search_flags:NOT_SEARCHED"),
    "predict": Listed("predict:predict"),
    "fill": Listed("fill:fill"),
    "generate": Listed("generate:generate"),
    "corrupt": Listed("corrupt:corrupt"),
    "embryology": Listed("embryology:look"),
    "report": Listed("report:show"),
    "submit": Listed("submit:submit"),
    "tasks": Listed("tasks:tasks"),
    "zoo": Listed("zoo:show"),
    "compare runs-or-files": Listed("compare_runs:compare_runs"),
    "compare arms-file": Listed("compare_arms:compare_arms"),
    "compare pretrain-vs-scratch": Listed("compare_scratch:compare_scratch"),
    "compare nsp-vs-sop": Listed("compare_pairs:compare_pairs", "pretrain"),
    "compare transfer": Listed(
        "compare_transfer:compare_transfer", without="bertkit.request.transfer_flags:NOT_OF_TRANSFER"
    ),
    "compare label-share": Listed("compare_label_share:compare_label_share"),
    "compare token-maps": Listed("compare_token_maps:compare_token_maps"),
    "compare prompting": Listed("compare_prompting:compare_prompting"),
    "analyse word": Listed("analyse_word:analyse_word"),
    "analyse cbow": Listed("analyse_cbow:analyse_cbow"),
    "analyse alignment": Listed("analyse_alignment:analyse_alignment"),
    "analyse language-vector": Listed("analyse_language_vector:analyse_language_vector"),
    "analyse probes": Listed("analyse_probes:analyse_probes"),
    "analyse landscape": Listed("analyse_landscape:analyse_landscape"),
}
"""Every command by its whole name, in the order of --help."""


class Commands(Mapping[str, Any]):
    """The click commands within the one of this name ("" for `bertkit` itself), by their last word."""

    def __init__(self, within: str) -> None:
        self.within = within

    def __getitem__(self, name: str) -> Any:
        return made(f"{self.within} {name}".strip())

    def __iter__(self) -> Iterator[str]:
        split = (name.rpartition(" ") for name in LISTED)
        return (last for within, _, last in split if within == self.within)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Kinds(Mapping[str, Mapping[str, Any]]):
    """The types of each command's parameters, by its whole name."""

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return {key: get_args(one.annotation)[0] for key, one in _parameters(name).items() if key != CONFIG}

    def __iter__(self) -> Iterator[str]:
        return (name for name in LISTED if not _is_group(_found(name)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


KINDS = Kinds()


class Group(TyperGroup):
    """A command of commands: those that are LISTED within its name; `text` is what --help says of it."""

    text = ""
    within = ""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Commands(self.within)  # type: ignore[assignment]  # nothing is added to it

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of its commands, in the order of --help."""
        return list(self.commands)


@cache
def made(name: str) -> Any:
    """The click command of this whole name. Raises KeyError."""
    found = _found(name)
    if _is_group(found):
        return found(name=name, help=found.text)
    return command(name.split()[-1], found, _parameters(name))


def _found(name: str) -> Any:
    return resolve_name(f"{__package__}.{LISTED[name].function}")


def _is_group(found: Any) -> bool:
    return isinstance(found, type)


@cache
def _parameters(name: str) -> Mapping[str, Parameter]:
    """The parameters of a command that is no group."""
    listed = LISTED[name]
    without = resolve_name(listed.without) if listed.without else ()
    return parameters_of(_found(name), listed.like or name.split()[0], without)
