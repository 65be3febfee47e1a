"""Files that `predict` and `eval` cannot read, and encodings that are none: one line that says what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import untrained
from door import Refused, refused
from files import write
from test_predict_reading import PLAIN

from bertkit import registry

__all__ = ["refused"]

BINARY = bytes(range(256)) * 20


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights on a user's own file, and one of sst2."""
    below = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", below / "body")
    return {task.name: untrained.run_of(task, body, below / task.name) for task in (PLAIN, registry.find("sst2"))}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("new.csv", "review,stars\n", "has no rows, only the names of its columns"),
        ("new.csv", "review\n", "has no rows, only the names of its columns"),
        ("new.csv", "a,b\n1,2\n3,4\n", "the run reads the column 'review', and this line has 'a', 'b'"),
        ("new.jsonl", '{"review": 3}\n', "its row cannot be answered: the text is a int, not text"),
        ("new.bin", BINARY, "is no text"),
        ("new.txt", "%PDF-1.7\n", "is a PDF"),
    ],
)
def test_a_file_without_rows_to_answer_is_refused(
    refused: Refused, folders: dict[str, Path], tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    file = write(tmp_path / name, content)
    assert said in refused("predict", str(folders["plain"]), "--file", str(file), "--out", "out.csv", "--quiet")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["new.csv", "new.tsv", "new.txt", "new.dat"])
@pytest.mark.parametrize(("content", "said"), [(BINARY, "is no text"), (b"%PDF-1.7\n", "is a PDF")])
def test_a_file_that_is_no_text_is_refused_as_that_by_a_run_on_a_task(
    refused: Refused, folders: dict[str, Path], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = write(tmp_path / name, content)
    assert said in refused("predict", str(folders["sst2"]), "--file", str(file), "--quiet")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("", "it must be a text encoding"),
        ("base64", "it must be a text encoding that Python knows"),
        ("utf-16", "is not utf-16: UTF-16 stream does not start with BOM; give another --encoding"),
        ("punycode", "is not punycode: "),
        ("undefined", "is not undefined: "),
    ],
)
def test_an_encoding_that_does_not_fit_is_refused_in_one_line(
    refused: Refused, folders: dict[str, Path], tmp_path: Path, encoding: str, said: str
) -> None:
    write(tmp_path / "new.csv", "review;x\nFine;1\nDull;2\n")
    for typed in (("predict", str(folders["plain"]), "--file", "new.csv"), ("check", "new.csv")):
        line = refused(*typed, "--encoding", encoding)
        assert said in line
        assert "did you mean base64" not in line


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nowhere.csv --model MODEL", "nowhere.csv: there is no such file or folder"),
        ("new.csv", "new.csv: name the run or checkpoint to score on it, with --model"),
        (
            "rows --model MODEL",
            "no file called dev or test.* and not one file alone; it has a.csv, b.csv: name the file",
        ),
    ],
)
def test_a_path_that_cannot_be_scored_says_why(
    refused: Refused, folders: dict[str, Path], tmp_path: Path, typed: str, said: str
) -> None:
    for name in ("new.csv", "rows/a.csv", "rows/b.csv"):
        write(tmp_path / name, "review,stars\nFine,good\nDull,bad\n")
    line = refused("eval", *typed.replace("MODEL", str(folders["plain"] / "model")).split())
    assert said in line
    assert "--train-file" not in line
