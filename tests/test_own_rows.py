"""Rows by a source's formats: one file in any layout gives the same table, and what was said of it counts."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from files import json_lines, write

from bertkit import registry
from bertkit.data.detect import detect
from bertkit.data.readers import read_located
from bertkit.data.rows import Rows, read_files
from bertkit.data.splits import read_splits
from bertkit.errors import DataError
from bertkit.request.flags import Flags
from bertkit.request.own_files import files_of
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import target_of
from bertkit.sources import FileFormat, Source, locate

ROWS = [{"id": "7", "text": "fine, really", "label": "pos"}, {"id": "8", "text": "dull", "label": "neg"}]
SOURCE = Source(
    columns={"id": ("id",), "text": ("text",), "label": ("label",)}, labels={"neg": "negative", "pos": "positive"}
)


def read(path: Path, form: FileFormat, source: Source = SOURCE, skips: bool = False) -> Rows:
    own = replace(source, files={"train": (path.name,)}, formats={"train": form})
    located = locate(own, path.parent, "train")
    assert located
    return read_files(located, own, registry.find("sst2").head, skips=skips)


@pytest.mark.parametrize("name", ["train.txt", "train.tsv", "mine"])
@pytest.mark.parametrize(
    "content",
    [
        b'id,text,label\n7,"fine, really",pos\n8,dull,neg\n',
        b"id;text;label\r\n7;fine, really;pos\r\n8;dull;neg\r\n",
        b"id\ttext\tlabel\n7\tfine, really\tpos\n8\tdull\tneg\n",
        json_lines(*ROWS).encode(),
        json.dumps(ROWS).encode(),
        gzip.compress(json_lines(*ROWS).encode()),
        "parquet",
    ],
    ids=["csv", "semicolons", "tsv", "jsonl", "json", "gzip", "parquet"],
)
def test_a_file_gives_the_same_rows_in_every_layout_and_under_every_name(
    tmp_path: Path, name: str, content: bytes | str
) -> None:
    path = tmp_path / name
    if content == "parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        write(path, content)
    table = read(path, detect(path)).table
    assert table["row_id"] == ["7", "8"]
    assert table["text"] == ["fine, really", "dull"]
    assert table["label"] == ["positive", "negative"]


def test_a_file_without_a_header_line_keeps_its_first_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "pos,fine film\nneg,dull film\npos,good film\n")
    source = replace(SOURCE, columns={"text": ("column 2",), "label": ("column 1",)})
    form = detect(path)
    assert form == FileFormat(kind="csv", header=False, columns=("column 1", "column 2"))
    assert read(path, form, source).table["text"] == ["fine film", "dull film", "good film"]


def test_the_same_bytes_in_another_encoding_are_other_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text,label\n1,caf\xe9,pos\n".encode("latin-1"))
    west, east = (read(path, detect(path, encoding)) for encoding in ("latin-1", "cp1251"))
    assert (west.table["text"], east.table["text"]) == (["café"], ["cafй"])
    assert west.digest != east.digest


def test_broken_lines_of_an_own_file_are_skipped_and_counted_where_bad_rows_are(tmp_path: Path) -> None:
    lines = "".join(f"{k},fine,pos\n" for k in range(100))
    path = write(tmp_path / "a.csv", f"id,text,label\n{lines}100,so, so,neg\nid,text,label\n")
    rows = read(path, detect(path), skips=True)
    assert len(rows) == 100
    assert [(one.place, one.why) for one in rows.skipped] == [
        ("line 102", "4 columns, expected 3 (id, text, label); quote cells that hold commas"),
        ("line 103", "the columns' names stand here again"),
    ]
    with pytest.raises(DataError, match="line 102: 4 columns"):
        read(path, detect(path))


def test_nothing_is_said_of_quotes_in_an_own_tsv_that_was_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "id\ttext\tlabel\n" + '1\t"so"\tpos\n2\t"so" it is\tneg\n' * 20)
    rows = read(path, detect(path))
    assert rows.table["text"][:2] == ['"so"', '"so" it is']
    assert not any("quotes" in note for note in rows.notes)


def test_rows_read_by_a_format_are_those_read_by_the_suffix(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "id\ttext\tlabel\n7\tfine\tpos\n")
    source = replace(SOURCE, files={"train": ("train.tsv",)})
    located = locate(source, tmp_path, "train")
    assert located
    plain = read_files(located, source, registry.find("sst2").head)
    formed = read(path, FileFormat(kind="tsv", delimiter="\t"))
    assert plain.table.to_list() == formed.table.to_list()
    assert plain.digest != formed.digest


def test_the_rows_of_a_parquet_file_are_numbered_throughout_its_slices(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"text": [f"row {k}" for k in range(12_001)]}), path, row_group_size=7_000)
    rows = list(read_located(path, form=detect(path)))
    assert [place for place, _ in rows] == [f"{path}, row {k}" for k in range(1, 12_002)]
    assert [row["text"] for _, row in rows] == [f"row {k}" for k in range(12_001)]


def test_of_a_folder_with_train_rows_alone_those_are_scored(tmp_path: Path) -> None:
    for name in ("a.csv", "train.csv"):
        write(tmp_path / name, "text,label\nfine,pos\ndull,neg\n")
    assert files_of(str(tmp_path), OwnFlags(), scored=True).files == {"test": ("train.csv",)}


@pytest.mark.parametrize("written", [["Anna", "nobody"], '["Anna", "nobody"]'])
def test_answers_that_are_texts_alone_are_found_in_their_document(tmp_path: Path, written: object) -> None:
    rows = [{"question": f"Who is {k}?", "context": f"{k} is Anna.", "answers": written} for k in range(10, 40)]
    write(tmp_path / "a.jsonl", json_lines(*rows))
    splits = read_splits(target_of(str(tmp_path / "a.jsonl"), OwnFlags()).spec(Flags(model="sample")))
    assert splits.train is not None
    assert splits.train.table["answers"][0] == [{"text": "Anna", "start": 6}, {"text": "nobody", "start": None}]
    write(tmp_path / "b.jsonl", json_lines(*rows, {**rows[0], "answers": ["Ben"]}))
    with pytest.raises(DataError, match="line 31: the answer 'Ben' is not in its document"):
        read_splits(target_of(str(tmp_path / "b.jsonl"), OwnFlags()).spec(Flags(model="sample", on_bad_row="error")))
