"""The options of a command from a file, --config FILE.toml, under the flags' own names. Light."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.checked import checked, read_toml, unknown
from bertkit.request.saved_spec import is_saved_spec

RIVALS = (
    ("epochs", "max_steps", "budget"),
    ("batch_size", "per_device_train_batch_size", "batch_tokens"),
    ("data", "sample"),
    ("dev_share", "dev_file"),
    ("task", "train_file"),
)
"""Flags of which one is given: one that is typed takes the place of another in the file."""

Kinds = Mapping[str, Any]
"""The type of each parameter of a command."""


def options_in(typed: str, command: str, kinds: Mapping[str, Kinds], plain: Callable[[str], str]) -> dict[str, Any]:
    """The values of the file's options by the parameter's name. Raises RequestError that names the key.

    kinds  of every command's parameters
    plain  an option's name as --help shows it, of any spelling
    """
    path = expanded(typed)
    if is_saved_spec(typed):
        if "task" not in kinds[command]:
            raise RequestError(f"--config {typed}: a run's spec is for {' and '.join(_having('task', kinds))}")
        return {"task": typed}
    found: dict[str, Any] = {}
    for key, value in read_toml(path, typed).items():
        name = plain(key).replace("-", "_")
        if name not in kinds[command]:
            others = _having(name, kinds)
            if others:
                have = "has" if len(others) == 1 else "have"
                raise RequestError(f"{typed}: {key}: {command} has no such option; {' and '.join(others)} {have} it")
            raise unknown(typed, key, kinds[command])
        if name in found:
            raise RequestError(f"{typed}: {key}: it is given twice, under two names")
        found[name] = value_of(f"{typed}: {key}", kinds[command][name], value)
    return found


def _having(name: str, kinds: Mapping[str, Kinds]) -> list[str]:
    return [command for command, known in kinds.items() if name in known]


def value_of(where: str, kind: Any, value: Any) -> Any:
    """The value as an option of this kind takes it. Raises RequestError.

    A number or a table for an option that reads a text is written as one.
    """
    wanted = (kind, *get_args(kind))
    if list[str] in wanted and isinstance(value, str):
        value = [value]
    if str in wanted and isinstance(value, dict):
        value = json.dumps(value)
    if str in wanted and type(value) in (int, float):
        value = str(value)
    checked(where, kind, value)
    return value


def outdone(typed: set[str], from_file: set[str]) -> set[str]:
    """The options of the file that a typed one takes the place of."""
    return {name for rivals in RIVALS if typed & set(rivals) for name in from_file & set(rivals)}


def spec_typed(task: Any) -> Path | None:
    """The run's spec.json that is named in a task's place, if it is one."""
    return expanded(task) if isinstance(task, str) and is_saved_spec(task) else None
