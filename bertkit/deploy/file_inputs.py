"""A file for `bertkit predict`, read in blocks of rows: its own columns, and the head's. Light."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

from bertkit.data.columns import match_columns
from bertkit.data.decoding import check_line_ends, lines
from bertkit.data.nested import PlacedRow
from bertkit.data.readers import read_located
from bertkit.data.validate import validate_rows
from bertkit.deploy.file_format import Reading, layout_of
from bertkit.deploy.inputs import Inputs, checked_text, readable, roles_of, words_note
from bertkit.deploy.made_rows import Unmade, made_rows
from bertkit.deploy.words import unsplit
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.heads import checks
from bertkit.task import Task

BLOCK = 4_096
"""Rows that are read, sorted by length and predicted together."""
MOST_PLACES = 16 * BLOCK
"""Places of a block at most, where many lines are blank."""
IDS = ("id", "idx", "index", "guid", "row_id", "sent_id")
"""Names of an id column, where the task names none."""


Waiting = deque[tuple[Mapping[str, Any], dict[str, Any]]]
"""The place and the own columns of rows that have been read, and not yet been checked."""


class Item(NamedTuple):
    """One place of a file: its own columns, and its row by role, or why it has none (None for a blank line).

    Of objects and passages with several rows inside each row has a place, and the columns that training reads of it.
    """

    place: Mapping[str, Any]
    own: Mapping[str, Any]
    row: Mapping[str, Any] | None
    error: str | None = None


@dataclass
class FileInput:
    """A file's rows in blocks, in memory one at a time; every pass over it gives the same blocks.

    path        a table, or a text a line
    keeps_bad   whether a row that can be read but not answered (an empty text) keeps its place, without an answer
    said        its encoding and header line, as the user says them
    notes       notes on the reading, complete after a pass
    """

    task: Task
    path: Path
    keeps_bad: bool = False
    said: Reading | None = None

    def __post_init__(self) -> None:
        """Raise DataError if there is no such file, RequestError for an encoding that does not exist."""
        if not self.path.is_file():
            raise DataError(f"--file {self.path}: {_no_file(self.path)}")
        self.notes: list[str] = []
        self.layout = layout_of(self.task, self.path, self.said)

    def blocks(self) -> Iterator[Inputs]:
        """The rows, BLOCK of them in each block but the last, in order. Raises DataError."""
        self.notes = [*self.layout.notes]
        items = self._rows() if self.layout.is_table else self._lines()
        return in_blocks(items, roles_of(self.task))

    def _lines(self) -> Iterator[Item]:
        """One text per line, split as the readers do (at LF); a blank line is a place without a row."""
        task, path = self.task, self.path
        needed = roles_of(task)
        if len(needed) != 1:
            names = " and ".join(f"'{task.source.columns.get(role, (role,))[0]}'" for role in needed)
            raise DataError(f"--file {path}: this run needs the columns {names}: give a .tsv, .csv or .jsonl")
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty")
        number = blanks = returns = 0
        unsplit_word = None
        for number, line in lines(path, encoding=self.layout.encoding):
            if not line.strip():
                blanks += 1
                yield Item({"line": number}, {"text": line}, None)
                continue
            returns += "\r" in line
            row = checked_text(task, f"{path}, line {number}", {"text": line})
            unsplit_word = unsplit_word or ("words" in row and unsplit(row["words"])) or None
            yield Item({"line": number}, {"text": line}, row)
        if returns and number == 1 and not path.read_bytes().endswith(b"\n"):
            check_line_ends(path)
        if blanks == number:
            raise DataError(f"{path} has no text: {'its line is' if number == 1 else 'all its lines are'} blank")
        if blanks:
            self.notes.append(f"{path.name}: {blanks:,} of {number:,} lines blank, without an answer")
        if returns:
            self.notes.append(f"{path.name}: {returns:,} of {number:,} lines with a CR, which ends no line here")
        if "words" in needed:
            self.notes.append(words_note(unsplit_word))

    def _rows(self) -> Iterator[Item]:
        """The rows of a table, read as for training but without golds."""
        path, head = self.path, self.task.head
        findings, kept = Findings([path]), KeptRows([path])
        header, notes = _header(self.task, path) if self.layout.form is None else (None, [])
        waiting: Waiting = deque()
        raw = self._raw(read_located(path, header, findings, self.layout.form), findings, kept, waiting)
        rows = there = 0
        for row in validate_rows(
            raw, readable(self.task), head, golds=False, findings=kept if self.keeps_bad else findings
        ):
            for place, own in _but_last(waiting):
                yield Item(place, own, None, kept.reasons.popleft())
            yield Item(*waiting.popleft(), row)
            rows += 1
        there = rows + sum(one.count for one in kept.found)
        if not there:
            raise DataError(f"{path} has no rows")
        if not rows:
            all_rows = "its row cannot" if there == 1 else f"none of its {there:,} rows can"
            raise DataError(f"{path}: {all_rows} be answered: {kept.reasons[0]}")
        for place, own in waiting:
            yield Item(place, own, None, kept.reasons.popleft())
        found = chain(findings.found, kept.found)
        self.notes += [*notes, *(finding.line([path.name]) for finding in found)]

    def _raw(
        self, read: Iterable[PlacedRow], findings: Findings, kept: KeptRows, waiting: Waiting
    ) -> Iterator[PlacedRow]:
        """The rows that are made of those `read`; each is put in the queue `waiting` with its number and id."""
        own_ids = self.task.source.columns.get("id", ())
        names: tuple[str, ...] | None = None
        form = self.layout.form
        numbered = form.kind in ("conll", "conllu") if form else self.path.suffix == ".conllu"
        numbers, last = count(1), [dict[str, Any]()]

        def put(where: str, row: dict[str, Any], names: tuple[str, ...]) -> None:
            ident = _id(where, next((row.get(name) for name in names), None))
            place = {"row": next(numbers)}
            waiting.append((place if ident is None else {**place, "id": ident}, row))

        def unmade(where: str) -> None:
            put(where, last[0], _names(last[0], own_ids, where))

        found = Unmade(kept, unmade) if self.keeps_bad else findings
        for where, row in made_rows(self.task, _noting(read, last), found):
            if names is None:
                names = _names(row, (*own_ids, *IDS), where)
            # a reader of CoNLL adds the line of each word
            put(where, {name: row[name] for name in row if name != "lines"} if numbered else row, names)
            yield where, row


def _names(row: Mapping[str, Any], ids: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The row's column of ids, if it has one."""
    return tuple(match_columns(list(row), {"id": ids}, (), where).values())


