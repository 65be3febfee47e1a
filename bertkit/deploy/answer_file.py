"""`predict --out`: answers written beside the columns of their file, in flat memory, and continued after a stop.

While they are written they are in OUT.part, and OUT.part.json says how many rows and bytes of it are on the disk, and
for which input and run. The same command continues there; at the end OUT.part becomes OUT.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bertkit import __version__
from bertkit.deploy.answer_formats import AnswerFormat, Csv, JsonLines, Tsv
from bertkit.deploy.file_format import Reading
from bertkit.deploy.file_inputs import FileInput
from bertkit.deploy.inputs import Inputs
from bertkit.errors import DataError, RequestError, RunError
from bertkit.files import flush, sha256, write_json
from bertkit.machine.signals import Stop
from bertkit.progress import Progress
from bertkit.runs.folder import read_spec
from bertkit.runs.lock import one_writer
from bertkit.spec import Device, Exactness, Spec
from bertkit.task import Task

if TYPE_CHECKING:
    from bertkit.models.task_model import TaskModel

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


@dataclass(frozen=True, kw_only=True)
class AnsweredFile:
    """A finished file of answers: its path, its rows, and how many of them have no answer."""

    out: Path
    rows: int
    unanswered: int


def format_of(out: Path, file: FileInput, top: int | None) -> AnswerFormat:
    """The format that the name asks for; a CSV is separated as the input, if that is one. Raises RequestError."""
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(f"--out {out}: answers are written as {', '.join(SUFFIXES)}, or as JSON Lines to - (stdout)")
    if top is not None and top < 1:
        raise RequestError(f"--top-k {top}: it must be at least 1")
    if suffix == ".parquet":
        from bertkit.deploy.answer_parquet import Parquet

        return Parquet(top)
    if suffix == ".csv":
        form = file.layout.form
        return Csv(top, form.delimiter if form and form.kind == "csv" else ",")
    return Tsv(top) if suffix == ".tsv" else JsonLines(top)


def check_out(out: Path, file: Path, force: bool) -> None:
    """Raise RequestError if `out` cannot be written, is the input, or is finished already, without `force`."""
    folder = out.parent
    if not folder.is_dir():
        raise RequestError(f"--out {out}: {'not a folder' if folder.exists() else 'there is no folder'} {folder}")
    if out.is_dir():
        raise RequestError(f"--out {out}: is a folder: give a file")
    if out.exists() and out.samefile(file):
        raise RequestError(f"--out {out}: that is --file itself: give another name")
    part = Part(out, {})
    if out.exists() and not part.path.exists():
        part.record.unlink(missing_ok=True)  # of a command that was killed when it had finished
    if out.exists() and not force:
        raise RequestError(f"--out {out} exists: --force overwrites it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RequestError(f"--out {out}: the folder {folder} cannot be written to")


class Look:
    """The first pass over the input: what it holds, before a model is loaded."""

    def __init__(self, file: FileInput, written: AnswerFormat) -> None:
        """Read the file. Raises DataError for what cannot be read, or not be written in this format."""
        self.file = file
        self.places = self.rows = 0
        self._state = _state(file.path)
        try:
            self.digest = sha256(file.path)
            for block in file.blocks():
                self.places += len(block.places)
                self.rows += len(block.names)
                written.look(block)
        except FileNotFoundError as error:
            raise DataError(f"{file.path} vanished while it was read") from error
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise DataError if the file has changed since it was first opened."""
        if _state(self.file.path) != self._state:
            raise DataError(f"{self.file.path} changed while it was read: give a file that stays as it is")


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Part:
    """The unfinished file: OUT.part, and in OUT.part.json the rows and bytes of it that are on the disk.

    asked  what the answers depend on: another value is refused
    """

    def __init__(self, out: Path, asked: dict[str, Any]) -> None:
        self.path = out.with_name(f"{out.name}.part")
        self.record = out.with_name(f"{out.name}.part.json")
        self.asked = asked
        self.rows = 0

    @contextmanager
    def open(self, begin: bytes, force: bool) -> Iterator[IO[bytes]]:
        """The output file, resumed after its last row, or a new one. Raises RequestError if the request differs."""
        record = self._record()
        if record is not None and record["asked"] != self.asked:
            if not force:
                other = next(name for name in self.asked if record["asked"].get(name) != self.asked[name])
                raise RequestError(
                    f"{self.path} was started with another {other}: --force starts over, or give another --out"
                )
            record = None
        with self.path.open("r+b" if record else "wb") as file:
            if record:
                file.truncate(record["bytes"])
                file.seek(0, os.SEEK_END)
                self.rows = record["rows"]
            else:
                self.append(file, begin, 0)
            yield file

    def _record(self) -> dict[str, Any] | None:
        """The record of a file that holds as many bytes; None if there is none."""
        try:
            record: dict[str, Any] = json.loads(self.record.read_text("utf-8"))
            return record if self.path.stat().st_size >= record["bytes"] and "asked" in record else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def append(self, file: IO[bytes], written: bytes, rows: int) -> None:
        """Append `written`, and once it is on the disk count its rows."""
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
        write_json(self.record, {"rows": self.rows + rows, "bytes": file.tell(), "asked": self.asked})
        self.rows += rows

    def finish(self, written: AnswerFormat, out: Path) -> None:
        """Make `out` of it."""
        written.finish(self.path, out)
        flush(out.parent)
        self.record.unlink()

    def drop_if_empty(self) -> None:
        """Remove it if no row of it is on the disk."""
        record = self._record()
        if record is None or not record["rows"]:
            self.path.unlink(missing_ok=True)
            self.record.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked: answers to `file`, read as is `said`, in `out`; `force` overwrites; `top` labels are kept.

    Probabilities are `calibrated` where that is asked for.
    """

    file: Path
    out: Path
    top: int | None = None
    force: bool = False
    precision: Exactness = "fp32"
    said: Reading | None = None
    calibrated: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked, checked, and what the file holds."""

    asked: Asked
    written: AnswerFormat
    look: Look
    notes: tuple[str, ...]


