"""Read published files by suffix and content: raw rows, each with the line it stood on. No interpretation.

A raw row is a mapping of the file's own columns to strings (or JSON values). Every reader raises DataError naming
file and line for what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bertkit.data.read_conllu import read_conllu, refuse_withheld
from bertkit.data.read_json import RawRow, read_json, read_jsonl
from bertkit.data.read_tables import read_csv, read_tsv
from bertkit.errors import DataError
from bertkit.findings import Findings

__all__ = ["RawRow", "read_located", "read_raw", "refuse_withheld"]


def read_located(
    path: Path, header: tuple[str, ...] | None = None, findings: Findings | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file, each with where it stood: "FILE, line 3", or its row or question where lines say nothing."""
    unit, rows = _opened(path, header, findings or Findings([path]))
    return ((f"{path}, {unit} {number}", row) for number, row in rows)


def read_raw(path: Path, header: tuple[str, ...] | None = None, findings: Findings | None = None) -> Iterator[RawRow]:
    """The rows of a file, each with its number; `header` names the columns of a TSV that has no header line.

    What is worth a note but no error is reported to `findings`.
    """
    return _opened(path, header, findings or Findings([path]))[1]


def _opened(path: Path, header: tuple[str, ...] | None, findings: Findings) -> tuple[str, Iterator[RawRow]]:
    """What its numbers count (line, row or question), and its rows."""
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    if path.suffix == ".json":
        unit, rows = read_json(path)
    elif path.suffix == ".parquet":
        unit, rows = "row", read_parquet(path)
    elif path.suffix == ".tsv":
        unit, rows = "line", read_tsv(path, header, findings)
    elif path.suffix == ".csv":
        unit, rows = "line", read_csv(path, findings)
    elif path.suffix == ".jsonl":
        unit, rows = "line", read_jsonl(path)
    elif path.suffix == ".conllu":
        unit, rows = "line", read_conllu(path)
    else:
        raise DataError(f"{path}: bertkit reads .tsv, .csv, .jsonl, .json, .conllu and .parquet")
    return unit, refuse_withheld(rows, str(path))


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
