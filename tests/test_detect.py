"""What a file is taken for: by its content, whatever it is called."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from files import json_lines, squad, word, write

from bertkit.data.detect import PREFIX, detect
from bertkit.data.readers import read_located
from bertkit.errors import DataError
from bertkit.sources import FileFormat

ROWS = [{"text": "fine, really", "label": "pos"}, {"text": "so; so", "label": "neg"}, {"text": "dull", "label": "pos"}]
NAMES = ("train", "a.csv", "a.tsv", "a.txt", "a.train", "a.dat", "a.json", "a.jsonl", "a.conll")


def rows_of(path: Path, **said: Any) -> list[dict[str, Any]]:
    return [row for _, row in read_located(path, form=detect(path, **said))]


def refused(path: Path, **said: Any) -> str:
    with pytest.raises(DataError) as caught:
        rows_of(path, **said)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "form"),
    [
        ('text,label\n"fine, really",pos\nso; so,neg\ndull,pos\n', FileFormat(kind="csv")),
        (
            "text;label\nfine, really;pos\n'so; so';neg\ndull;pos\n".replace("'", '"'),
            FileFormat(kind="csv", delimiter=";"),
        ),
        ("text|label\r\nfine, really|pos\r\nso; so|neg\r\ndull|pos\r\n", FileFormat(kind="csv", delimiter="|")),
        ("text\tlabel\nfine, really\tpos\nso; so\tneg\ndull\tpos", FileFormat(kind="tsv", delimiter="\t")),
        (
            '"text"\t"label"\n"fine, really"\t"pos"\n"so; so"\t"neg"\n"dull"\t"pos"\n',
            FileFormat(kind="csv", delimiter="\t"),
        ),
        ("\ufefftext\tlabel\nfine, really\tpos\nso; so\tneg\ndull\tpos", FileFormat(kind="tsv", delimiter="\t")),
        (json_lines(*ROWS), FileFormat(kind="jsonl")),
        (json.dumps(ROWS), FileFormat(kind="json")),
        ("\n" + json.dumps(ROWS, indent=2), FileFormat(kind="json")),
    ],
    ids=["commas", "semicolons", "bars", "tabs", "quoted at tabs", "a mark", "json lines", "list", "indented list"],
)
def test_rows_are_read_by_their_content_whatever_the_file_is_called(
    tmp_path: Path, name: str, content: str, form: FileFormat
) -> None:
    path = write(tmp_path / name, content)
    assert detect(path) == form
    assert rows_of(path) == ROWS


def test_parquet_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "train.dat"
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path)
    assert detect(path) == FileFormat(kind="parquet")
    assert rows_of(path) == ROWS


def test_squads_layout_is_known_in_one_line_and_in_many(tmp_path: Path) -> None:
    line = squad({"id": "q", "question": "When?", "answers": [{"text": "May", "answer_start": 13}]})
    for name, content in (("one.txt", line), ("many.txt", json.dumps(json.loads(line), indent=1))):
        path = write(tmp_path / name, content)
        assert detect(path) == FileFormat(kind="json")
        assert rows_of(path)[0]["answers"] == [{"text": "May", "start": 13}]


def test_conllu_is_known_by_its_ten_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "train.txt", "\n".join(["# sent_id = 1", word(1, "Go", "VERB"), word(2, "!", "PUNCT"), "", ""])
    )
    assert detect(path) == FileFormat(kind="conllu")
    assert rows_of(path)[0]["words"] == ["Go", "!"]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('text,label\n"two\nlines, and a ""quote""",1\nb,0\n', [('two\nlines, and a "quote"', "1"), ("b", "0")]),
        ('text\tlabel\n"two\nlines"\t1\nb\t0\nc\t1\n', [("two\nlines", "1"), ("b", "0"), ("c", "1")]),
        ('text\tlabel\n"say ""no"""\t1\nb\t0\n', [('say "no"', "1"), ("b", "0")]),
        ('text\tlabel\n"fine" he said\t1\n"b"\t0\n', [('"fine" he said', "1"), ('"b"', "0")]),
        ('text\tlabel\n"so it is\t1\nb"\t0\n', [('"so it is', "1"), ('b"', "0")]),
        ("a, b, c\tlabel\nd, e, f\t1\ng, h, i\t0\n", [("d, e, f", "1"), ("g, h, i", "0")]),
        ("text;score\na;1,5\nb;2,5\n", [("a", "1,5"), ("b", "2,5")]),
        ("sep=;\ntext;label\na;1\nb;0\n", [("a", "1"), ("b", "0")]),
        ("label,text\n1,[laughs] so\n0,[1] a note\n", [("1", "[laughs] so"), ("0", "[1] a note")]),
    ],
)
def test_quotes_breaks_and_marks_in_cells_are_told_from_those_between_them(
    tmp_path: Path, content: str, rows: list[tuple[str, str]]
) -> None:
    assert [tuple(row.values()) for row in rows_of(write(tmp_path / "a.txt", content))] == rows


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("text\nfine, really\ndull\nso, so, so\n", ["fine, really", "dull", "so, so, so"]),
        ('text\n"fine, really"\ndull\n"two\nlines"\n', ["fine, really", "dull", "two\nlines"]),
        ('text\n"no" he said, and left\n"Never"\n', ['"no" he said, and left', '"Never"']),
    ],
)
def test_a_column_by_itself_is_read_whether_its_texts_are_quoted_or_not(
    tmp_path: Path, content: str, texts: list[str]
) -> None:
    for name in ("a.csv", "a.tsv", "a.txt"):
        assert [row["text"] for row in rows_of(write(tmp_path / name, content))] == texts


