"""The inputs of `bertkit predict`, from the command line or a file, as a head's rows. Light."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bertkit.data.columns import match_columns
from bertkit.data.decoding import check_line_ends, lines
from bertkit.data.readers import read_located
from bertkit.data.validate import validate_rows
from bertkit.deploy.words import split_words, unsplit
from bertkit.errors import DataError, RequestError
from bertkit.findings import Findings
from bertkit.heads import Head, checks
from bertkit.sources import SUFFIXES, Source
from bertkit.task import Task

Columns = dict[str, list[Any]]

FLAGS = {"text_pair": "--pair", "question": "--question", "context": "--context"}
"""The options of roles other than the texts."""
IDS = ("id", "idx", "index", "guid", "row_id", "sent_id")
"""Names of an id column, where the task names none."""


@dataclass(frozen=True, kw_only=True)
class TypedInput:
    """The arguments after `bertkit predict RUN`."""

    texts: tuple[str, ...] = ()
    pair: str | None = None
    question: str | None = None
    context: str | None = None
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """R rows to predict on, and P places they come from: lines of a text file, rows of a table, or typed texts.

    columns  the head's columns without a gold, R values each
    places   for each place its "line" or "row", counted from 1, and its "id" if it has one
    rows     for each place the index of its row; None where a line is blank
    notes    notes on the reading for the user, a line each
    """

    columns: Columns
    places: tuple[Mapping[str, Any], ...]
    rows: tuple[int | None, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The name of each of the R rows in messages: its id, or the number of its line or row."""
        places = (place for place, row in zip(self.places, self.rows, strict=True) if row is not None)
        return [str(place.get("id", place.get("line", place.get("row")))) for place in places]

    def at(self, place: int) -> dict[str, Any]:
        """A place's line or row and id, then its row by role; a blank line has empty values."""
        row = self.rows[place]
        values = {role: column[row] if row is not None else type(column[0])() for role, column in self.columns.items()}
        return {**self.places[place], **values}


def read_inputs(task: Task, typed: TypedInput) -> Inputs:
    """The rows of the texts or of the file. Raises RequestError or DataError."""
    given = [bool(typed.texts), typed.question is not None, typed.file is not None]
    if sum(given) != 1:
        raise RequestError("give texts, or --question with --context, or --file: one of them")
    if typed.file is None:
        return _typed(task, typed)
    if not typed.file.is_file():
        raise DataError(f"--file {typed.file}: {_no_file(typed.file)}")
    if typed.file.suffix.lower() in SUFFIXES:
        return _table(task, typed.file)
    return _lines(task, typed.file)


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder: give a file"
    if path.exists():
        return "is a pipe or a device, which is not read: write its lines to a file"
    return "there is no such file"


def _typed(task: Task, typed: TypedInput) -> Inputs:
    """The typed texts. Raises RequestError for a missing flag, or one that does not apply."""
    needed = task.head.roles[:-1]
    more = {"text_pair": typed.pair, "question": typed.question, "context": typed.context}
    for role, flag in FLAGS.items():
        if (role in needed) != (more[role] is not None):
            what = "needs" if role in needed else "takes no"
            raise RequestError(f"this run {what} {flag}: it reads {' and '.join(needed)}")
    rows = []
    if any("\ud800" <= char <= "\udfff" for char in "".join([*typed.texts, *filter(None, more.values())])):
        raise RequestError("the command line holds bytes that are not UTF-8: give the text in a file (--file)")
    for number, text in enumerate(typed.texts or ("",), 1):
        where = f"the command line, text {number}" if typed.texts else "the command line"
        rows.append(_checked(task, where, {**more, "text": text}))
    places = tuple({"row": number} for number in range(1, len(rows) + 1))
    return _inputs(task.head, rows, places, _word_notes(rows))


