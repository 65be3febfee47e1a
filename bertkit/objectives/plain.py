"""Objectives in a spec: written as plain values with their kind, and read back by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.objectives.base import Objective


def to_plain(objective: Objective) -> Any:
    """The objective as dictionaries, lists, strings and numbers, its kind among them."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(objective)).dump_python(objective, mode="json")


def from_plain(plain: Any) -> Objective:
    """The objective that `to_plain` wrote. Raises ValueError if there is none of that kind."""
    from pydantic import TypeAdapter

    from bertkit.objectives import OBJECTIVES

    if isinstance(plain, Objective):
        return plain
    kind = plain.get("kind") if isinstance(plain, Mapping) else None
    if kind not in OBJECTIVES:
        raise ValueError(f"no objective is called {kind!r}")
    found: Objective = TypeAdapter(OBJECTIVES[kind]).validate_python(plain)
    return found
