"""`predict --file -`: lines from standard input, answered as they come."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

from bertkit.data.validate import validate_rows
from bertkit.deploy.answer_formats import JsonLines
from bertkit.deploy.file_inputs import Item, KeptRows, block_of, reason_of
from bertkit.deploy.inputs import checked_text, readable, roles_of
from bertkit.deploy.made_rows import made_rows
from bertkit.errors import BertkitError, DataError
from bertkit.evaluation.inference import answers
from bertkit.findings import Findings
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.task import Task

MOST = 256
"""Lines that are predicted together at most; fewer where no more have come."""
WAITING = 64
"""Pieces of the input that are read ahead at most."""
NAME = "standard input"


def answer_lines(model: TaskModel, task: Task, descriptor: int, out: IO[str], top: int | None) -> None:
    """Write an answer a line as JSON for each line of text, or for each JSON object if the first line is one.

    A line that cannot be read gets no answer and the key "error"; a blank one no answer. An object with several rows
    inside, such as the questions of a passage, gets an answer for each, with the columns of that row.
    """
    written = JsonLines(top)
    reader = LineReader(task)
    for lines in arriving(descriptor):
        block = block_of([item for line in lines for item in reader.items(line)], roles_of(task))
        written.look(block)
        written.begin(model.head)
        columns = {**block.columns, "row_id": block.names}
        found = answers(model, columns, Progress())[0] if block.names else []
        out.write(written.rows(block, found).decode())
        out.flush()


def arriving(descriptor: int) -> Iterator[list[bytes]]:
    """The lines that have come, MOST of them at most, without waiting for more than one."""
    pieces: Queue[list[bytes] | None] = Queue(WAITING)

    def read() -> None:  # not by sys.stdin: a thread that waits in it would abort Python's exit
        rest = b""
        while piece := os.read(descriptor, 1 << 16):
            *whole, rest = (rest + piece).split(b"\n")
            if whole:
                pieces.put(whole)
        pieces.put([rest] if rest else [])
        pieces.put(None)

    Thread(target=read, daemon=True).start()
    while (lines := pieces.get()) is not None:
        ended = False
        while len(lines) < MOST and not ended:
            try:
                more = pieces.get_nowait()
            except Empty:
                break
            ended = more is None
            lines = [*lines, *(more or [])]
        yield from (lines[start : start + MOST] for start in range(0, len(lines), MOST))
        if ended:
            return


class LineReader:
    """Reads lines as text, or as JSON objects if the first that is not blank is one."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.number = 0
        self.is_json: bool | None = None

    def items(self, raw: bytes) -> list[Item]:
        """The line as a place of the input, or as one for each row that is inside its object."""
        self.number += 1
        place, where = {"line": self.number}, f"{NAME}, line {self.number}"
        line = raw.removesuffix(b"\r").decode("utf-8-sig" if self.number == 1 else "utf-8", "replace")
        if not line.strip():
            return [Item(place, {} if self.is_json else {"text": line}, None)]
        if self.is_json is None:
            self.is_json = line.lstrip().startswith("{")
        own: Any = {} if self.is_json else {"text": line}
        try:
            _check_utf8(raw, where)
            if not self.is_json:
                return [Item(place, own, checked_text(self.task, where, self._values(line, where)))]
            own = _object(line, where)
            rows = [row for _, row in made_rows(self.task, [(where, own)], Findings())]
            if not rows:
                raise DataError(f"{where}: there is no row in it")
        except BertkitError as error:
            return [Item(place, own, None, reason_of(where, error))]
        return [self._checked(place, row, where) for row in rows]

    def _values(self, line: str, where: str) -> dict[str, str]:
        needed = roles_of(self.task)
        if len(needed) > 1:
            names = " and ".join(f'"{self.task.source.columns.get(role, (role,))[0]}"' for role in needed)
            raise DataError(f"{where}: this run reads JSON lines with the keys {names}")
        return {"text": line}

    def _checked(self, place: dict[str, int], own: dict[str, Any], where: str) -> Item:
        """A row as the head's columns, or why it has no answer."""
        source, findings = readable(self.task), KeptRows([])
        try:
            for row in validate_rows([(where, own)], source, self.task.head, golds=False, findings=findings):
                return Item(place, own, row)
        except DataError as error:
            return Item(place, own, None, reason_of(where, error))
        return Item(place, own, None, findings.reasons.popleft())


def _check_utf8(raw: bytes, where: str) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: byte {raw[error.start]:#04x} is not UTF-8") from None


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise DataError(f"{where}: not JSON") from None
    if not isinstance(found, dict):
        raise DataError(f"{where}: not a JSON object")
    return found
