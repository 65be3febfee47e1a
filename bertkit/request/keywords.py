"""The flags as keywords of Python functions: their names and types, and the values that they stand for. Light."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypedDict, TypeVar, get_args, get_type_hints

from bertkit.errors import RequestError, UnknownNameError
from bertkit.heads.window import Long
from bertkit.request.config import spec_typed
from bertkit.request.flags import Flags, RunFlags
from bertkit.request.option import Option, offline
from bertkit.request.own_flags import HeadName, OwnFlags
from bertkit.request.saved_spec import saved_spec, values_of
from bertkit.spec import Device, Layout, OnBadRow, Precision
from bertkit.task import LossName, Ordering, Selected

GROUPS = (Flags, OwnFlags, RunFlags)

PATHS = ("model", "data", "train_file", "dev_file", "test_file", "save")
"""Keywords of paths as text."""

Group = TypeVar("Group")


Target = str | os.PathLike[str]
"""A name or a path."""


class Options(TypedDict, total=False):
    """The options of a command as keywords, under the flags' own names: see `bertkit finetune --help`.

    For type checkers; a test compares it with the flags.
    """

    model: Target | None
    revision: str | None
    scratch: bool
    keep_head: bool
    label_map: str | None
    data: Target | None
    sample: bool
    limit: int | None
    train_share: float | None
    on_bad_row: OnBadRow | None
    epochs: float | None
    max_steps: int | None
    budget: str | None
    batch_size: int | None
    per_device_train_batch_size: int | None
    batch_tokens: int | None
    order: Ordering | None
    gradient_accumulation: int | None
    learning_rate: float | None
    warmup: float | None
    weight_decay: float | None
    max_grad_norm: float | None
    max_length: int | None
    doc_stride: int | None
    max_answer_length: int | None
    null_threshold: float | None
    long: Long | None
    max_windows: int | None
    eval_every: int | None
    seed: int
    class_weights: str | None
    loss: LossName | None
    focal_gamma: float | None
    label_smoothing: float | None
    freeze: str | int | None
    layer_decay: float | None
    reinit_layers: int | None
    lora: int | None
    lora_alpha: float | None
    early_stopping: int | None
    select: Selected | None
    threshold: str | None
    calibrate: bool
    device: Device
    precision: Precision
    layout: Layout
    fast_dropout: bool
    processes: int
    head: HeadName | None
    text_column: list[str] | str | None
    text_pair_column: str | None
    label_column: list[str] | str | None
    words_column: str | None
    tags_column: str | None
    question_column: str | None
    context_column: str | None
    answers_column: str | None
    vectors_column: str | None
    choices_column: list[str] | str | None
    id_column: str | None
    group_column: str | None
    encoding: str | None
    header: bool | None
    dev_share: float | None
    subset: str | None
    split_names: str | None
    train_file: Target | None
    dev_file: Target | None
    test_file: Target | None
    max_memory: str | None
    offline: bool
    save_every: int | None
    keep_best: bool
    keep_adapter: bool
    floor: bool
    out: Path | Target
    force: bool


def named(what: str, value: Any) -> str:
    """A name or a path as text. Raises RequestError for another type, or a path that no system could have."""
    typed = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(typed, str):
        raise RequestError(f"{what}={value!r}: it must be a name or a path, not a {type(value).__name__}")
    try:
        Path(typed).stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # too long, not allowed, a circle of links, a character NUL
        raise RequestError(f"{what}={typed!r}: {getattr(error, 'strerror', None) or error}") from error
    return str(typed)


def _unknown(name: str, command: str, known: Mapping[str, type[Any]]) -> RequestError:
    """The error for a keyword that is no option of the command: it names the one of which it is another spelling."""
    flag = f"--{name.replace('_', '-')}"
    plain = next((one for one, group in known.items() if flag in _hint(group, one)[1].aliases), None)
    if plain:
        return RequestError(f"no option of {command} is called '{name}' from Python: it is {plain}")
    return UnknownNameError(f"option of {command}", name, known, f"see `bertkit {command} --help`")


class Given:
    """The keywords of one call, as the values of flags. Raises RequestError for one that the command does not have.

    like  the command whose options these are, where it is another
    """

    def __init__(
        self,
        command: str,
        options: Mapping[str, Any],
        groups: tuple[type[Any], ...] = GROUPS,
        like: str | None = None,
    ) -> None:
        known = {field.name: group for group in groups for field in fields(group)}
        self._values: dict[str, Any] = {}
        for name, value in options.items():
            if name not in known:
                raise _unknown(name, command, known)
            kind, option = _hint(known[name], name)
            if option.only is not None and (like or command) not in option.only:
                raise RequestError(f"{name}: {command} has no such option; {' and '.join(option.only)} have it")
            self._values[name] = _checked(name, kind, value)
        self._check_processes()
        offline(self._values.get("offline", False))

    def _check_processes(self) -> None:
        if self._values.get("processes", 1) != 1:
            raise RequestError("processes: from Python a run has one process; `bertkit` on the command line has more")

    def follow(self, task: str | None) -> None:
        """Take what is not given from the run's spec, if its spec.json is named in the task's place."""
        path = spec_typed(task)
        if path:
            self._values = {**values_of(saved_spec(path)), **self._values}
            self._check_processes()

    def flags(self, group: type[Group]) -> Group:
        """The flags of this group."""
        names = {field.name for field in fields(group)}  # type: ignore[arg-type]
        return group(**{name: value for name, value in self._values.items() if name in names})


def _hint(group: type[Any], name: str) -> tuple[Any, Option]:
    kind, option = get_args(get_type_hints(group, include_extras=True)[name])
    return kind, option


def _checked(name: str, kind: Any, value: Any) -> Any:
    """The value, a path as text where text is asked for. Raises RequestError for one of another type."""
    from pydantic import TypeAdapter, ValidationError

    wanted = (kind, *get_args(kind))
    if list[str] in wanted and isinstance(value, str):
        value = [value]
    if isinstance(value, os.PathLike) and Path not in wanted:
        value = os.fspath(value)
    if type(value) is int and str in wanted:  # --freeze 2
        value = str(value)
    try:
        found = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(f"{name}={value!r}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
    if isinstance(found, Path) or (name in PATHS and isinstance(found, str)):
        named(name, found)
    return found


def checked(name: str, kind: Any, value: Any) -> Any:
    """The value of a keyword that is no flag. Raises RequestError for one of another type."""
    return _checked(name, kind, value)
