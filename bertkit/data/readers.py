"""Read published files: raw rows, each with its line number. Standard library only; no interpretation.

A raw row is a mapping of the file's own columns to strings (or JSON values). Every reader raises
DataError naming file and line for what it cannot read.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bertkit.errors import DataError
from bertkit.findings import Findings

RawRow = tuple[int, dict[str, Any]]
"""A line number, counted from 1, and the row that stood there."""


def read_raw(path: Path, header: tuple[str, ...] | None = None, findings: Findings | None = None) -> Iterator[RawRow]:
    """The raw rows of a file, by its suffix; `header` names the columns of a TSV that has no header line.

    What is worth a note but no error is counted in `findings`.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    if path.suffix == ".tsv":
        return read_tsv(path, header)
    if path.suffix == ".csv":
        return read_csv(path)
    if path.suffix == ".jsonl":
        return read_jsonl(path)
    if path.suffix == ".conllu":
        return read_conllu(path)
    if path.suffix == ".json":
        return read_squad(path)
    if path.suffix == ".parquet":
        return read_parquet(path)
    raise DataError(f"{path}: bertkit reads .tsv, .csv, .jsonl, .json (SQuAD), .conllu and .parquet")


def _lines(path: Path, carriage_return: bool = False) -> Iterator[tuple[int, str]]:
    """Lines split at LF alone (some texts hold other line separators), without it, a BOM dropped.

    A CR before the LF goes too, unless `carriage_return` asks for it.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: byte {raw[error.start]:#04x} is not UTF-8; convert the file to UTF-8"
                ) from error
            line = line.removesuffix("\n")
            yield number, line if carriage_return else line.removesuffix("\r")


def read_tsv(path: Path, header: tuple[str, ...] | None = None) -> Iterator[RawRow]:
    """Tab-separated values without quoting, as GLUE ships them: a double quote is text."""
    lines = _lines(path)
    columns = header or tuple(next(lines)[1].split("\t"))
    _check_columns(path, columns)
    for number, line in lines:
        if not line:
            continue
        values = line.split("\t")
        if len(values) != len(columns):
            raise DataError(
                f"{path}, line {number}: {len(values)} columns, expected {len(columns)} ({', '.join(columns)})"
            )
        yield number, dict(zip(columns, values, strict=True))


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}, line 1: two columns are called '{twice}'")


def read_csv(path: Path) -> Iterator[RawRow]:
    """Comma-separated values with a header line, quoted as RFC 4180 has it; a cell may hold line breaks."""
    rows = csv.reader((line + "\n" for _, line in _lines(path, carriage_return=True)), strict=True)
    csv.field_size_limit(2**31 - 1)
    try:
        columns = next(rows)
        _check_columns(path, columns)
        for values in rows:
            if not values:
                continue
            if len(values) != len(columns):
                raise DataError(
                    f"{path}, line {rows.line_num}: {len(values)} columns, expected {len(columns)} "
                    f"({', '.join(columns)})"
                )
            yield rows.line_num, dict(zip(columns, values, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: not CSV: {error}") from error


def read_jsonl(path: Path) -> Iterator[RawRow]:
    """One JSON object a line; blank lines are passed over."""
    for number, line in _lines(path):
        if not line.strip():
            continue
        row = _json(line, f"{path}, line {number}")
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: expected a JSON object, found {type(row).__name__}")
        yield number, row


def read_conllu(path: Path) -> Iterator[RawRow]:
    """Sentences of a CoNLL-U file: `words`, `upos`, `xpos` (columns 2, 4 and 5), and `sent_id`.

    Multiword ranges (`3-4`) and empty nodes (`8.1`) are passed over: the syntactic words count
    (universaldependencies.org/format.html).
    """
    sentence = _Sentence(path)
    for number, line in _lines(path):
        if not line.strip():
            yield from sentence.close(number)
        elif line.startswith("#"):
            sentence.comment(line)
        else:
            sentence.word(number, line)
    yield from sentence.close(number + 1)


class _Sentence:
    """The sentence being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 0
        self.row: dict[str, Any] = {"words": [], "upos": [], "xpos": []}

    def comment(self, line: str) -> None:
        key, _, value = line[1:].partition("=")
        if key.strip() == "sent_id":
            self.row["sent_id"] = value.strip()

    def word(self, number: int, line: str) -> None:
        columns = line.split("\t")
        where = f"{self.path}, line {number}"
        if len(columns) != 10:
            raise DataError(f"{where}: {len(columns)} columns, CoNLL-U has 10, with tabs between them")
        name = columns[0]
        self.start = self.start or number
        if _is_pair(name, "-") or _is_pair(name, "."):
            return
        if name != str(len(self.row["words"]) + 1):
            raise DataError(f"{where}: word id '{name}', expected {len(self.row['words']) + 1}")
        if not columns[1] or not columns[3]:
            raise DataError(f"{where}: a word needs its form and its UPOS (columns 2 and 4)")
        self.row["words"].append(columns[1])
        self.row["upos"].append(columns[3])
        self.row["xpos"].append(columns[4])

    def close(self, number: int) -> Iterator[RawRow]:
        if self.row["words"]:
            yield self.start, self.row
        elif self.start:
            raise DataError(f"{self.path}, line {self.start}: a sentence without words")
        self.start, self.row = 0, {"words": [], "upos": [], "xpos": []}


def _is_pair(name: str, mark: str) -> bool:
    first, found, second = name.partition(mark)
    return bool(found) and first.isdigit() and second.isdigit()


def read_squad(path: Path) -> Iterator[RawRow]:
    """Questions of a SQuAD JSON file (v1.1 or v2.0): id, title, question, context, answers.

    `answers` is a list of {"text", "start"}; none where the question has no answer. The number given
    with a row is the question's, counted from 1: such a file may be one line.
    """
    document = _json("\n".join(line for _, line in _lines(path)), str(path))
    number = 0
    try:
        for article in document["data"]:
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    golds = [] if asked.get("is_impossible") else asked.get("answers")
                    row = {
                        "id": asked["id"],
                        "title": article.get("title", ""),
                        "question": asked["question"],
                    }
                    row["context"] = paragraph["context"]
                    row["answers"] = golds and [{"text": g["text"], "start": g["answer_start"]} for g in golds]
                    number += 1
                    yield number, row
    except (KeyError, TypeError, AttributeError) as error:
        missing = f"no {error}" if isinstance(error, KeyError) else "a value of the wrong kind"
        raise DataError(f"{path}, question {number + 1}: not SQuAD's JSON layout: {missing}") from error


def read_parquet(path: Path) -> Iterator[RawRow]:
    """Rows of a Parquet file as datasets reads them, class ids turned into their names."""
    import pyarrow.lib
    from datasets import Dataset
    from pyarrow import parquet

    from bertkit.data.hf_datasets import named_rows

    try:
        parquet.read_schema(path)  # first, for datasets says on stderr what it cannot read
        yield from named_rows(Dataset.from_parquet(str(path), keep_in_memory=True))
    except (pyarrow.lib.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}" if "\n" in text else ""
        raise DataError(f"{where}{line}: not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise DataError(f"{where}: JSON nested too deeply") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise DataError(f"{where}: {error}") from error
