"""gzip, bz2, xz and zip of any format are read by content; what is damaged, a bomb or no one file is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from files import json_lines, squad, word, write
from test_detect import refused, rows_of

from bertkit.data import packed
from bertkit.data.detect import detect
from bertkit.data.readers import read_raw

CSV = b"text,label\n" + b'"fine, really",1\ndull,0\n' * 3_000
ROWS = [{"text": "fine, really", "label": "1"}, {"text": "dull", "label": "0"}] * 3_000


def zipped(content: bytes, name: str = "train.csv", **others: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, inside in {name: content, **others}.items():
            archive.writestr(member, inside)
    return buffer.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
}
packings = pytest.mark.parametrize("packing", PACKINGS)


def parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


TWO = [{"text": "fine", "label": "a"}, {"text": "dull", "label": "b"}]


@packings
@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz", "train"])
def test_a_packed_file_is_read_as_the_file_whatever_it_is_called(tmp_path: Path, packing: str, name: str) -> None:
    path = write(tmp_path / name, PACKINGS[packing](CSV))
    assert detect(path).kind == "csv"
    assert rows_of(path) == ROWS


@packings
@pytest.mark.parametrize(
    ("content", "kind", "rows"),
    [
        (json_lines(*TWO).encode(), "jsonl", TWO),
        (json.dumps(TWO).encode(), "json", TWO),
        (b"text\tlabel\nfine\ta\ndull\tb\n", "tsv", TWO),
        (parquet(TWO), "parquet", TWO),
        (b"EU B-ORG\nso O\n\n", "conll", [{"words": ["EU", "so"], "tags": ["B-ORG", "O"], "lines": [1, 2]}]),
    ],
    ids=["jsonl", "json", "tsv", "parquet", "conll"],
)
def test_any_format_may_be_packed(tmp_path: Path, packing: str, content: bytes, kind: str, rows: Any) -> None:
    path = write(tmp_path / "train.x", PACKINGS[packing](content))
    assert detect(path).kind == kind
    assert rows_of(path) == rows


def test_squad_and_conllu_may_be_packed(tmp_path: Path) -> None:
    asked = squad({"id": "q", "question": "When?", "answers": [{"text": "May", "answer_start": 13}]})
    assert rows_of(write(tmp_path / "a.gz", gzip.compress(asked.encode())))[0]["question"] == "When?"
    lines = "\n".join([word(1, "Go", "VERB"), word(2, "!", "PUNCT"), "", ""]).encode()
    assert rows_of(write(tmp_path / "b.gz", gzip.compress(lines)))[0]["words"] == ["Go", "!"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_packed_file_under_the_suffix_of_a_plain_one_is_read_without_a_format_too(
    tmp_path: Path, suffix: str
) -> None:
    content = {"csv": b"a,b\n1,2\n", "tsv": b"a\tb\n1\t2\n", "jsonl": b'{"a": "1", "b": "2"}\n'}[suffix]
    path = write(tmp_path / f"train.{suffix}", gzip.compress(content))
    assert [row for _, row in read_raw(path)] == [{"a": "1", "b": "2"}]


def test_the_line_of_an_error_is_the_unpacked_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", gzip.compress(b"text,label\nfine,1\ndull\nso,1\n"))
    assert refused(path).startswith(f"{path}, line 3: 1 columns, expected 2")


@packings
@pytest.mark.parametrize("share", [0.3, 0.6, 0.98])
def test_an_archive_that_is_cut_short_is_refused_by_name(tmp_path: Path, packing: str, share: float) -> None:
    whole = PACKINGS[packing](
        bytes(json_lines(*[{"text": f"row {k * 7919 % 10_007}", "label": k} for k in range(40_000)]), "ascii")
    )
    path = write(tmp_path / "a.jsonl", whole[: int(share * len(whole))])
    message = refused(path)
    assert message.startswith(str(path))
    assert packing in message
    assert message.endswith("pack or download it again")


@packings
def test_an_archive_with_a_changed_byte_is_refused_by_name(tmp_path: Path, packing: str) -> None:
    whole = bytearray(
        PACKINGS[packing](json_lines(*[{"text": f"row {k * 7919 % 10_007}"} for k in range(4_000)]).encode())
    )
    whole[len(whole) // 2] ^= 0xFF
    assert "pack or download it again" in refused(write(tmp_path / "a.jsonl", bytes(whole)))


def test_a_zip_of_one_data_file_may_hold_a_readme_and_what_macos_adds(tmp_path: Path) -> None:
    content = zipped(CSV, "data/train.csv", **{"README.md": b"#", "LICENSE": b"-", "__MACOSX/data/._train.csv": b"\0"})
    assert rows_of(write(tmp_path / "a.zip", content)) == ROWS


def test_a_zip_of_one_file_that_is_called_readme_is_that_file(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path / "a.zip", zipped(CSV, "readme.csv"))) == ROWS


def test_a_zip_of_several_files_is_refused_with_their_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", zipped(CSV, "train.csv", **{"dev.csv": CSV}))
    assert refused(path) == (f"{path}: the zip holds 2 files (train.csv, dev.csv): unpack it, and name the one to read")


@pytest.mark.parametrize(
    "name", ["../train.csv", "/etc/train.csv", "a/../../train.csv", "..\\train.csv", "C:\\train.csv"]
)
def test_a_member_whose_path_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.zip", zipped(CSV, name))
    assert "a path out of the archive" in refused(path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_zip_and_an_encrypted_one_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    assert refused(write(tmp_path / "a.zip", buffer.getvalue())).endswith("the zip holds no file")
    locked = bytearray(zipped(CSV))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert refused(write(tmp_path / "b.zip", bytes(locked))).endswith("the zip is encrypted: unpack it")


def test_a_file_packed_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", gzip.compress(zipped(CSV)))
    assert refused(path) == f"{path} is packed twice: unpack it once"


def test_a_tar_in_gzip_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar.gz", gzip.compress(b"a.csv" + b"\0" * 252 + b"ustar\x0000" + b"\0" * 500))
    assert "tar -xf" in refused(path)


@pytest.mark.parametrize(
    ("member", "said"), [("xl/workbook.xml", "save the sheet as CSV"), ("word/document.xml", ".docx")]
)
def test_an_office_document_is_named_though_it_is_a_zip(tmp_path: Path, member: str, said: str) -> None:
    path = write(tmp_path / "a.csv", zipped(b"<x/>", "[Content_Types].xml", **{member: b"<x/>"}))
    assert said in refused(path)


def test_a_pickle_in_a_zip_is_named(tmp_path: Path) -> None:
    assert "is a pickle" in refused(write(tmp_path / "a.pt", zipped(b"\x80\x02}", "archive/data.pkl")))


@packings
def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "LEAST", 1 << 20)
    monkeypatch.setattr(packed, "CHECKED", 1 << 16)
    monkeypatch.setattr(packed, "RATIO", 500)
    path = write(tmp_path / "a.csv", PACKINGS[packing](b"text,label\n" + b"fine,1\ndull,0\n" * 1_000_000))
    message = refused(path)
    assert message.startswith(f"{path} unpacks to more than 500 times its ")
    assert message.endswith("this looks like a zip bomb")


def test_what_unpacks_to_more_than_the_free_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "CHECKED", 1 << 16)
    monkeypatch.setattr(packed, "_free", lambda: 100_000)
    path = write(tmp_path / "a.csv.gz", gzip.compress(CSV * 3))
    assert refused(path) == f"{path} unpacks to more than the 100,000 bytes that are free on the disk"


def test_a_much_repeated_text_below_the_limit_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.xz", lzma.compress(b"text,label\n" + b"fine,1\ndull,0\n" * 50_000))
    assert len(rows_of(path)) == 100_000
