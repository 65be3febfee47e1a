"""What is no corpus is refused in one line that says what it is, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import json_lines, write
from test_corpus import numbered, read

from bertkit.errors import BertkitError, DataError, RequestError


def refusal(*paths: Path | str, **options: object) -> str:
    """The line of the error."""
    with pytest.raises((DataError, RequestError)) as refused:
        read(*paths, **options)
    assert isinstance(refused.value, BertkitError)
    return str(refused.value)


def test_no_text(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.txt", "")
    blank = write(tmp_path / "blank.txt", " \n\n\t\n")
    assert refusal(empty) == f"{empty}: the corpus is empty: there is no text"
    assert refusal(empty, blank) == f"{empty}, {blank}: the corpus is empty: there is no text"
    assert refusal(write(tmp_path / "a.jsonl", json_lines({"text": ""}))).endswith(
        "the corpus is empty: there is no text"
    )


def test_no_such_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.txt") == f"{tmp_path}/none.txt: there is no such file or folder"
    text = write(tmp_path / "a.txt", numbered(9))
    assert refusal(text, held_out_files=("none",)) == "none: there is no such file or folder"


def test_a_folder_without_text_files(tmp_path: Path) -> None:
    known = ".txt, .text, .md, .markdown, .rst, .u8, .utf8, .tokens, .raw, .jsonl, .ndjson, .parquet"
    assert refusal(tmp_path) == f"{tmp_path}: no text files ({known}); it is empty"
    write(tmp_path / "sub/a.csv", "a")
    write(tmp_path / "b.png", "b")
    has = "it has b.png, sub/a.csv: name files to read them as text"
    assert refusal(tmp_path) == f"{tmp_path}: no text files ({known}); {has}"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            "Fine.\nDas ist größer und schöner, für mich.\n".encode("cp1252"),
            "line 2: byte 0xf6 is not UTF-8; the file is most likely cp1252: read it with --encoding cp1252, or save "
            "it as UTF-8 (iconv -f CP1252 -t UTF-8)",
        ),
        (b"Fine.\nA \0 B\n", "line 2: byte 0x00: the file is not text"),
        (
            "Fine.".encode("utf-16"),
            "line 1: the file is UTF-16: read it with --encoding utf-16, or save it as UTF-8 "
            "(iconv -f UTF-16 -t UTF-8)",
        ),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, line: str) -> None:
    path = write(tmp_path / "a.txt", content)
    assert refusal(path) == f"{path}, {line}"


def test_a_file_that_holds_something_else(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"%PDF-1.7\n")
    assert refusal(path).startswith(f"{path} is a PDF")
    assert "--encoding klingon: it must be a text encoding" in refusal(write(path, "a"), encoding="klingon")


def test_no_text_column(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    lines = write(tmp_path / "a.jsonl", json_lines({"title": "T", "body": "B"}))
    both = "2 columns hold text, and none is called 'text'; name the one to read with --text-column (title, body)"
    assert refusal(lines) == f"{lines}, line 1: {both}"
    named = "no column 'bodi' (--text-column); its columns are title, body"
    assert refusal(lines, column="bodi") == f"{lines}, line 1: {named}"
    parquet.write_table(pa.table({"n": [1], "m": [2.0]}), tmp_path / "b.parquet")
    none = "no column holds text; name the one to read with --text-column (n, m)"
    assert refusal(tmp_path / "b.parquet") == f"{tmp_path}/b.parquet: {none}"
    later = write(tmp_path / "c.jsonl", json_lines({"text": "One"}, {"txt": "Two"}))
    assert refusal(later) == f"{later}, line 2: no column 'text', but txt"
    number = write(tmp_path / "d.jsonl", json_lines({"text": "One"}, {"text": 2}))
    assert refusal(number) == f"{number}, line 2: the text is a int; name another column with --text-column"
    assert refusal(write(tmp_path / "e.jsonl", "{\n")).startswith(f"{tmp_path}/e.jsonl, line 1: not JSON")


def test_nothing_is_left_to_train_on(tmp_path: Path) -> None:
    one = write(tmp_path / "a.txt", "One. Two.\nThree.")
    said = (
        f"{one}: the corpus is 1 document, held out whole: nothing is left to train on; hold out nothing (--held-out "
        "0) or a file (--held-out FILE), or cut it into more with --documents blank-lines or row"
    )
    assert refusal(one, held_out=0.01) == said
    assert refusal(write(tmp_path / "b.txt", " "), held_out_files=(str(one),)).startswith(
        "the corpus is 1 document, held out whole: nothing is left to train on"
    )


def test_held_out_documents_that_are_also_in_train(tmp_path: Path) -> None:
    train = write(tmp_path / "a.txt", numbered(9))
    aside = write(tmp_path / "b.txt", f"New.\n\n{numbered(2)}")
    start = "held-out documents that are also in train"
    assert refusal(train, held_out_files=(str(aside),)) == (
        f"{start}: 2 of {aside}, the first in {train}: leave them out of one of the two, or make each file one "
        "document (--documents file)"
    )
    assert refusal(tmp_path, held_out_files=(str(aside),)) == (
        f"{start}: {aside} is in the corpus: leave it out, or hold out a share (--held-out 1%)"
    )
    empty = write(tmp_path / "c.md", "\n")
    assert refusal(train, held_out_files=(str(empty),)) == f"{empty}: there is no text to hold out"


def test_a_dataset_without_an_owner_or_a_subset_of_nothing(tmp_path: Path) -> None:
    assert refusal("hub:a b") == "hub:a b: a dataset of the Hub is called hub:OWNER/NAME"
    text = write(tmp_path / "a.txt", "One.")
    said = "--subset de: the corpus names no dataset of the Hub, hub:OWNER/NAME"
    assert refusal(text, subset="de") == said


def test_a_refused_corpus_leaves_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path / "cache"))
    refusal(write(tmp_path / "a.txt", b"fine\n\xff\xff\n"))
    assert list((tmp_path / "cache").rglob("*.tmp")) == []
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