def request_of(task: Task, asked: Asked) -> Request:
    """The request, with the file read once: light. Raises RequestError or DataError for what cannot be done."""
    file = FileInput(task, asked.file, keeps_bad=True, said=asked.said)
    written = format_of(asked.out, file, asked.top)
    check_out(asked.out, asked.file, asked.force)
    look = Look(file, written)
    return Request(asked=asked, written=written, look=look, notes=tuple(file.notes))


def answer_file(request: Request, run: Path, device: Device, progress: Progress) -> AnsweredFile:
    """Write the answers of a run. Raises RunError if the disk is full, StoppedError for a signal."""
    from bertkit.deploy.predict import answered, load_run

    asked, written, look = request.asked, request.written, request.look
    out = asked.out
    model = load_run(run, device, asked.calibrated)
    begin = written.begin(model.head)
    for note in (*request.notes, written.note):
        if note:
            progress.note(note)
    part = Part(out, _depends_on(request, model, read_spec(run), begin))
    with one_writer(out), Stop(lambda saved: _hint(part, look)) as stop, _describing_failures(out, part, look):
        with part.open(begin, asked.force) as file:
            if part.rows:
                progress.note(f"{out.name}: continued after row {part.rows:,}")
            progress.phase("predicting", look.rows)
            blocks = _remaining(look.file, part.rows, progress)
            for block, answers in answered(model, blocks, progress, asked.precision):
                rows = written.rows(block, answers)
                with stop.deferred():
                    part.append(file, rows, len(block.places))
        look.check_unchanged()
        part.finish(written, out)
    return AnsweredFile(out=out, rows=look.places, unanswered=look.places - look.rows)


def _depends_on(request: Request, model: TaskModel, spec: Spec, begin: bytes) -> dict[str, Any]:
    from hashlib import sha256 as digest

    record = model.loaded.record
    return {
        "input": request.look.digest,
        **request.look.file.layout.read_as,
        "run": f"{spec.digest} {record['weights']} {record['tokenizer']}",
        "version of bertkit": __version__,
        "--precision": request.asked.precision,
        "--top-k": request.written.top,
        "--calibrated": request.asked.calibrated,
        "set of columns": digest(begin).hexdigest(),
    }


def _remaining(file: FileInput, done: int, progress: Progress) -> Iterator[Inputs]:
    """The blocks after the first `done` places."""
    passed = 0
    for block in file.blocks():
        passed += len(block.places)
        if passed > done:
            yield block
        else:
            progress.advance(len(block.names))


@contextmanager
def _describing_failures(out: Path, part: Part, look: Look) -> Iterator[None]:
    """Turn an OSError inside the block into a RunError that says how to continue."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{out}: {error.strerror or error}{_hint(part, look)}") from error
    finally:
        part.drop_if_empty()


def _hint(part: Part, look: Look) -> str:
    if not part.rows:
        return "; no row was written"
    return f"; {part.rows:,} of {look.places:,} rows are in {part.path.name}, and the same command continues"
