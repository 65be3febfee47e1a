"""How a file for `bertkit predict` is read: a text a line, or a table, by its name, its content and the run. Light."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from bertkit.data.cells import Cells
from bertkit.data.decoding import UTF_8, codec_of, is_wide, prefix
from bertkit.data.detect import PREFIX, START, detect, is_parquet
from bertkit.data.packed import opened
from bertkit.data.readers import read_located
from bertkit.deploy.inputs import readable, roles_of
from bertkit.deploy.word_lines import word_lines
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import SUFFIXES, FileFormat
from bertkit.task import Task

PACKED = (".gz", ".bz2", ".xz", ".zip")
TABLES = ("csv", "tsv")
SHOWN = 30
"""Characters of a cell in an error."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the user says of a file: its encoding, and whether its first line names the columns; None is found out."""

    encoding: str | None = None
    header: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A text a line in this encoding, or a table: its format, where its suffix does not say it.

    notes  what of it is a guess
    """

    is_table: bool
    form: FileFormat | None = None
    encoding: str = UTF_8
    notes: tuple[str, ...] = ()

    @property
    def read_as(self) -> dict[str, str | bool | None]:
        """What the options --encoding and --header decide."""
        form = self.form
        return {"--encoding": form.encoding if form else self.encoding, "--header": form.header if form else None}


def layout_of(task: Task, path: Path, said: Reading | None = None) -> Layout:
    """How the file is read: for a user's own task by its content, else by its suffix. Raises DataError, RequestError.

    A file that is not UTF-8 is read in the one other encoding of the files of training, if there is one.
    """
    said = said or Reading()
    names = [suffix.lower() for suffix in path.suffixes]
    packed = bool(names) and names[-1] in PACKED
    named = (names[:-1] if packed else names)[-1:]
    is_table = bool(named) and named[0] in SUFFIXES
    if task.source.formats and path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    before = _of_training(task, path) if said.encoding is None else None
    codec = codec_of(before or UTF_8 if said.encoding is None else said.encoding)
    reads_words = "words" in roles_of(task)
    if not task.source.formats and said == Reading() and (is_table or not reads_words):
        return _by_suffix(path, named[0], packed) if is_table else _by_lines(path, codec)
    try:
        found = _detected(task, path, replace(said, encoding=codec))
    except DataError:
        form = word_lines(task, path, codec, bool(said.header)) if reads_words else None
        if form is None and (is_table or said.header or len(roles_of(task)) > 1):
            raise
        found = _by_lines(path, codec) if form is None else _by_words(path, form)
    note = f"{path.name}: not UTF-8: read as {before}, as the file of training was; --encoding names another"
    return replace(found, notes=(note, *found.notes)) if before else found


def _by_lines(path: Path, codec: str) -> Layout:
    """A text a line. Raises DataError if the file is no text."""
    if path.stat().st_size and is_parquet(path, codec):
        raise DataError(f"{path} is Parquet: give it the suffix .parquet")
    return Layout(is_table=False, encoding=codec)


def _by_words(path: Path, form: FileFormat) -> Layout:
    note = f"{path.name}: its lines are read as words, with a blank line after each sentence"
    return Layout(is_table=True, form=form, notes=(note,))


def _by_suffix(path: Path, suffix: str, packed: bool) -> Layout:
    """A table for a run on a task's own files. Raises DataError if it is not UTF-8."""
    if packed:
        return Layout(is_table=True, form=detect(path))
    if suffix != ".parquet" and not is_parquet(path):
        prefix(path, PREFIX, UTF_8)  # whose error names --encoding
    return Layout(is_table=True)


def _of_training(task: Task, path: Path) -> str | None:
    """The encoding of the files of training, if it is one other than UTF-8, and the file is not UTF-8."""
    others = {form.encoding for form in task.source.formats.values()} - {UTF_8}
    if len(others) != 1:
        return None
    with opened(path) as file:
        start = file.read(START)
    (other,) = others
    try:
        prefix(path, PREFIX, UTF_8)
    except DataError:
        fits = not start.startswith(b"PAR1") and is_wide(start) == other.startswith(("utf-16", "utf-32"))
        return other if fits else None
    return None