def test_a_cell_of_a_million_spaces_is_looked_at_in_no_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"text,label\n{' ' * 900_000}x,1\nso,0\n")
    started = time.process_time()
    assert detect(path).header
    assert time.process_time() - started < 5


def test_looking_at_a_file_loads_no_pyarrow_and_no_numpy(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", gzip.compress(b"text,label\nfine,1\ndull,0\n"))
    code = f"import sys; from pathlib import Path; from bertkit.data.detect import detect; detect(Path({str(path)!r}))"
    code += "; print([name for name in ('pyarrow', 'numpy', 'datasets', 'torch') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout == "[]\n"


@pytest.mark.parametrize(
    "content", ["[laughs] so,1\n[laughs] no,0\nb,1\n", "[1] so,1\n[2] no,0\n[3] b,1\n", "{so},1\n{no},0\n"]
)
def test_a_text_that_begins_with_a_bracket_is_no_json(tmp_path: Path, content: str) -> None:
    assert detect(write(tmp_path / "a.txt", content)).kind == "csv"


def test_no_more_than_a_prefix_is_read_to_find_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"text,label\n" + b"fine,1\ndull,0\n" * (PREFIX // 14) + b"\xff\xfe,1\n" * 100)
    assert detect(path) == FileFormat(kind="csv")
    assert ": byte 0xff is not UTF-8" in refused(path)


@pytest.mark.parametrize(
    ("content", "first"),
    [("v1,v2,,\nham,fine,,\n", ("v1", "v2", "column 3", "column 4")), (" text , label\nfine,1\n", ("text", "label"))],
)
def test_empty_names_are_places_and_outer_spaces_are_left_out(
    tmp_path: Path, content: str, first: tuple[str, ...]
) -> None:
    assert tuple(rows_of(write(tmp_path / "a.csv", content))[0]) == first


def test_empty_cells_to_the_right_of_the_table_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nfine,1,,\ndull,0,,\n")
    assert rows_of(path) == [{"text": "fine", "label": "1"}, {"text": "dull", "label": "0"}]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_blank_lines_and_rows_of_empty_cells_are_no_rows(tmp_path: Path, mark: str) -> None:
    content = "\n\r\ntext,label\n\nfine,1\n,\n,,\ndull,0\n,,,,\n\n".replace(",", mark)
    assert rows_of(write(tmp_path / "a.txt", content)) == [
        {"text": "fine", "label": "1"},
        {"text": "dull", "label": "0"},
    ]


def test_questions_in_a_list_called_data_are_rows_as_run_qa_takes_them(tmp_path: Path) -> None:
    asked = {"id": "q", "question": "When?", "context": "In May.", "answers": {"text": ["May"], "answer_start": [3]}}
    path = write(tmp_path / "a.json", json.dumps({"version": "1", "data": [asked]}))
    assert rows_of(path) == [asked]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "text,label\nfine,1\nfine, really,1\ndull,0\n",
            "line 3: 3 columns, expected 2 (text, label); quote cells that hold commas",
        ),
        ("text\tlabel\nfine\t1\ndull\nso\t0\n", "line 3: 1 columns, expected 2 (text, label)"),
        ('text,label\nfine,1\n"dull,0\nso,1\n', "line 3: not CSV: a double quote opens a cell and none closes it"),
        ('text,label\nfine,1\n"so \\"good\\"",0\n', "line 3: not CSV: a double quote stands within a cell in quotes"),
        ("text,label,text\nfine,1,x\n", "line 1: two columns are called 'text'"),
        (
            "good film,1,x\n1,2\n3,4\n5,6\n7,8\n9,10\n",
            "line 1: 3 columns ('good film', '1', 'x'), but most lines have 2",
        ),
        ("text,label\nfine,1\ntext,label\ndull,0\n", "line 3: the columns' names stand here again"),
        ('{"a": 1}\n{"a": \n', "line 2: not JSON"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    path = write(tmp_path / "a.csv", content)
    assert refused(path).startswith(f"{path}, {said}")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save the sheet as CSV"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"SQLite format 3\0", "sqlite3 -header -csv"),
        (b"\x80\x04\x95\x10\0\0\0", "a pickle"),
        (b"\x80\x02}q\0", "a pickle"),
        (b"(\xb5/\xfd\x04", "zstd -d"),
        (b"7z\xbc\xaf'\x1c", "unpack it"),
        (b"Rar!\x1a\x07\x01", "unpack it"),
        (b"a.csv" + b"\0" * 252 + b"ustar\x0000", "tar -xf"),
        (b"<!DOCTYPE html>\n<html>", "a web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x01\x02\x03\0" * 20, "is no text"),
        (b"__label__pos fine film\n__label__neg dull\n", "(sed -E 's/^__label__([^ ]+) /\\1\\t/')"),
        (b"__label__pos __label__x fine film\n__label__neg dull\n", "the labels in a column of their own"),
        (b'["fine", "pos"]\n["dull", "neg"]\n', "rows in JSON are objects"),
        (b'[["fine", "pos"], ["dull", "neg"]]', "rows in JSON are objects"),
        (b'["fine", "dull"]', "rows in JSON are objects"),
        (b'{"error": "not found"}', "one object (error), and not SQuAD's"),
        (b"| text | label |\n|---|---|\n| fine | pos |\n", "a table in Markdown"),
        (b",,\n,,\n", "is empty"),
        (b"The whole of a book.\nIt has no rows.\n", "no columns"),
    ],
)
def test_what_holds_no_rows_is_named_with_what_to_do(tmp_path: Path, start: bytes, said: str) -> None:
    path = write(tmp_path / "rows", start)
    message = refused(path)
    assert message.startswith(str(path))
    assert said in message


