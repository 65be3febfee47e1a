"""Read published files by suffix and content: raw rows, each with its line number. No interpretation.

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
from bertkit.errors import DataError, one_line
from bertkit.findings import Findings

__all__ = ["RawRow", "read_located", "read_raw", "refuse_withheld"]


def read_located(
    path: Path, header: tuple[str, ...] | None = None, findings: Findings | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file, each with its place: "FILE, line 3", or its row or question in formats without lines."""
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
        unit, rows = read_json(path, findings)
    elif path.suffix == ".parquet":
        unit, rows = "row", read_parquet(path)
    elif path.suffix == ".tsv":
        unit, rows = "line", read_tsv(path, header, findings)
    elif path.suffix == ".csv":
        unit, rows = "line", read_csv(path, findings)
    elif path.suffix == ".jsonl":
        unit, rows = "line", read_jsonl(path, findings)
    elif path.suffix == ".conllu":
        unit, rows = "line", read_conllu(path)
    else:
        raise DataError(f"{path}: bertkit reads .tsv, .csv, .jsonl, .json, .conllu and .parquet")
    return unit, refuse_withheld(rows, str(path))


def read_parquet(path: Path) -> Iterator[RawRow]:
    """Rows of a Parquet file with the features that datasets keeps in it: class ids turned into their names."""
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from pyarrow import parquet

    from bertkit.data.hf_datasets import named_rows

    try:
        names = parquet.read_schema(path).names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{path}: two columns are called '{twice}'")
        table = parquet.read_table(path, partitioning=None)
        fields = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in table.schema]
        table = table.cast(pa.schema(fields, table.schema.metadata))
        # not Dataset.from_parquet, which shows a bar and says on stderr what it cannot read
        yield from named_rows(Dataset(InMemoryTable(table), fingerprint="parquet"))
    except (pa.lib.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {one_line(error, lines=1)}") from error
