"""Values and keys of files that people write, checked: one line names the file, the key, and what is wrong. Light."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError, one_line

SHOWN = 12
"""Known keys that an error lists, where none of them is near."""


def read_toml(path: Path, shown: str) -> dict[str, Any]:
    """The tables of a TOML file. Raises RequestError, calling the file `shown`."""
    if not path.is_file():
        raise RequestError(f"{shown}: there is no such file")
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except ValueError as error:  # no UTF-8, or no TOML
        raise RequestError(f"{shown} is not TOML: {one_line(error)}") from None


def unknown(where: str, key: str, known: Iterable[str], what: str = "key") -> RequestError:
    """The error for a key (or `what`) that `where` does not have, with the nearest one."""
    names = list(known)
    near = get_close_matches(key.replace("-", "_"), names, n=1)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    guess = f"; did you mean {near[0]}?" if near else f"; there is {', '.join(names[:SHOWN])}{more}"
    return RequestError(f"{where}: no {what} is called '{key}'{guess}")


def table(where: str, value: Any, known: Iterable[str] | None = None) -> dict[str, Any]:
    """A table, its keys among `known` if given. Raises RequestError."""
    if not isinstance(value, dict):
        raise RequestError(f"{where}: it must be a table, not {value!r}")
    names = None if known is None else list(known)
    for key in value:
        if names is not None and key not in names:
            raise unknown(where, key, names)
    return value


def checked(where: str, kind: Any, value: Any) -> Any:
    """The value as one of type `kind`, of which a dataclass is a table. Raises RequestError that names the key."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = f".{first['loc'][0]}" if isinstance(value, dict) and first["loc"] else ""
        said = first["msg"].removeprefix("Value error, ")
        raise RequestError(f"{where}{key}: {said[0].lower()}{said[1:]}, not {first['input']!r}") from None
    except RequestError as error:
        raise RequestError(f"{where}: {str(error).removeprefix('--')}") from None
