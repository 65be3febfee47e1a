"""The inputs of `bertkit predict`, from the command line or a whole file, as a head's rows. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bertkit.deploy.words import split_words, unsplit
from bertkit.errors import DataError, RequestError
from bertkit.heads import checks
from bertkit.sources import Source
from bertkit.task import Task

Columns = dict[str, list[Any]]

FLAGS = {"text_pair": "--pair", "question": "--question", "context": "--context"}
"""The options of roles other than the texts."""


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
    rows     for each place the index of its row; None where a line is blank, or a row cannot be answered
    own      for each place the columns of its file, as they stand there; () for typed texts
    errors   for each place without an answer why, where it is not a blank line
    notes    notes on the reading for the user, a line each
    """

    columns: Columns
    places: tuple[Mapping[str, Any], ...]
    rows: tuple[int | None, ...]
    own: tuple[Mapping[str, Any], ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The name of each of the R rows in messages: its id, or the number of its line or row."""
        places = (place for place, row in zip(self.places, self.rows, strict=True) if row is not None)
        return [str(place.get("id", place.get("line", place.get("row")))) for place in places]

    def at(self, place: int) -> dict[str, Any]:
        """A place's line or row and id, then its row by role; a blank line has empty values."""
        row = self.rows[place]
        values = {
            role: column[row] if row is not None else _empty(role, column) for role, column in self.columns.items()
        }
        return {**self.places[place], **values}


def _empty(role: str, column: list[Any]) -> Any:
    return type(column[0])() if column else [] if role == "words" else ""


def read_inputs(task: Task, typed: TypedInput) -> Inputs:
    """The rows of the texts, or of the whole file, in memory. Raises RequestError or DataError."""
    check_given(typed)
    if typed.file is None:
        return typed_inputs(task, typed)
    from bertkit.deploy.file_inputs import FileInput

    file = FileInput(task, typed.file)
    blocks = list(file.blocks())
    columns: Columns = {role: [value for block in blocks for value in block.columns[role]] for role in roles_of(task)}
    rows: list[int | None] = []
    for block in blocks:
        before = sum(row is not None for row in rows)
        rows += [None if row is None else row + before for row in block.rows]
    places = tuple(place for block in blocks for place in block.places)
    return Inputs(columns=columns, places=places, rows=tuple(rows), notes=tuple(file.notes))


def check_given(typed: TypedInput) -> None:
    """Raise RequestError unless there are texts, a question or a file: one of them."""
    given = [bool(typed.texts), typed.question is not None, typed.file is not None]
    if sum(given) != 1:
        raise RequestError("give texts, or --question with --context, or --file: one of them")


def roles_of(task: Task) -> tuple[str, ...]:
    """The columns that the task's head reads, without its gold."""
    return task.head.roles[:-1]


def readable(task: Task) -> Source:
    """The task's source, with the roles' own names added to its column names."""
    columns = {role: (*task.source.columns.get(role, ()), role) for role in roles_of(task)}
    return replace(task.source, columns={**task.source.columns, **columns})


def typed_inputs(task: Task, typed: TypedInput) -> Inputs:
    """The typed texts. Raises RequestError for a missing flag, or one that does not apply."""
    needed = roles_of(task)
    if any(role not in ("text", "words", *FLAGS) for role in needed):
        raise RequestError(f"this run reads {' and '.join(needed)}: give a file with these columns (--file)")
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
        rows.append(checked_text(task, where, {**more, "text": text}))
    places = tuple({"row": number} for number in range(1, len(rows) + 1))
    columns = {role: [row[role] for row in rows] for role in needed}
    return Inputs(columns=columns, places=places, rows=tuple(range(len(rows))), notes=tuple(_word_notes(rows)))


def checked_text(task: Task, where: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row of typed text as the head's columns; its words are split. Raises DataError."""
    needed = roles_of(task)
    if "vectors" in needed:
        raise DataError(f"{where}: a text, and this run reads vectors: give a .npz, .parquet or .jsonl with a column "
                        f"'{task.source.columns.get('vectors', ('vectors',))[0]}'")  # fmt: skip
    if "words" in needed:
        values = {**values, "words": split_words(checks.text(where, "text", values["text"]))}
    return task.head.check(where, {role: values[role] for role in needed}, task.source.labels)


def _word_notes(rows: list[dict[str, Any]]) -> list[str]:
    if "words" not in rows[0]:
        return []
    return [words_note(next(filter(None, (unsplit(row["words"]) for row in rows)), None))]


def words_note(unsplit_word: str | None) -> str:
    """A note on how text was split into words, with a word in a script without spaces, if there was one."""
    taken = f"'{unsplit_word[:20]}', in a script without spaces, was taken as one word; " if unsplit_word else ""
    return (
        f"words were split at spaces and punctuation; {taken}give a .conllu or a .jsonl with words to choose them "
        "yourself"
    )
