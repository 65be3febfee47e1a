"""A head as a table of a task file: by its name of `--head`, without what has its default. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bertkit.heads.base import FROM_TRAIN
from bertkit.heads.choice import MultipleChoice
from bertkit.heads.classification import Classification
from bertkit.heads.multi_label import MultiLabel
from bertkit.heads.names import name_of
from bertkit.heads.numbers import Number
from bertkit.heads.plain import to_plain
from bertkit.heads.span import Span
from bertkit.heads.tagging import Tagging

HEADS: Mapping[str, type[Any]] = {
    "classification": Classification,
    "multi-label": MultiLabel,
    "regression": Classification,
    "tagging": Tagging,
    "chunk-tagging": Tagging,
    "qa": Span,
    "multiple-choice": MultipleChoice,
}
NOT_WRITTEN = ("criterion", "mean", "sd", "shares")
"""Fields that the recipe and the rows say."""


def as_table(head: Any) -> dict[str, Any]:
    """Its name, and its fields that have not their default; of a number its scale in place of labels."""
    plain = to_plain(head)
    numbers = plain.pop("labels") if isinstance(plain.get("labels"), Mapping) else {}
    defaults = {field.name: field.default for field in (*fields(type(head)), *fields(Number))}
    kept = {name: value for name, value in {**plain, **numbers}.items() if name not in ("kind", *NOT_WRITTEN)}
    return {"kind": name_of(head), **{name: value for name, value in kept.items() if value != defaults.get(name)}}


def keys_of(kind: str) -> tuple[str, ...]:
    """The keys that the table of this head may have."""
    own = [field.name for field in fields(HEADS[kind])]
    if kind == "regression":
        own = [*own, *(field.name for field in fields(Number))]
    elif kind == "tagging":
        own.remove("scheme")
    hidden = ("labels",) if kind == "regression" else ()
    return tuple(name for name in own if name not in (*NOT_WRITTEN, *hidden))


def values_of(table: Mapping[str, Any]) -> tuple[type[Any], dict[str, Any]]:
    """The class of the head of a table, and the values of its fields."""
    kind = table["kind"]
    values = {name: value for name, value in table.items() if name != "kind"}
    if kind == "regression":
        scale = {field.name: values.pop(field.name) for field in fields(Number) if field.name in values}
        values["labels"] = {"scaled": True, **scale}
    elif any(field.name == "labels" for field in fields(HEADS[kind])):
        values.setdefault("labels", FROM_TRAIN)
    return HEADS[kind], values
