"""A corpus is read into documents: from files of each format, duplicates left out, a part held out."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakehub import FakeHub
from files import json_lines, write

from bertkit.data import corpus as reading
from bertkit.data.corpus import CorpusText, corpus_text
from bertkit.data.held_out import _drawn
from bertkit.pretraining import Corpus
from bertkit.progress import Progress

ALL = Corpus(paths=("x",), held_out=0)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own."""
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path_factory.mktemp("cache")))


def read(*paths: Path | str, **options: Any) -> CorpusText:
    """The corpus at these paths; nothing is held out if the options do not say so."""
    return corpus_text(replace(ALL, paths=tuple(map(str, paths)), **options), Progress())


def texts(corpus: CorpusText, part: reading.Part = "train") -> list[str]:
    """Its documents, with a bar between two sentences."""
    return ["|".join(document) for document in corpus.documents(part)]


BOOK = (
    "Title: Sea\n\n*** START OF THIS PROJECT GUTENBERG EBOOK SEA ***\n\nIt was calm. He\nslept.\n\nHe woke.\n"
    "*** END OF THIS PROJECT GUTENBERG EBOOK SEA ***\n"
)


def test_a_text_file_has_a_document_between_blank_lines_and_a_book_is_one(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.txt", "One. Two.\nThree\n\n\nFour.\n")
    book = write(tmp_path / "b.txt", BOOK)
    assert texts(read(plain, book)) == ["One.|Two.|Three", "Four.", "It was calm.|He slept.|He woke."]
    assert texts(read(plain, documents="file")) == ["One.|Two.|Three|Four."]
    assert texts(read(plain, documents="row")) == ["One.|Two.", "Three", "Four."]
    assert texts(read(book, documents="blank-lines")) == ["It was calm.|He slept.", "He woke."]
    assert read(book).counts.lines[1] == "boilerplate of 1 Project Gutenberg book left out: 110 characters"


def test_a_file_is_read_packed_and_in_its_encoding(tmp_path: Path) -> None:
    text = "Größe. Äh!\r\n\r\nZwei\r\n".encode()
    packed = [
        write(tmp_path / "a.txt.gz", gzip.compress(text)),
        write(tmp_path / "b.text.bz2", bz2.compress(text)),
        write(tmp_path / "c.md.xz", lzma.compress(text)),
        write(tmp_path / "d.odd", b"\xef\xbb\xbf" + text),
    ]
    for path in packed:
        assert texts(read(path)) == ["Größe.|Äh!", "Zwei"]
    latin = write(tmp_path / "e.txt", text.decode().encode("cp1252"))
    assert texts(read(latin, encoding="cp1252")) == ["Größe.|Äh!", "Zwei"]


def test_a_folder_is_read_by_name_without_hidden_and_other_files(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "two")
    write(tmp_path / "a/z.md", "one")
    write(tmp_path / "c.jsonl.gz", gzip.compress(json_lines({"text": "three"}).encode()))
    for path in (".hidden.txt", ".git/config.txt", "__MACOSX/b.txt", "picture.png", "table.csv", "meta.json"):
        write(tmp_path / path, "never")
    found = read(tmp_path)
    assert texts(found) == ["one", "two", "three"]
    assert found.counts.lines == (
        "3 files, 3 documents, 14 characters",
        "3 other files of the folders not read (.csv, .json, .png)",
    )


def test_a_folder_of_files_without_suffixes_is_read(tmp_path: Path) -> None:
    write(tmp_path / "9960", "one")
    write(tmp_path / "cv.9961", "two")
    assert texts(read(tmp_path)) == ["one", "two"]


ROWS = [{"id": 7, "text": "One. Two.\nThree\n\nFour"}, {"id": 8, "text": None}, {"id": 9, "text": "Five"}]


def test_a_row_is_a_document_in_each_format(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    lines = write(tmp_path / "a.jsonl", json_lines(*ROWS))
    listed = write(tmp_path / "b.json", json.dumps(ROWS))
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "c.parquet")
    packed = write(tmp_path / "d.parquet.gz", gzip.compress((tmp_path / "c.parquet").read_bytes()))
    for path in (lines, listed, tmp_path / "c.parquet", packed):
        assert texts(read(path)) == ["One.|Two.|Three|Four", "Five"]
        assert texts(read(path, documents="blank-lines")) == ["One.|Two.|Three", "Four", "Five"]
        assert texts(read(path, documents="file")) == ["One.|Two.|Three|Four|Five"]


def test_the_text_column_is_the_one_named_or_called_text_or_the_only_one(tmp_path: Path) -> None:
    two = write(tmp_path / "a.jsonl", json_lines({"title": "T", "text": "B"}))
    assert texts(read(two)) == ["B"]
    assert texts(read(two, column="title")) == ["T"]
    assert texts(read(write(tmp_path / "b.jsonl", json_lines({"n": 1, "body": "B"})))) == ["B"]


def test_half_a_surrogate_pair_is_no_crash(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "a.jsonl", '{"text": "a\\ud800b"}\n'))) == ["a?b"]


