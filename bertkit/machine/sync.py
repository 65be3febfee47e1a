"""Agreement between processes: the first one's value on all, an error of one raised on all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from accelerate.state import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from bertkit.errors import BertkitError, RequestError, RunError

Value = TypeVar("Value")


def broadcast(value: Value) -> Value:
    """The first process's `value`, on every process; `devices.accelerator` must have been called."""
    values = [value]
    broadcast_object_list(values)
    return values[0]


def run_on_first(work: Callable[[], Value]) -> Value:
    """Run `work` on the first process only; every process gets its result, or raises its BertkitError."""
    error: BertkitError | None = None
    value: Any = None
    if PartialState().is_main_process:
        try:
            value = work()
        except BertkitError as raised:
            error = raised
    value, message, failed = broadcast((value, None if error is None else str(error), isinstance(error, RunError)))
    if error is not None:
        raise error
    if message is not None:
        raise RunError(message) if failed else RequestError(message)
    return cast(Value, value)


def run_on_all(work: Callable[[], Value]) -> Value:
    """Run `work` on every process and return its own result; a BertkitError of one is raised on all."""
    error: BertkitError | None = None
    value: Any = None
    try:
        value = work()
    except BertkitError as raised:
        error = raised
    messages = gather_object([None if error is None else (str(error), isinstance(error, RunError))])
    if error is not None:
        raise error
    for one in messages:
        if one is not None:
            raise RunError(one[0]) if one[1] else RequestError(one[0])
    return cast(Value, value)