def _detected(task: Task, path: Path, said: Reading) -> Layout:
    """The table that the file holds: with a header line if that names the run's columns. Raises DataError."""
    refused: DataError | None = None
    for header in (None, True) if said.header is None else (True,) if said.header else ():
        try:
            form = detect(path, said.encoding, header)
        except DataError as error:
            refused = refused or error
            continue
        if form.kind not in TABLES:
            return Layout(is_table=True, form=form)
        if said.header or (form.header and _lack(task, path, form) is None):
            return Layout(is_table=True, form=form)
        if header is None and form.header:
            _refuse_named(task, path, form)
    if said.header:
        assert refused
        raise refused
    try:
        form = detect(path, said.encoding, header=False)
    except DataError as error:
        raise refused or error from None
    if form.kind not in TABLES:
        return Layout(is_table=True, form=form)
    if said.header is None:
        _check_rows(task, path, form)
    return _headerless(task, path, form)


def _refuse_named(task: Task, path: Path, form: FileFormat) -> None:
    """Raise DataError for the only column of a table if it has another name than the run's: it is no text itself."""
    row = next((row for _, row in read_located(path, None, Findings([path], skips=True), form)), {})
    if len(row) == 1 and roles_of(task) == ("text",) and not task.source.joined:
        (name,), wanted = row, task.source.columns.get("text", ("text",))[0]
        raise DataError(
            f"{path}: line 1 names its column ('{name}'), and the run reads '{wanted}': rename it, or say --no-header "
            "if line 1 is a text"
        )


def _check_rows(task: Task, path: Path, form: FileFormat) -> None:
    """Raise DataError if the file has nothing but a line that names the run's columns."""
    rows = [row for _, row in islice(read_located(path, None, Findings([path], skips=True), form), 2)]
    if len(rows) != 1:
        return
    with suppress(DataError):
        Cells.of(dict.fromkeys(map(str, rows[0].values())), f"{path}, line 1", readable(task), task.head, golds=False)
        rows.clear()
    if not rows:
        raise DataError(f"{path} has no rows, only the names of its columns")


def _lack(task: Task, path: Path, form: FileFormat) -> DataError | None:
    """Why the file, read so, lacks a column of the run; None if it does not."""
    for where, row in read_located(path, None, Findings([path], skips=True), form):
        try:
            Cells.of(row, where, readable(task), task.head, golds=False)
        except DataError as error:
            return error
        return None
    return DataError(f"{path} has no rows")


def _headerless(task: Task, path: Path, form: FileFormat) -> Layout:
    """A table without a header line: as wide as the one of training, or the text alone. Raises DataError."""
    wanted, source = roles_of(task), task.source
    official = next((names for names in source.header.values() if len(names) == len(form.columns)), None)
    form = replace(form, columns=official or form.columns)
    if _lack(task, path, form) is None and (official or any(not known.header for known in source.formats.values())):
        return Layout(is_table=True, form=form)
    if len(form.columns) == 1 and wanted == ("text",) and not source.joined:
        name = source.columns.get(wanted[0], wanted)[0]
        note = f"{path.name}: no column is called '{name}': all its lines are read as the {wanted[0]}"
        return Layout(is_table=True, form=replace(form, columns=(name,)), notes=(note,))
    several = {**source.joined, **source.listed}
    names = [name for role in wanted for name in several.get(role, source.columns.get(role, (role,))[:1])]
    shown = " and ".join(f"'{name}'" for name in names)
    first = next((row.values() for _, row in read_located(path, None, Findings([path], skips=True), form)), ())
    there = ", ".join(f"'{str(cell)[:SHOWN]}'" for cell in first)
    plural = "s" * (len(names) > 1)
    raise DataError(f"{path}, line 1: the run reads the column{plural} {shown}, and this line has {there}")