def test_exact_duplicates_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "One. Two.\n\nThree\n\nOne. Two.\n")
    write(tmp_path / "b.txt", "Three \n\nOne.  Two.\n\nOne. Two. More\n")
    found = read(tmp_path)
    assert texts(found) == ["One.|Two.", "Three", "One.|Two.|More"]
    assert found.counts.lines[1] == "3 documents left out: exact duplicates of others"


def numbered(count: int) -> str:
    """So many documents of 20 characters, the line end that is counted with them included."""
    return "".join(f"Document number {k:03d}\n\n" for k in range(count))


def test_the_held_out_share_is_drawn_by_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", numbered(1000))
    found = read(path, held_out=0.05)
    held = set(texts(found, "held-out"))
    assert (len(held), len(texts(found))) == (50, 950)
    assert held.isdisjoint(texts(found))
    assert found.counts.lines[1] == "held out: 50 documents, 5.0% of the characters"
    again = write(tmp_path / "b.txt", "\n\n".join(reversed(numbered(1000).split("\n\n"))))
    assert set(texts(read(again, held_out=0.05), "held-out")) == held
    assert held < set(texts(read(path, held_out=0.1), "held-out"))


@pytest.mark.parametrize(
    ("sizes", "share", "held"),
    [
        ([60, 20, 20], 0.01, [1]),  # the first of the smallest
        ([60, 30, 10], 0.01, [2]),
        ([30, 10, 30, 30], 0.2, [1, 3]),  # 10 of 20 fit, and one more is needed: 30 is the least
        ([50, 10, 20, 20], 0.3, [1, 2]),  # 10 and 20 fit
        ([1] * 100, 0.1, list(range(10))),
        ([5, 5], 0, []),
    ],
)
def test_the_share_is_exceeded_as_little_as_possible(sizes: list[int], share: float, held: list[int]) -> None:
    import numpy as np

    found = np.flatnonzero(_drawn(np.array(sizes), share, least=1))
    assert len(found) == len(held)
    assert sum(sizes[k] for k in found) == sum(sizes[k] for k in held)
    if sizes != [30, 10, 30, 30]:
        assert found.tolist() == held


def test_the_share_that_whole_documents_come_to_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "a" * 59 + "\n\n" + "b" * 39)
    found = read(path, held_out=0.01)
    assert texts(found, "held-out") == ["b" * 39]
    said = "held out: 1 document, 40.0% of the characters (1.0% was asked for; documents are held out whole)"
    assert found.counts.lines[1] == said


def test_held_out_files_are_never_trained_on(tmp_path: Path) -> None:
    train, aside = write(tmp_path / "a.txt", numbered(9)), write(tmp_path / "b.txt", "New.\n\nNew.\n\nNewest.")
    found = read(train, held_out=0.5, held_out_files=(str(aside),))
    assert texts(found, "held-out") == ["New.", "Newest."]
    assert len(texts(found)) == 9
    assert found.counts.lines[2] == "held out: 2 documents, 6.7% of the characters"


def test_a_corpus_is_read_once_wherever_its_files_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(write(tmp_path / "a.txt", numbered(9)), held_out=0.2)
    monkeypatch.setattr(reading, "texts_of", None)  # nothing can be read again
    moved = read(write(tmp_path / "sub/b.txt", numbered(9)), held_out=0.2)
    assert (moved.digest, texts(moved, "held-out")) == (first.digest, texts(first, "held-out"))
    with pytest.raises(TypeError):
        read(tmp_path / "a.txt", held_out=0.3)


def test_a_document_of_many_stretches_comes_in_several_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STRETCH", 20)
    path = write(tmp_path / "a.txt", "One two three. Four five six. Seven.\n\nEnd.")
    found = read(path)
    assert list(found.documents("train")) == [["One two three."], ["Four five six."], ["Seven."], ["End."]]
    assert [begins for begins, _ in found.stretches("train")] == [True, False, False, True]
    assert found.characters("train") == len("One two three.|Four five six.|Seven.|End.|")


def test_a_dataset_of_the_hub_is_read(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    from datasets import Dataset

    folder = tmp_path / "hub/datasets/org/stories"
    folder.mkdir(parents=True)
    rows = Dataset.from_dict({"story": ["One. Two.", "Three."], "n": [1, 2]})
    rows.to_parquet(folder / "validation-00000-of-00001.parquet")
    code = (
        "from bertkit.data.corpus import corpus_text; from bertkit.pretraining import Corpus\n"
        "from bertkit.progress import Progress\n"
        "found = corpus_text(Corpus(paths=('hub:org/stories',), split='validation', held_out=0), Progress())\n"
        "print(list(found.documents('train')))"
    )
    with FakeHub(tmp_path / "hub") as hub:
        places = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert done.stdout == "[['One.', 'Two.'], ['Three.']]\n", done.stderr
