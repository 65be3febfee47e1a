"""Read lists, answers and numbers that a file has as text in its cells. Light.

Every function raises DataError that begins with `where`, the file and line.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from bertkit.data.cell_kinds import is_missing, listed, spelt
from bertkit.errors import DataError

JSON, SPACE, COMMA, TEXT = "json", "space", "comma", "text"
"""The values of Source.written."""


def unwritten(where: str, values: dict[str, Any], written: Mapping[str, str]) -> dict[str, Any]:
    """The values by role, those of the roles in `written` read from their text."""
    for role, how in written.items():
        if role not in values:
            continue
        if how == COMMA:
            values[role] = values[role].replace(",", ".") if isinstance(values[role], str) else values[role]
        elif role == "answers":
            values[role] = _answers(where, values, how)
        else:
            values[role] = _items(where, role, values[role], how)
    return values


def items(cell: Any) -> list[str]:
    """The words or tags of a cell: of a list, of one written out, or separated by white space (or by commas)."""
    if isinstance(cell, list):
        return ["" if item is None else item if isinstance(item, str) else spelt(item) for item in cell]
    text = "" if is_missing(cell) else spelt(cell)
    found = listed(text)
    if found is not None:
        return items(found)
    split = text.split()
    return text.strip().split(",") if len(split) == 1 and "," in text else split


def _items(where: str, role: str, cell: Any, how: str) -> list[str] | None:
    """Words or tags; None if there are none."""
    if is_missing(cell) or (isinstance(cell, str) and not cell.strip()):
        return None
    if how == JSON and not isinstance(cell, list) and listed(spelt(cell)) is None:
        raise DataError(f"{where}: the {role} '{spelt(cell)[:60]}' are no list")
    return items(cell)


def _answers(where: str, values: Mapping[str, Any], how: str) -> Any:
    """Answers that are written in a cell, as JSON, or as their texts alone, which are found in the document."""
    text, context = values["answers"], values.get("context")
    if text is None:
        return []
    found = _parsed(where, text) if isinstance(text, str) and how == JSON else text
    if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
        return _located(where, found, context)
    if not isinstance(text, str) or how == JSON:
        return found
    if not text.strip():
        return []
    start = values.get("answer_start")
    if start is None or (isinstance(start, str) and not start.strip()):
        start = context.find(text) if isinstance(context, str) else -1
        if start < 0:
            raise DataError(f"{where}: the answer '{text[:60]}' is not in its document")
    try:
        return [{"text": text, "start": int(float(start))}]
    except (TypeError, ValueError):
        raise DataError(f"{where}: the answer's start '{str(start)[:60]}' is no whole number") from None


def _located(where: str, texts: list[str], context: Any) -> list[dict[str, Any]]:
    """Answers of which the texts alone are given, each where it is first in the document; -1 for one that is not."""
    starts = [context.find(text) if isinstance(context, str) else -1 for text in texts]
    if max(starts) < 0:
        raise DataError(f"{where}: the answer '{texts[0][:60]}' is not in its document")
    return [{"text": text, "start": start} for text, start in zip(texts, starts, strict=True) if text]


def _parsed(where: str, text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    raise DataError(f"{where}: the answers '{text[:60]}' are not JSON")
