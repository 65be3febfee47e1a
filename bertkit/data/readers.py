"""Read published files by suffix and content: raw rows, each with its line number. No interpretation.

A raw row is a mapping of the file's own columns to strings (or JSON values). Every reader raises DataError naming
file and line for what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bertkit.data.changes import marks_of, refuse_changed
from bertkit.data.read_conll import read_conll
from bertkit.data.read_conllu import read_conllu, refuse_withheld
from bertkit.data.read_folders import read_text
from bertkit.data.read_json import RawRow, read_json, read_jsonl
from bertkit.data.read_npz import read_npz
from bertkit.data.read_parquet import read_parquet
from bertkit.data.read_tables import read_csv, read_table, read_tsv
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import FileFormat

__all__ = ["RawRow", "read_located", "read_raw", "refuse_withheld"]


def read_located(
    path: Path, header: tuple[str, ...] | None = None, findings: Findings | None = None, form: FileFormat | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file, each with its place: "FILE, line 3", or its row or question in formats without lines.

    `form` says how it is read; without one its suffix does. Raises DataError if the file changes while it is read.
    """
    found = findings or Findings([path])
    before = marks_of([path])
    unit, rows = _formed(path, form, found) if form else _opened(path, header, found)
    for number, row in rows:
        yield f"{path}, {unit} {number}", row
    refuse_changed(before)


def read_raw(path: Path, header: tuple[str, ...] | None = None, findings: Findings | None = None) -> Iterator[RawRow]:
    """The rows of a file, each with its number; `header` names the columns of a TSV that has no header line.

    What is worth a note but no error is reported to `findings`.
    """
    return _opened(path, header, findings or Findings([path]))[1]


def _opened(path: Path, header: tuple[str, ...] | None, findings: Findings) -> tuple[str, Iterator[RawRow]]:
    """What its numbers count (line, row or question), and its rows, by its suffix."""
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    if path.suffix == ".json":
        unit, rows = read_json(path, findings)
    elif path.suffix == ".parquet":
        unit, rows = "row", read_parquet(path)
    elif path.suffix == ".npz":
        unit, rows = "row", read_npz(path)
    elif path.suffix == ".tsv":
        unit, rows = "line", read_tsv(path, header, findings)
    elif path.suffix == ".csv":
        unit, rows = "line", read_csv(path, findings)
    elif path.suffix == ".jsonl":
        unit, rows = "line", read_jsonl(path, findings)
    elif path.suffix == ".conllu":
        unit, rows = "line", read_conllu(path)
    else:
        raise DataError(f"{path}: bertkit reads .tsv, .csv, .jsonl, .json, .conllu, .parquet and .npz")
    return unit, refuse_withheld(rows, str(path))


def _formed(path: Path, form: FileFormat, findings: Findings) -> tuple[str, Iterator[RawRow]]:
    """What its numbers count, and its rows, by its format."""
    if form.kind == "folders":
        return "line", read_text(path, form)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    unit = "line"
    rows: Iterator[RawRow]
    if form.kind in ("csv", "tsv"):
        rows = read_table(path, form, findings)
    elif form.kind == "conll":
        rows = read_conll(path, form, findings)
    elif form.kind == "conllu":
        rows = read_conllu(path, form.encoding)
    elif form.kind == "jsonl":
        rows = read_jsonl(path, findings, form.encoding)
    elif form.kind == "json":
        unit, rows = read_json(path, findings, form.encoding)
    else:
        unit, rows = "row", read_npz(path) if form.kind == "npz" else read_parquet(path)
    return unit, refuse_withheld(rows, str(path))
