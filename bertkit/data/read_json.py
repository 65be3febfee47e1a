"""Read JSON: one object a line, a list of objects, or SQuAD's layout, detected by content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from bertkit.data.decoding import blocks, check_line_ends, lines
from bertkit.data.json_stream import listed
from bertkit.errors import DataError
from bertkit.findings import Findings

RawRow = tuple[int, dict[str, Any]]
"""A line's (or row's, or question's) number, counted from 1, and the row that stood there."""

WHOLE = 1 << 23
"""Characters up to which a document is parsed as a whole."""
ROWS = "rows are a list of objects, or several lines of one object each"


def read_json(path: Path, findings: Findings, encoding: str | None = None) -> tuple[str, Iterator[RawRow]]:
    """The rows of a .json file, and what their numbers count: "line", "row", or "question" for SQuAD's layout.

    A list of more than WHOLE characters is read a row at a time.
    """
    stream = blocks(path, encoding)
    start = "".join(_first(stream, WHOLE))
    more = next(stream, "")
    if more and start.lstrip().startswith("["):
        return "row", _objects(listed(chain([start, more], stream), str(path)), path, findings)
    if _is_lines(start):
        return "line", read_jsonl(path, findings, encoding)
    text = "".join(chain([start, more], stream)).removesuffix("\n")
    try:
        document = parsed(text, str(path))
    except DataError:
        check_line_ends(path)
        raise
    if isinstance(document, list) and document:
        return "row", _objects(document, path, findings)
    if isinstance(document, dict) and _are_questions(document.get("data")):
        return "row", _objects(document["data"], path, findings)
    if isinstance(document, dict) and "data" in document:
        return "question", read_squad(document, path)
    found = "an empty list" if document == [] else f"one {type(document).__name__}"
    if isinstance(document, dict):
        found = f"one object ({', '.join(list(document)[:5])}), and not SQuAD's (no 'data')"
    raise DataError(f"{path}: {found}; {ROWS}")


def _first(stream: Iterator[str], size: int) -> Iterator[str]:
    """The first blocks of the stream, to `size` characters or its end."""
    while size > 0 and (block := next(stream, "")):
        yield block
        size -= len(block)


def _are_questions(data: Any) -> bool:
    """Whether these are questions by themselves, each with its document, as transformers' run_qa.py takes them."""
    return (
        isinstance(data, list) and bool(data) and isinstance(data[0], dict) and {"question", "context"} <= set(data[0])
    )


def _is_lines(text: str) -> bool:
    """Whether the first line is an object by itself, and others follow."""
    first, _, rest = text.lstrip().partition("\n")
    if not first.startswith("{") or not rest or rest.isspace():
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def read_jsonl(path: Path, findings: Findings, encoding: str | None = None) -> Iterator[RawRow]:
    """One JSON object a line; blank lines are passed over."""
    check_line_ends(path)
    for number, line in lines(path, encoding=encoding):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = parsed(line, where)
        except DataError as error:
            findings.bad_row(where, error)
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            hint = "; a list of rows is read from a .json file" if isinstance(row, list) and number == 1 else ""
            found = f"expected a JSON object, found {type(row).__name__}{hint}"
            findings.bad_row(where, DataError(f"{where}: {found}"))


def _objects(document: Iterable[Any], path: Path, findings: Findings) -> Iterator[RawRow]:
    number = 0
    for row in document:
        for one in passage_questions(row, path.stem) or [row]:
            number += 1
            if isinstance(one, dict):
                yield number, one
                continue
            where = f"{path}, row {number}"
            findings.bad_row(where, DataError(f"{where}: expected a JSON object, found {type(row).__name__}"))


def passage_questions(item: Any, file: str) -> list[dict[str, Any]]:
    """The questions of an item of C3's layout, [[paragraph, ...], [question, ...], id]; [] if it is none.

    Each is an object with its choices, as it stands there, and with `context`, `id` and `group`, the passage's id
    with its `file`, in which alone it is unique.
    """
    if not (isinstance(item, list) and len(item) == 3 and isinstance(item[0], list) and isinstance(item[1], list)):
        return []
    context, questions, name = item
    if not questions or not all(isinstance(one, dict) and "question" in one for one in questions):
        return []
    group = f"{file}:{name}"
    return [{"context": context, **one, "id": f"{group}-{k}", "group": group} for k, one in enumerate(questions)]


def read_squad(document: dict[str, Any], path: Path) -> Iterator[RawRow]:
    """Questions of a SQuAD document (v1.1 or v2.0): id, title, question, context, answers, is_impossible.

    `answers` is a list of {"text", "start"}, None where there is none; `is_impossible` is present only if the file
    has it. The number is the question's, counted from 1: such a file may be one line.
    """
    number = 0
    try:
        for article in document["data"]:
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    golds = asked.get("answers")
                    row = {
                        "id": asked["id"],
                        "title": article.get("title", ""),
                        "question": asked["question"],
                        "context": paragraph["context"],
                        "answers": golds and [{"text": g["text"], "start": g["answer_start"]} for g in golds],
                    }
                    if "is_impossible" in asked:
                        row["is_impossible"] = asked["is_impossible"]
                    number += 1
                    yield number, row
    except (KeyError, TypeError, AttributeError) as error:
        missing = f"no {error}" if isinstance(error, KeyError) else "a value of the wrong kind"
        raise DataError(f"{path}, question {number + 1}: not SQuAD's JSON layout: {missing}; {ROWS}") from error


def parsed(text: str, where: str) -> Any:
    """A JSON value. Raises DataError, naming `where` and, in a text of several lines, the line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}" if "\n" in text else ""
        what = "a second value begins" if error.msg == "Extra data" else error.msg
        raise DataError(f"{where}{line}: not JSON: {what} at column {error.colno}") from error
    except RecursionError as error:
        raise DataError(f"{where}: JSON nested too deeply") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise DataError(f"{where}: {error}") from error
