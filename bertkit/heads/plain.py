"""Heads in a spec: written as plain values with their kind, and read back by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.heads.base import Head


def to_plain(head: Head) -> Any:
    """The head as dictionaries, lists, strings and numbers, its kind among them."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(head)).dump_python(head, mode="json")


def from_plain(plain: Any) -> Head:
    """The head that `to_plain` wrote. Raises ValueError if no class of that kind has been imported."""
    from pydantic import TypeAdapter

    if isinstance(plain, Head):
        return plain
    known: dict[Any, type[Head]] = {str(one.kind): one for one in _classes(Head)}  # type: ignore[type-abstract]
    kind = plain.get("kind") if isinstance(plain, Mapping) else None
    if kind not in known:
        raise ValueError(f"no head is called {kind!r}; it may come with a task pack that is not installed")
    found: Head = TypeAdapter(known[kind]).validate_python(plain)
    return found


def _classes(base: type[Head]) -> list[type[Head]]:
    """Every class of heads that has been imported and has a name in files."""
    below = [one for child in base.__subclasses__() for one in _classes(child)]
    return [*below, *(child for child in base.__subclasses__() if isinstance(getattr(child, "kind", None), str))]
