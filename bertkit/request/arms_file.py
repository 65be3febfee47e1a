"""The arms of a comparison from a TOML file: a table for each, with the options in which it differs. Light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.checked import read_toml, unknown
from bertkit.request.config import Kinds, value_of
from bertkit.request.flags import Flags

OF_ALL = ("seed", "processes")
"""Options that are the same for all arms of a comparison."""


def arms_in(typed: str, flags: Flags, kinds: Kinds, plain: Callable[[str], str]) -> dict[str, Flags]:
    """The flags of each arm by its name: `flags`, with what its table says in their place. Raises RequestError.

    kinds  of the parameters of `bertkit finetune`
    plain  an option's name as --help shows it, of any spelling
    """
    tables = read_toml(expanded(typed), typed)
    if len(tables) < 2:
        raise RequestError(f"{typed}: it needs at least two tables, such as [low] and [high], one for each arm")
    return {name: _flags_of(f"{typed}: [{name}]", table, flags, kinds, plain) for name, table in tables.items()}


def _flags_of(where: str, table: Any, flags: Flags, kinds: Kinds, plain: Callable[[str], str]) -> Flags:
    if not isinstance(table, Mapping):
        raise RequestError(f"{where}: write a table for each arm, [NAME], with its options below")
    known = {name: kind for name, kind in kinds.items() if hasattr(flags, name)}
    given: dict[str, Any] = {}
    for key, value in table.items():
        name = plain(key).replace("-", "_")
        if name in OF_ALL:
            raise RequestError(f"{where}: {key}: it is the same for all arms; give --{name} beside the file")
        if name not in known:
            raise unknown(where, key, set(known) - set(OF_ALL))
        given[name] = value_of(f"{where}: {key}", known[name], value)
    return replace(flags, **given)
