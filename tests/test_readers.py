"""TSV, CSV and JSON Lines: round trip, by hand, against a reference implementation, nasty input."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.json
import pytest
from files import ODD_TEXTS, write

from bertkit.data.readers import read_raw
from bertkit.errors import DataError


def rows(path: Path, header: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    return [row for _, row in read_raw(path, header)]


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        list(read_raw(path))
    return str(caught.value)


# Any format.


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl", "conllu", "json", "parquet"])
def test_an_empty_file_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"train.{suffix}", "")
    assert refusal(path) == f"{path} is empty"


def test_a_suffix_that_no_reader_has_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "train.xlsx", "PK")
    assert str(path) in refusal(path)


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl", "conllu", "json"])
def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"train.{suffix}", b"\n\n caf\xe9 \n")
    assert refusal(path).startswith(f"{path}, line 3: byte 0xe9 is not UTF-8")


def test_a_file_in_utf16_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\nfine\t1\n".encode("utf-16"))
    assert f"{path}, line 1" in refusal(path)


# TSV.


def test_what_is_written_as_tsv_comes_back(tmp_path: Path) -> None:
    lines = [f"{text}\t{number}" for number, text in enumerate(ODD_TEXTS)]
    path = write(tmp_path / "train.tsv", "\n".join(["sentence\tlabel", *lines]))
    assert rows(path) == [{"sentence": text, "label": str(number)} for number, text in enumerate(ODD_TEXTS)]


def test_a_double_quote_in_a_tsv_is_text(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", 'sentence\tlabel\n"one\t0\ntwo"\t1\n')
    assert rows(path) == [{"sentence": '"one', "label": "0"}, {"sentence": 'two"', "label": "1"}]


def test_a_line_separator_inside_a_tsv_line_ends_no_line(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\none\u2028two\x85three\x0cfour\x1cfive\t1\n")
    assert rows(path) == [{"sentence": "one\u2028two\x85three\x0cfour\x1cfive", "label": "1"}]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", b"\xef\xbb\xbfQuality\t#1 String\n1\tfine\n")
    assert rows(path) == [{"Quality": "1", "#1 String": "fine"}]


def test_a_tsv_without_a_header_line_starts_with_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "gj04\t1\t\tThey left.\ngj04\t0\t*\tThem left.\n")
    first, second = rows(path, ("source", "label", "mark", "sentence"))
    assert first == {"source": "gj04", "label": "1", "mark": "", "sentence": "They left."}
    assert second == {"source": "gj04", "label": "0", "mark": "*", "sentence": "Them left."}


def test_a_carriage_return_before_a_tsv_line_end_is_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\r\nfine\t1\r\n")
    assert rows(path) == [{"sentence": "fine", "label": "1"}]


@pytest.mark.parametrize(("line", "found"), [("only one", 1), ("one\ttwo\tthree", 3)])
def test_a_tsv_line_with_other_columns_than_its_header_is_refused_with_its_line(
    tmp_path: Path, line: str, found: int
) -> None:
    path = write(tmp_path / "train.tsv", f"sentence\tlabel\nfine\t1\n{line}\n")
    assert refusal(path).startswith(f"{path}, line 3: {found} column")


def test_a_row_knows_the_line_it_stood_on(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\nfine\t1\n\nbad\t0\n")
    assert [number for number, _ in read_raw(path)] == [2, 4]


@pytest.mark.parametrize("name", ["MRPC/train", "QNLI/dev", "QQP/train", "RTE/dev", "SST-2/train", "STS-B/dev"])
def test_a_real_tsv_reads_as_the_standard_library_reads_it_unquoted(real_data: Path, name: str) -> None:
    path = real_data / "glue" / f"{name}.tsv"
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        assert rows(path) == list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


# CSV.


@pytest.mark.parametrize("text", [*ODD_TEXTS, "two\nlines", "two\r\nlines", "a\rb", '"', ",", "\n", '",\n"'])
def test_what_the_standard_library_writes_as_csv_comes_back(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "label"], [text, "1"], ["after", "0"]])
    assert rows(path) == [{"text": text, "label": "1"}, {"text": "after", "label": "0"}]


def test_a_doubled_quote_in_a_csv_cell_is_one_quote(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", 'text,label\n"say ""no"", twice",1\n')
    assert rows(path) == [{"text": 'say "no", twice', "label": "1"}]


def test_a_byte_order_mark_before_a_csv_header_is_dropped(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "train.csv", b"\xef\xbb\xbftext,label\r\nfine,1\r\n")) == [
        {"text": "fine", "label": "1"}
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("a,b,c", "3 columns, expected 2 (text, label)"),
        ('"a"b,1', "not CSV"),
        ('"never closed,1', "not CSV"),
    ],
)
def test_a_malformed_csv_line_is_refused_with_its_line(tmp_path: Path, line: str, what: str) -> None:
    path = write(tmp_path / "train.csv", f"text,label\nfine,1\n{line}\n")
    assert refusal(path).startswith(f"{path}, line 3: {what}")


# JSON Lines.


def test_what_is_written_as_json_lines_comes_back(tmp_path: Path) -> None:
    written = [{"text": text, "label": number, "more": [text, None]} for number, text in enumerate(ODD_TEXTS)]
    path = write(tmp_path / "train.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in written))
    assert rows(path) == written


def test_a_blank_line_between_json_lines_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", '{"text": "a"}\n\n   \n{"text": "b"}\n')
    assert list(read_raw(path)) == [(1, {"text": "a"}), (4, {"text": "b"})]


def test_real_json_lines_read_as_arrow_reads_them(real_data: Path) -> None:
    path = real_data / "glue" / "MNLI" / "dev_matched.jsonl"
    assert rows(path) == pyarrow.json.read_json(path).to_pylist()


@pytest.mark.parametrize(
    "line",
    ['{"text": "a"', "[1, 2]", '"text"', "{'text': 'a'}", "[" * 100_000, '{"label": ' + "1" * 5_000 + "}"],
    ids=["unclosed", "list", "string", "single quotes", "nested too deeply", "number of 5,000 digits"],
)
def test_a_line_that_is_no_json_object_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "train.jsonl", f'{{"text": "a"}}\n{line}\n')
    assert refusal(path).startswith(f"{path}, line 2: ")
