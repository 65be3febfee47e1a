"""Small files for tests, and lines to put in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ODD_TEXTS = [
    'She said "no", and left.',
    "an unmatched \" quote, and an unmatched ' one",
    "NA",
    "null",
    "",
    "  spaces around  ",
    "back\\slash, \\t and \\n spelt out",
    "line\u2028separator, next\x85line, form\x0cfeed, unit\x1fseparator",
    "a no-break\u00a0space and a byte order mark \ufeff inside",
    "果 é e\u0301 😀",
    "# not a comment",
]
"""Texts that a careless reader changes."""


def write(path: Path, content: str | bytes) -> Path:
    """Write a file, text as UTF-8 and its line ends as they are, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def json_lines(*rows: dict[str, Any]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def word(number: int | str, form: str, upos: str, xpos: str = "_") -> str:
    """A line of CoNLL-U, without its end."""
    return "\t".join([str(number), form, "_", upos, xpos, "_", "0", "root", "_", "_"])


def squad(*asked: dict[str, Any], context: str = "Anna came in May.", title: str = "Anna") -> str:
    """A SQuAD file with one document."""
    return json.dumps({"data": [{"title": title, "paragraphs": [{"context": context, "qas": list(asked)}]}]})