def _checked(task: Task, where: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row of typed text as the head's columns; its words are split. Raises DataError."""
    needed = task.head.roles[:-1]
    if "words" in needed:
        values = {**values, "words": split_words(checks.text(where, "text", values["text"]))}
    return task.head.check(where, {role: values[role] for role in needed}, task.source.labels)


def _word_notes(rows: list[dict[str, Any]]) -> list[str]:
    """A note on how typed text was split into words, if the head reads words."""
    if "words" not in rows[0]:
        return []
    unsplit_word = next(filter(None, (unsplit(row["words"]) for row in rows)), None)
    taken = f"'{unsplit_word[:20]}', in a script without spaces, was taken as one word; " if unsplit_word else ""
    return [
        f"words were split at spaces and punctuation; {taken}give a .conllu or a .jsonl with words to choose them "
        "yourself"
    ]


def _lines(task: Task, path: Path) -> Inputs:
    """One text per line, split as the readers do (at LF); a blank line is a place without a row."""
    needed = task.head.roles[:-1]
    if len(needed) != 1:
        names = " and ".join(f"'{task.source.columns.get(role, (role,))[0]}'" for role in needed)
        raise DataError(f"--file {path}: this run needs the columns {names}: give a .tsv, .csv or .jsonl")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    rows: list[dict[str, Any]] = []
    places: list[int | None] = []
    returns = 0
    for number, line in lines(path):
        blank = not line.strip()
        returns += not blank and "\r" in line
        places.append(None if blank else len(rows))
        if not blank:
            rows.append(_checked(task, f"{path}, line {number}", {"text": line}))
    if returns and len(places) == 1 and not path.read_bytes().endswith(b"\n"):
        check_line_ends(path)
    if not rows:
        raise DataError(f"{path} has no text: {'its line is' if len(places) == 1 else 'all its lines are'} blank")
    blanks = places.count(None)
    notes = [f"{path.name}: {blanks:,} of {len(places):,} lines blank, without an answer"] if blanks else []
    if returns:
        notes.append(f"{path.name}: {returns:,} of {len(places):,} lines with a CR, which ends no line here")
    found = _inputs(task.head, rows, tuple({"line": k} for k in range(1, len(places) + 1)), notes + _word_notes(rows))
    return replace(found, rows=tuple(places))


def _table(task: Task, path: Path) -> Inputs:
    """The rows of a table, read as for training but without golds."""
    findings, ids = Findings([path]), list[str | int | None]()
    header, notes = _header(task, path)
    names = {"id": (*task.source.columns.get("id", ()), *IDS)}

    def raw() -> Iterator[tuple[str, dict[str, Any]]]:
        for where, row in read_located(path, header, findings):
            if not ids:
                names["id"] = tuple(match_columns(list(row), names, (), where).values())
            ids.append(_id(where, next((row.get(name) for name in names["id"]), None)))
            yield where, row

    rows = list(validate_rows(raw(), _readable(task), task.head, golds=False, findings=findings))
    if not rows:
        raise DataError(f"{path} has no rows")
    places = tuple({"row": k} if i is None else {"row": k, "id": i} for k, i in enumerate(ids, 1))
    return _inputs(task.head, rows, places, [*notes, *(finding.line([path.name]) for finding in findings.found)])


def _readable(task: Task) -> Source:
    """The task's source, with the roles' own names added to its column names."""
    columns = {role: (*task.source.columns.get(role, ()), role) for role in task.head.roles[:-1]}
    return replace(task.source, columns={**task.source.columns, **columns})


def _id(where: str, value: Any) -> str | int | None:
    """A row's id as its file has it; None where it has none. Raises DataError if it cannot be written."""
    if value is None or isinstance(value, int):
        return value
    return checks.text(where, "id", str(value)) if str(value).strip() else None


def _header(task: Task, path: Path) -> tuple[tuple[str, ...] | None, list[str]]:
    """The columns of a TSV that has no header line, as some official files have none, and a note if it is a guess.

    The first line is no header if the task's columns are not in it and it has as many values as such a file; one
    that is not called like an official file must also read as a row with its gold.
    """
    if path.suffix != ".tsv" or not task.source.header or not path.stat().st_size:
        return None, []
    values = next(lines(path))[1].split("\t")
    wanted = task.head.roles[:-1]
    if set(wanted) <= set(match_columns(values, _readable(task).columns, wanted, f"{path}, line 1")):
        return None, []
    headers = {split: names for split, names in task.source.header.items() if len(names) == len(values)}
    for split, header in headers.items():
        if any(fnmatch(path.name, name) for name in task.source.files.get(split, ())):
            return header, []
    for header in headers.values():
        if _is_row(task, dict(zip(header, values, strict=True))):
            return header, [f"{path.name}: no header line; its columns are read as {', '.join(header)}"]
    return None, []


def _is_row(task: Task, row: dict[str, str]) -> bool:
    try:
        return len(list(validate_rows([("", row)], task.source, task.head, golds=True))) == 1
    except DataError:
        return False


def _inputs(head: Head, rows: list[dict[str, Any]], places: tuple[Mapping[str, Any], ...], notes: list[str]) -> Inputs:
    columns = {role: [row[role] for row in rows] for role in head.roles[:-1]}
    return Inputs(columns=columns, places=places, rows=tuple(range(len(rows))), notes=tuple(notes))
