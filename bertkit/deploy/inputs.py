"""The inputs of `bertkit predict`, typed or in a file, as the rows a head reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.data.columns import lacking, match_columns
from bertkit.data.readers import read_located
from bertkit.errors import DataError, RequestError
from bertkit.heads import Head

Columns = dict[str, list[Any]]

FLAGS = {"text_pair": "--pair", "question": "--question", "context": "--context"}
"""The options that give a role what no text on the command line does."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What was typed after `bertkit predict RUN`."""

    texts: tuple[str, ...] = ()
    pair: str | None = None
    question: str | None = None
    context: str | None = None
    file: Path | None = None


def columns_of(head: Head, typed: Typed, source_columns: Mapping[str, Sequence[str]]) -> Columns:
    """The rows meant, as the head's columns without a gold. Raises RequestError or DataError."""
    given = [bool(typed.texts), typed.question is not None, typed.file is not None]
    if sum(given) != 1:
        raise RequestError("give texts, or --question with --context, or --file: one of them")
    if typed.file is not None:
        return _from_file(head, typed.file, source_columns)
    rows = [_row(head, typed, text) for text in typed.texts or ("",)]
    return _filled(head, rows, "the command line")


def _row(head: Head, typed: Typed, text: str) -> dict[str, Any]:
    """What was typed, by role. Raises RequestError for a flag too few or too many."""
    needed = head.roles[:-1]
    row = {"text_pair": typed.pair, "question": typed.question, "context": typed.context}
    for role, flag in FLAGS.items():
        if (role in needed) != (row[role] is not None):
            what = "needs" if role in needed else "takes no"
            raise RequestError(f"this run {what} {flag}: it reads {' and '.join(needed)}")
    return {**row, "text": text, "words": text.split()}


def _from_file(head: Head, path: Path, source_columns: Mapping[str, Sequence[str]]) -> Columns:
    """A table with the task's columns (.tsv, .csv, .jsonl, .json, .conllu, .parquet), or one text a line."""
    if not path.is_file():
        raise DataError(f"--file {path}: there is no such file")
    needed = head.roles[:-1]
    if path.suffix in (".tsv", ".csv", ".jsonl", ".json", ".conllu", ".parquet"):
        rows = []
        candidates = {role: source_columns.get(role, (role,)) for role in needed}
        for where, raw in read_located(path):
            names = match_columns(list(raw), candidates, needed, where)
            missing = [role for role in needed if role not in names]
            if missing:
                raise lacking(missing[0], list(raw), candidates, where)
            rows.append({role: raw[name] for role, name in names.items()})
        return _filled(head, rows, str(path))
    if len(needed) != 1:
        raise DataError(f"--file {path}: this run needs columns {', '.join(needed)}: give a .tsv, .csv or .jsonl")
    try:
        lines = [line for line in path.read_text("utf-8").split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(f"--file {path}: not UTF-8: {error.reason} at byte {error.start}") from error
    return _filled(head, [{"text": line, "words": line.split()} for line in lines], str(path))


def _filled(head: Head, rows: list[dict[str, Any]], where: str) -> Columns:
    """The columns, every text there and not empty."""
    columns: Columns = {role: [row[role] for row in rows] for role in head.roles[:-1]}
    for role, values in columns.items():
        for i, value in enumerate(values, 1):
            _check_text(f"{where}: the {role} of row {i}", value, role)
    if not rows:
        raise DataError(f"{where} has no rows")
    return columns


def _check_text(name: str, value: Any, role: str) -> None:
    """Raise DataError unless `value` is text (for `words` a list of texts) that is not empty."""
    if not value or (isinstance(value, str) and not value.strip()):
        raise DataError(f"{name} is empty")
    if role == "words":
        for word in value if isinstance(value, list) else [value]:
            _check_text(name, word, "word")
    wanted = list if role == "words" else str
    if not isinstance(value, wanted):
        raise DataError(f"{name} is a {type(value).__name__}, not {'a list of words' if wanted is list else 'text'}")
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{name} is not UTF-8") from error