def test_an_empty_file_a_missing_one_and_a_plain_folder_are_refused_by_name(tmp_path: Path) -> None:
    assert refused(write(tmp_path / "a.csv", "")) == f"{tmp_path / 'a.csv'} is empty"
    assert refused(write(tmp_path / "b.csv", "\n \n")) == f"{tmp_path / 'b.csv'} is empty"
    assert refused(tmp_path / "c.csv") == f"{tmp_path / 'c.csv'}: there is no such file"
    assert refused(tmp_path).startswith(f"{tmp_path} is a folder")


def test_a_label_before_each_text_is_told_how_to_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "train.txt", "NUM:dist How far is it ?\nHUM:desc Who was he ?\n" * 10)
    assert "'NUM:dist'), put a tab after it (sed 's/ /\\t/')" in refused(path)


@pytest.mark.parametrize(
    ("name", "kind", "rows"),
    [
        *(("own/banking77/train.csv", "csv", 10_003), ("own/ag_news/test.first3000.csv", "csv", 3_000)),
        *(("own/goemotions/train.tsv", "tsv", 43_410), ("own/movie_reviews/movie_reviews.csv", "csv", 400)),
        *(
            ("own/clue/iflytek/test_public.json", "jsonl", 1_749),
            ("own/online_shopping/online_shopping.csv", "csv", 11_075),
        ),
        *(("lm2/wsd/MCL-WiC/dev.zh-zh.data", "json", 1_000), ("splice/train.data", "csv", 2_552)),
        *(
            ("glue/CoLA/train.tsv", "tsv", 8_551),
            ("glue/QQP/train.tsv", "csv", 18_000),
            ("xquad/xquad.de.json", "json", 1_190),
        ),
        *(("own/wnut17/train.conll", "conll", 3_394), ("own/weibo_ner/weiboNER_2nd_conll.train", "conll", 1_350)),
        ("ud/fr_sequoia/fr_sequoia-ud-dev.conllu", "conllu", 412),
    ],
)
def test_a_real_file_is_known_and_has_its_rows(real_data: Path, name: str, kind: str, rows: int) -> None:
    path = real_data / name
    if not path.exists():
        pytest.skip(f"{name} is not among the data here")
    assert (detect(path).kind, len(rows_of(path))) == (kind, rows)
