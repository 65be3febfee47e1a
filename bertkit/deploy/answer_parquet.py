"""Answers as a Parquet file. Unfinished, it is an Arrow stream, to which batches can be appended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from bertkit.deploy.answer_formats import Table, cell_text
from bertkit.deploy.inputs import Inputs
from bertkit.files import atomic_file
from bertkit.heads import Answer

MIXED = (pa.lib.ArrowException, UnicodeEncodeError, OverflowError)
"""What pyarrow raises for values that have no type in common, or that it cannot hold."""


class Parquet(Table):
    """A row group a block. An own column whose values have no type in common is written as text."""

    def __init__(self, top: int | None) -> None:
        super().__init__(top)
        self.types: dict[str, pa.DataType] = {}

    def look(self, block: Inputs) -> None:
        """Find the columns' types."""
        super().look(block)
        for name in self.own:
            self.types[name] = self._type(name, [row.get(name) for row in block.own])

    def _type(self, name: str, values: list[Any]) -> pa.DataType:
        before = self.types.get(name, pa.null())
        if pa.types.is_string(before) and all(value is None or isinstance(value, str) for value in values):
            return before
        try:
            now = pa.array(values).type
            fields = [pa.schema([pa.field("", kind)]) for kind in (before, now)]
            return pa.unify_schemas(fields, promote_options="permissive").field(0).type
        except MIXED:
            return pa.string()

    def header(self) -> bytes:
        """The Arrow stream's schema."""
        added = [*self.head.answer_columns(self.top).values(), *([pa.string()] if self.has_errors else [])]
        types = [*(self.types[name] for name in self.own), *added]
        text = [pa.string() if pa.types.is_null(kind) else kind for kind in types]
        self.schema = pa.schema(list(zip(self.names, text, strict=True)))
        return bytes(self.schema.serialize())

    def rows(self, block: Inputs, answers: Sequence[Answer]) -> bytes:
        """A batch of the Arrow stream."""
        columns = zip(*self.values(block, answers), strict=True)
        arrays = [_array(list(values), field.type) for values, field in zip(columns, self.schema, strict=True)]
        return bytes(pa.record_batch(arrays, schema=self.schema).serialize())

    def finish(self, part: Path, out: Path) -> None:
        """Write the batches as a Parquet file."""
        with (
            atomic_file(out) as temporary,
            pa.OSFile(str(part)) as file,
            pa.ipc.open_stream(file) as batches,
            parquet.ParquetWriter(temporary, self.schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
        part.unlink()


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value if value is None else cell_text(value).encode("utf-8", "replace").decode() for value in values]
    return pa.array(values, type=kind)
