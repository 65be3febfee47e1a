"""Read Parquet, a slice of rows at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from bertkit.data.packed import opened, size_of
from bertkit.data.read_json import RawRow
from bertkit.errors import DataError, one_line

SLICE = 5_000
"""Rows that are decoded at once."""


Chosen = Callable[[list[str], list[str]], list[str]]
"""From the names of all columns, and of those that hold text, the columns that are read."""


def read_parquet(path: Path, chosen: Chosen | None = None) -> Iterator[RawRow]:
    """Rows of a Parquet file with the features that datasets keeps in it: class ids turned into their names.

    A packed file is unpacked to a temporary one, as Parquet is read from its end. All columns are read, or those that
    are `chosen`.
    """
    import pyarrow as pa

    try:
        with _seekable(path) as file:
            yield from _rows(path, file, chosen)
    except (pa.lib.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {one_line(error, lines=1)}") from error


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    if size_of(path) is not None:
        with path.open("rb") as plain:
            yield plain
        return
    with TemporaryFile() as file:
        with opened(path) as packed:
            shutil.copyfileobj(packed, file)
        file.seek(0)
        yield file


def _rows(path: Path, file: IO[bytes], chosen: Chosen | None) -> Iterator[RawRow]:
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from pyarrow import parquet

    from bertkit.data.hf_datasets import named_rows

    reader = parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    schema = reader.schema_arrow
    twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: two columns are called '{twice}'")
    fields = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema]
    plain: Any = pa.schema(fields, schema.metadata)
    names = None
    if chosen:
        names = chosen(plain.names, [field.name for field in plain if _is_text(field.type)])
        plain = pa.schema([plain.field(name) for name in names])
    before = 0
    for batch in reader.iter_batches(SLICE, columns=names):
        table = pa.Table.from_batches([batch]).cast(plain)
        # not Dataset.from_parquet, which shows a bar and says on stderr what it cannot read
        for number, row in named_rows(Dataset(InMemoryTable(table), fingerprint="parquet")):
            yield before + number, row
        before += table.num_rows


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
