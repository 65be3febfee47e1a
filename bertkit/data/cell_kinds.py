"""What a cell holds, by its text alone: a number, a date, a list, text. Light."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from itertools import pairwise
from typing import Any

EMPTY = ""
INTEGER, WHOLE, DECIMAL, COMMA = "integer", "whole", "decimal", "comma"
BOOLEAN, DATE, TEXT = "boolean", "date", "text"
LIST, JSON_LIST, OBJECTS = "list", "json list", "objects"
"""Kinds: WHOLE is a whole number written as 3.0, COMMA a number that may have a decimal comma; LIST is a list of the
file's format, JSON_LIST one written in a cell, as JSON or Python have it; OBJECTS are mappings, or lists of them."""

NUMBERS = (INTEGER, WHOLE, DECIMAL)
SEPARATORS = ("|", ";", ",")
"""What may stand between the labels of a cell."""

_INTEGER = re.compile(r"[+-]?\d+")
_WHOLE = re.compile(r"[+-]?\d+\.0*")
_DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}[- ][A-Za-z]{3,9}\.?,?[- ]\d{2,4}"
    r"|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}|\d{1,2} \d{1,2}, \d{4}|\d{4}年\d{1,2}月\d{1,2}日)"
    r"([T ,]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?"
    r"|[A-Z][a-z]{2},? ([A-Z][a-z]{2} \d{1,2}|\d{1,2} [A-Z][a-z]{2} \d{4}) \d{1,2}:\d{2}:\d{2}"
    r"( [A-Z]{3,4}| [+-]\d{4})?( \d{4})?"
)
_ADJACENT = re.compile(r"""['"]\s+['"]""")
_LONGEST_NUMBER = 40
_LONGEST_LIST = 100_000


def kind_of(text: str) -> str:
    """The kind of a cell's text."""
    text = text.strip()
    if not text or text in ("nan", "NaN"):
        return EMPTY
    if text[0] == "[" and text[-1] == "]":
        found = listed(text)
        nested = found is not None and any(isinstance(item, dict | list | tuple) for item in found)
        return TEXT if found is None else OBJECTS if nested else JSON_LIST
    if text[0] == "{" and text[-1] == "}":
        return OBJECTS if isinstance(_parsed(text), dict) else TEXT
    if len(text) > _LONGEST_NUMBER:
        return TEXT
    for kind, pattern in ((INTEGER, _INTEGER), (WHOLE, _WHOLE), (DECIMAL, _DECIMAL), (COMMA, _COMMA), (DATE, _DATE)):
        if pattern.fullmatch(text):
            return kind
    return BOOLEAN if text.lower() in ("true", "false") else TEXT


def listed(text: str) -> list[Any] | None:
    """The list that a cell has written out, as JSON or as Python prints it; None if it is none."""
    text = text.strip()
    found = _parsed(text) if text[:1] == "[" and text[-1:] == "]" else None
    return found if isinstance(found, list) else None


def _parsed(text: str) -> Any:
    if len(text) > _LONGEST_LIST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return literal(text)


def literal(text: str) -> Any:
    """The value that Python prints so; None if it is none, as an array of NumPy, whose texts have no commas between."""
    try:
        found = ast.literal_eval(text)
        if _ADJACENT.search(text):
            kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text).readline)]
            if any(one == other == tokenize.STRING for one, other in pairwise(kinds)):
                return None
    except (ValueError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError):
        return None
    return found


def spelt(value: Any) -> str:
    """A scalar as its file would have it: JSON's true and false, and numbers as Python prints them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_missing(value: Any) -> bool:
    """Whether a cell has no value: None, or not a number."""
    return value is None or (isinstance(value, float) and value != value)


def parts_of(text: str, separator: str) -> list[str]:
    """The labels of a cell that are separated by `separator`, without outer spaces; empty ones are left out."""
    return [part for piece in text.split(separator) if (part := piece.strip())]
