"""The command that a spec was made by, or would be: its flags where they differ from the task's own recipe. Light."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from bertkit import registry
from bertkit.encoders import DEFAULT
from bertkit.errors import BertkitError
from bertkit.heads import Window
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.spec import HUB, SAMPLE, SPEC_FILE, Spec
from bertkit.task import Recipe

NOT_TYPED = ("task", "model", "data", "recipe")
AS_TEXT = ("class_weights", "freeze", "threshold")
"""Flags that are typed as text, whatever the recipe holds."""


def command_of(spec: Spec, folder: Path, seeds: int = 1) -> str:
    """`bertkit finetune` with the flags that give this spec, and with `seeds` seeds counting up from its own.

    A task that is no longer installed as it was, or that was made from files, is named by the run's spec.json.
    """
    end = [*(["--seeds", str(seeds)] if seeds > 1 else []), "--out", str(folder.parent)]
    typed = _typed(spec)
    if typed is None:
        return shlex.join(["bertkit", "finetune", str(folder / SPEC_FILE), *end])
    hints = get_type_hints(Flags, include_extras=True)
    words = [word for name, value in typed.items() for word in _arguments(hints[name].__metadata__[0].name, value)]
    return shlex.join(["bertkit", "finetune", spec.task.name, *words, *end])


def commands_of(runs: Sequence[tuple[Spec, Path]]) -> list[str]:
    """The command of runs that differ in their seeds alone, each with its folder; where seeds are missing one a run."""
    seeds = [spec.seed for spec, _ in runs]
    if runs and seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return [command_of(*runs[0], len(runs))]
    return [command_of(spec, folder) for spec, folder in runs]


def _typed(spec: Spec) -> dict[str, Any] | None:
    """The flags, by name; None if flags of an installed task do not give the spec."""
    typed = {**_of_spec(spec), **_of_recipe(spec)}
    try:
        same = spec_of(registry.find(spec.task.name), Flags(**typed)) == spec
    except BertkitError:
        return None
    return typed if same else None


def _of_spec(spec: Spec) -> dict[str, Any]:
    plain = Flags()
    typed: dict[str, Any] = {} if spec.data in (HUB, SAMPLE) else {"data": spec.data}
    if spec.data == SAMPLE:
        typed["sample"] = True
    if spec.model != (SAMPLE if spec.data == SAMPLE else DEFAULT):
        typed["model"] = spec.model
    for field in fields(Spec):
        value = getattr(spec, field.name)
        default = "error" if field.name == "on_bad_row" else getattr(plain, field.name, value)
        if field.name not in NOT_TYPED and value != default:
            typed[field.name] = f"{value:.10g}s" if field.name == "budget" else value
    return typed


def _of_recipe(spec: Spec) -> dict[str, Any]:
    base = spec.task.sample_recipe if spec.data == SAMPLE else spec.task.recipe
    names = [field.name for field in fields(Recipe) if field.name != "window"]
    typed = {name: getattr(spec.recipe, name) for name in names if getattr(spec.recipe, name) != getattr(base, name)}
    windows = ((field.name, spec.recipe.window, base.window) for field in fields(Window))
    typed |= {name: getattr(own, name) for name, own, other in windows if getattr(own, name) != getattr(other, name)}
    return {name: _as_text(value) if name in AS_TEXT else value for name, value in typed.items()}


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, Mapping) else str(value)


def _arguments(name: str, value: Any) -> list[str]:
    """A flag with its value, as command-line arguments; a boolean is --name or --no-name."""
    on, _, off = name.partition("/")
    if isinstance(value, bool):
        return [on if value else off]
    short = f"{value:g}" if isinstance(value, float) else ""
    return [on, short if short and float(short) == value else str(value)]
