"""Turn groups of flags into Typer options: a command that takes a group has an option for each of its fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from bertkit.request.config import options_in, outdone, spec_typed
from bertkit.request.corrupt_flags import CorruptFlags
from bertkit.request.flags import Flags, RunFlags
from bertkit.request.option import OUTPUT, Option
from bertkit.request.own_flags import OwnFlags
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.request.saved_spec import saved_spec, values_of
from bertkit.request.text_flags import GenerateFlags

CHECK = "check"


@dataclass(frozen=True, kw_only=True)
class Display:
    """What a command prints."""

    json: Annotated[bool, Option("--json", OUTPUT, "Print JSON to stdout.")] = False
    quiet: Annotated[
        bool,
        Option(
            "--quiet -q",
            OUTPUT,
            "Show no progress.",
            only="finetune pretrain resume eval compare predict fill generate embryology submit analyse",
        ),
    ] = False

    @property
    def silent(self) -> bool:
        """Whether progress is hidden, as for --json."""
        return self.quiet or self.json


def parameters_of(
    function: Callable[..., int | None], command: str, without: Collection[str] = ()
) -> dict[str, Parameter]:
    """The parameters of a command, by name: those of `function`, with the fields of its groups in their place.

    A parameter whose type is a dataclass is a group: of its fields, those are taken that `command` has, but for those
    `without`. A field's default is the option's.
    """
    return {one.name: one for one in _parameters(command, function) if one.name not in without}


def command(name: str, function: Callable[..., int | None], parameters: Mapping[str, Parameter]) -> Any:
    """The click command of this name with these parameters, which calls `function` with its groups made of them."""
    groups: dict[str, Any] = {key: hint for key, hint in _hints(function).items() if is_dataclass(hint)}

    @wraps(function)
    def call(invocation: typer.Context, **typed: Any) -> int | None:
        typed.pop(CONFIG, None)
        typed |= {key: parameters[key].default for key in _outdone(invocation, typed)}
        typed |= _of_spec(invocation, typed)
        for key, group in groups.items():
            typed[key] = group(**{f.name: typed.pop(f.name) for f in fields(group) if f.name in typed})
        return function(**typed)

    invocation = Parameter("invocation", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    call.__signature__ = Signature([invocation, *parameters.values()])  # type: ignore[attr-defined]
    call.__annotations__ = {}
    alone = typer.Typer(add_completion=False)
    alone.command(name)(call)
    return typer.main.get_command(alone)


OTHER_NAMES = {"gpu": "cuda"}
"""What some choices are called elsewhere."""
CONFIG, CONFIGURED = "config", ("finetune", "pretrain", "check", "eval", "compare", "predict")
"""The option that reads others from a file, and the commands that have it."""


def _configured(context: typer.Context, typed: str | None) -> str | None:
    """Make what the file says the defaults of the options, which typed ones win over. Raises RequestError."""
    if typed is not None:
        from bertkit.cli.commands import KINDS

        _, *names = map(plain_name, context.command_path.split())
        found = options_in(typed, " ".join(names), KINDS, plain_name)
        context.default_map = {**(context.default_map or {}), **found}
    return typed


def _config() -> Parameter:
    """The option --config, which is read before the others."""
    text = "Read options from a TOML file, under their names here; typed ones win."
    option = Option("--config", OUTPUT, text, callback=_configured)
    option.is_eager = True
    return Parameter(CONFIG, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option])


def _outdone(context: typer.Context, typed: dict[str, Any]) -> set[str]:
    """The options that the file gives, and for which another is typed."""
    by = {
        source: {key for key in typed if _source(context, key) == source} for source in ("COMMANDLINE", "DEFAULT_MAP")
    }
    return outdone(by["COMMANDLINE"], by["DEFAULT_MAP"])


def _of_spec(context: typer.Context, typed: dict[str, Any]) -> dict[str, Any]:
    """The values of the run's spec in the task's place, for options that are not given."""
    path = spec_typed(typed.get("task"))
    values = values_of(saved_spec(path)) if path else {}
    free = {key for key in typed if _source(context, key) == "DEFAULT"}
    return {key: value for key, value in values.items() if key in free}


def _source(context: typer.Context, key: str) -> str | None:
    """Where a parameter's value is from, by click's name for it."""
    source = context.get_parameter_source(key)
    return source and str(source.name)


def _parameters(name: str, function: Callable[..., object]) -> Iterator[Parameter]:
    hints = _hints(function)
    if name in CONFIGURED:
        yield _config()
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
                default = Parameter.empty if field.default is MISSING else field.default  # without one it is required
                yield _parameter(field.name, inner[field.name], default)


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
        meant = OTHER_NAMES.get(typed.lower(), typed.lower())
        near = get_close_matches(meant, choices, n=1)
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
    for group in (Flags, RunFlags, OwnFlags, PretrainFlags, GenerateFlags, CorruptFlags)
    for (option,) in (hint.__metadata__ for hint in _hints(group).values())
    for alias in option.aliases
}


def plain_name(typed: str) -> str:
    """The name of an option as --help shows it: of `learning_rate` or `lr`, `learning-rate`."""
    name = typed.replace("_", "-")
    return ALIASES.get(name, name)
