"""How a file for `bertkit predict` is read: a text a line, or a table, by its name, its content and the run. Light."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bertkit.data.cells import Cells
from bertkit.data.detect import detect
from bertkit.data.readers import read_located
from bertkit.deploy.inputs import readable, roles_of
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import SUFFIXES, FileFormat
from bertkit.task import Task

PACKED = (".gz", ".bz2", ".xz", ".zip")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A text a line, or a table; its format, where its suffix does not say it; and a note if it is a guess."""

    is_table: bool
    form: FileFormat | None = None
    note: str | None = None


LINES = Layout(is_table=False)


def layout_of(task: Task, path: Path) -> Layout:
    """How the file is read: for a user's own task by its content, else by its suffix. Raises DataError."""
    names = [suffix.lower() for suffix in path.suffixes]
    packed = bool(names) and names[-1] in PACKED
    named = (names[:-1] if packed else names)[-1:]
    is_table = bool(named) and named[0] in SUFFIXES
    if not task.source.formats:
        if is_table and packed:
            return Layout(is_table=True, form=detect(path))
        return Layout(is_table=True) if is_table else LINES
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    try:
        return _detected(task, path)
    except DataError:
        if is_table or len(roles_of(task)) > 1:
            raise
        return LINES


def _detected(task: Task, path: Path) -> Layout:
    """The table that the file holds: with a header line if that names the run's columns."""
    refused: DataError | None = None
    for header in (None, True):
        try:
            form = detect(path, header=header)
        except DataError as error:
            refused = refused or error
            continue
        if header is None and form.kind not in ("csv", "tsv"):
            return Layout(is_table=True, form=form)
        if form.header and _has_columns(task, path, form):
            return Layout(is_table=True, form=form)
    try:
        form = detect(path, header=False)
    except DataError as error:
        raise refused or error from None
    return _headerless(task, path, form)


def _has_columns(task: Task, path: Path, form: FileFormat) -> bool:
    for where, row in read_located(path, None, Findings([path], skips=True), form):
        try:
            Cells.of(row, where, readable(task), task.head, golds=False)
        except DataError:
            return False
        return True
    return False


def _headerless(task: Task, path: Path, form: FileFormat) -> Layout:
    """A table without a header line: as wide as the one of training, or the text alone. Raises DataError."""
    wanted, source = roles_of(task), task.source
    if _has_columns(task, path, form) and any(not known.header for known in source.formats.values()):
        return Layout(is_table=True, form=form)
    if len(form.columns) == 1 == len(wanted) and not source.joined:
        name = source.columns.get(wanted[0], wanted)[0]
        note = f"{path.name}: no column is called '{name}': all its lines are read as the {wanted[0]}"
        return Layout(is_table=True, form=replace(form, columns=(name,)), note=note)
    names = [name for role in wanted for name in source.joined.get(role, source.columns.get(role, (role,))[:1])]
    shown = " and ".join(f"'{name}'" for name in names)
    raise DataError(f"{path}, line 1: the run reads the column{'s' if len(names) > 1 else ''} {shown}, which it lacks")
