"""The table of rows against datasets.Dataset on the same Arrow file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from bertkit.data.table import Table

ROWS = 23
COLUMNS: dict[str, list[Any]] = {
    "text": [f"row {i}" if i % 5 else None for i in range(ROWS)],
    "label": [i / 2 for i in range(ROWS)],
    "words": [["a"] * (i % 4) for i in range(ROWS)],
    "answers": [[{"text": "é", "start": i}] if i % 3 else [] for i in range(ROWS)],
}
KEYS = [
    slice(None), slice(3, 17), slice(20, 90), slice(-4, None), slice(0, 0), [0], [22, 0, 7, 8, 9, 9, 6, 7], [],
    range(5, 12), np.array([13, 14, 15, 2]),
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of batches of 7, 7, 7 and 2 rows; and for datasets a stream of the same."""
    path = tmp_path_factory.mktemp("table") / "rows.arrow"
    table = pa.table(COLUMNS)
    for place, kind in ((path, pa.ipc.new_file), (path.with_suffix(".stream"), pa.ipc.new_stream)):
        with pa.OSFile(str(place), "wb") as sink, kind(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    return path


def by_datasets(path: Path) -> Dataset:
    return Dataset.from_file(str(path.with_suffix(".stream")))


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_rows_are_those_that_datasets_reads(path: Path, key: Any) -> None:
    ours, theirs = Table.from_file(path), by_datasets(path)
    assert len(ours) == len(theirs) == ROWS
    if len(np.arange(ROWS)[key]):
        assert ours[key] == theirs[list(key) if not isinstance(key, slice) else key]
    else:
        assert ours[key] == {name: [] for name in COLUMNS}


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_rows_of_rows_are_those_that_datasets_selects(path: Path, key: Any) -> None:
    picked = [22, 3, 4, 5, 0, 21, 20] * 4
    ours, theirs = (
        Table.from_file(path).select(picked),
        by_datasets(path).select(picked),
    )
    again = ours.select([5, 0])
    assert (len(ours), len(again)) == (28, 2)
    assert again[:] == theirs.select([5, 0])[:]
    if len(np.arange(28)[key]):
        assert ours[key] == theirs[list(key) if not isinstance(key, slice) else key]


def test_a_column_is_a_list(path: Path) -> None:
    table = Table.from_file(path)
    for name in COLUMNS:
        assert table[name] == COLUMNS[name]


def test_columns_that_are_selected_are_those(path: Path) -> None:
    table = Table.from_file(path).select([2, 9]).select_columns(["words", "label"])
    assert table.column_names == ["words", "label"]
    assert table[:] == {"words": [["a", "a"], ["a"]], "label": [1.0, 4.5]}


def test_rows_come_one_by_one_in_their_order(path: Path) -> None:
    table = Table.from_file(path)
    assert table.to_list() == by_datasets(path).to_list() == Table.from_columns(COLUMNS).to_list()


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    empty = pa.table({"text": pa.array([], pa.string())})
    with pa.OSFile(str(tmp_path / "empty"), "wb") as sink, pa.ipc.new_file(sink, empty.schema) as writer:
        writer.write_table(empty)
    table = Table.from_file(tmp_path / "empty")
    assert (len(table), table[:], table["text"], table.to_list()) == (0, {"text": []}, [], [])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_file_that_was_cut_off_is_refused(path: Path, tmp_path: Path, share: float) -> None:
    whole = path.read_bytes()
    cut = tmp_path / "cut.arrow"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises((pa.ArrowInvalid, OSError)):
        Table.from_file(cut)