def _noting(rows: Iterable[PlacedRow], last: list[dict[str, Any]]) -> Iterator[PlacedRow]:
    for where, row in rows:
        last[0] = row
        yield where, row


def _but_last(waiting: Waiting) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    while len(waiting) > 1:
        yield waiting.popleft()


def in_blocks(items: Iterable[Item], roles: Iterable[str]) -> Iterator[Inputs]:
    """The items in blocks of BLOCK rows; the last may have fewer."""
    block: list[Item] = []
    rows = 0
    for item in items:
        block.append(item)
        rows += item.row is not None
        if rows == BLOCK or len(block) == MOST_PLACES:
            yield block_of(block, roles)
            block, rows = [], 0
    if block:
        yield block_of(block, roles)


def block_of(items: list[Item], roles: Iterable[str]) -> Inputs:
    """The items as one block."""
    there = [item.row for item in items if item.row is not None]
    numbers = iter(range(len(there)))
    return Inputs(
        columns={role: [row[role] for row in there] for role in roles},
        places=tuple(item.place for item in items),
        rows=tuple(None if item.row is None else next(numbers) for item in items),
        own=tuple(item.own for item in items),
        errors={place: item.error for place, item in enumerate(items) if item.error is not None},
    )


class KeptRows(Findings):
    """Counts rows that cannot be answered, of which none is too many, and keeps why until it is asked for."""

    def __init__(self, files: list[Path]) -> None:
        super().__init__(files, skips=True)
        self.reasons: deque[str] = deque()

    def bad_row(self, where: str, error: DataError, broken: bool = False) -> None:
        """Note why the row has no answer."""
        why = reason_of(where, error)
        self.reasons.append(why)
        self.count_alike("no answer", why, where)


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder: give a file"
    if path.exists():
        return "is a pipe or a device, which is not read: write its lines to a file"
    return "there is no such file"


def reason_of(where: str, error: Exception) -> str:
    """An error without its place."""
    return str(error).removeprefix(where).partition(": ")[2] or str(error)


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
    wanted = roles_of(task)
    if set(wanted) <= set(match_columns(values, readable(task).columns, wanted, f"{path}, line 1")):
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
