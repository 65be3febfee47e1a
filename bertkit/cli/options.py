"""Turn groups of flags into Typer options: a command that takes a group has an option for each of its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from bertkit.request.flags import Flags, RunFlags
from bertkit.request.option import OUTPUT, Option
from bertkit.request.own_flags import OwnFlags

CHECK = "check"


@dataclass(frozen=True, kw_only=True)
class Display:
    """What a command prints."""

    json: Annotated[bool, Option("--json", OUTPUT, "Print JSON to stdout.")] = False
    quiet: Annotated[
        bool,
        Option("--quiet -q", OUTPUT, "Show no progress.", only="finetune resume eval compare predict"),
    ] = False

    @property
    def silent(self) -> bool:
        """Whether progress is hidden, as for --json."""
        return self.quiet or self.json


def command(app: typer.Typer, name: str, function: Callable[..., int | None]) -> None:
    """Add `function` to `app` as a command, with an option for each field of its groups.

    A parameter whose type is a dataclass is a group: Typer sees those of its fields that the command `name` has, and
    `function` is called with the dataclass. A field's default is the option's.
    """
    groups: dict[str, Any] = {key: hint for key, hint in _hints(function).items() if is_dataclass(hint)}

    @wraps(function)
    def call(**typed: Any) -> int | None:
        for key, group in groups.items():
            typed[key] = group(**{f.name: typed.pop(f.name) for f in fields(group) if f.name in typed})
        return function(**typed)

    call.__signature__ = Signature(list(_parameters(name, function)))  # type: ignore[attr-defined]
    call.__annotations__ = {}
    app.command(name)(call)


def _parameters(name: str, function: Callable[..., object]) -> Iterator[Parameter]:
    hints = _hints(function)
    for parameter in signature(function).parameters.values():
        hint = hints[parameter.name]
        if not is_dataclass(hint):
            yield _parameter(parameter.name, hint, parameter.default)
            continue
        inner = _hints(hint)
        own = vars(hint).get("__annotations__", {})
        for field in sorted(fields(hint), key=lambda one: one.name not in own):  # a group's own, then inherited ones
            (option,) = inner[field.name].__metadata__
            if _has(name, option):
                yield _parameter(field.name, inner[field.name], field.default)


def _has(command: str, option: Option) -> bool:
    """Whether a command has an option; `check`, which trains nothing, has those that name it."""
    return command in option.only if option.only is not None else command != CHECK or option.rich_help_panel == OUTPUT


def _parameter(name: str, hint: Any, default: object) -> Parameter:
    kind, option = get_args(hint)
    choices = [one for part in (kind, *get_args(kind)) if get_origin(part) is Literal for one in get_args(part)]
    if choices:
        option = copy(option)
        option.parser, option.metavar = _one_of(choices), "<choice>"
        option.help = f"{', '.join(choices[:-1])} or {choices[-1]}. {option.help}"
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


def _one_of(choices: list[str]) -> Callable[[str], str]:
    """A parser of one of these choices; Typer's own says "Value error" and suggests nothing."""

    def parse(typed: str) -> str:
        from difflib import get_close_matches

        if typed in choices:
            return typed
        near = get_close_matches(typed.lower(), choices, n=1)
        guess = f"; did you mean {near[0]}?" if near else ""
        raise typer.BadParameter(f"'{typed}' is not one of {', '.join(choices)}{guess}")

    return parse


def _hints(of: Any) -> dict[str, Any]:
    """Type hints of its parameters."""
    hints = get_type_hints(of, include_extras=True)
    hints.pop("return", None)
    return hints


ALIASES: dict[str, str] = {
    alias.removeprefix("--"): option.name.removeprefix("--")
    for group in (Flags, RunFlags, OwnFlags)
    for (option,) in (hint.__metadata__ for hint in _hints(group).values())
    for alias in option.aliases
}


def plain_name(typed: str) -> str:
    """The name of an option as --help shows it: of `learning_rate` or `lr`, `learning-rate`."""
    name = typed.replace("_", "-")
    return ALIASES.get(name, name)
