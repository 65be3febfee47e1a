"""Which column is which role: names whatever their case and outer spaces; general names where one reading is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from files import json_lines, write
from test_rows import read, refusal

Header = Callable[[str], Path]


@pytest.fixture
def rows_under(tmp_path: Path) -> Header:
    """A train.csv with this header, of as many cells a row as it has columns, all "1"."""

    def make(header: str) -> Path:
        return write(tmp_path / "train.csv", f"{header}\n{','.join('1' for _ in header.split(','))}\n")

    return make


@pytest.mark.parametrize(
    "header",
    [
        "Sentence,Label",
        "SENTENCE,LABEL",
        " sentence , Label ",
        "text,label",
        "Text,Class",
        "TEXT,target",
        "text,labels",
    ],
)
def test_one_text_and_its_label_are_found(rows_under: Header, tmp_path: Path, header: str) -> None:
    rows_under(header)
    (row,) = read("sst2", tmp_path).table.to_list()
    assert (row["text"], row["label"]) == ("1", "positive")


@pytest.mark.parametrize(
    "header", ["sentence1,sentence2,label", "Sentence1,SENTENCE2,Label", "text,text_pair,label", "Text1,Text2,label"]
)
def test_two_texts_and_their_label_are_found(tmp_path: Path, header: str) -> None:
    write(tmp_path / "train.csv", f"{header}\nIt rains.,It is wet.,0\n")
    for task in ("rte", "mnli", "qnli"):
        (row,) = read(task, tmp_path).table.to_list()
        assert (row["text"], row["text_pair"], row["label"]) == ("It rains.", "It is wet.", "entailment")


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("text,label,class", "label"),
        ("sentence,class,target", "no column 'label'"),
        ("text,text_pair,label", "no column 'sentence' or 'text'"),
        ("sentence1,sentence2,label", "no column 'sentence' or 'text'"),
        ("sentence_text,label", "no column 'sentence' or 'text'"),
        ("phrase,text label", "no column 'sentence' or 'text'"),
        ("Sentence,SENTENCE,label", "which column is 'sentence': 'Sentence' or 'SENTENCE'? Rename one of them"),
    ],
)
def test_names_that_may_be_read_in_two_ways_are_refused(
    rows_under: Header, tmp_path: Path, header: str, role: str
) -> None:
    rows_under(header)
    if role == "label":  # the task's own name for it comes first
        assert read("sst2", tmp_path).table["label"] == ["positive"]
    else:
        assert role in refusal("sst2", tmp_path)


@pytest.mark.parametrize(
    ("task", "header"),
    [("rte", "sentence1,text_pair,label"), ("rte", "text,text_pair,text1,text2,label"), ("rte", "text,label")],
)
def test_a_pair_that_is_named_in_two_ways_is_refused(
    rows_under: Header, tmp_path: Path, task: str, header: str
) -> None:
    rows_under(header)
    assert "no column 'sentence" in refusal(task, tmp_path)


def test_an_exact_name_wins_over_one_that_differs_by_case(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "Sentence,sentence,LABEL,label\nno,yes,0,1\n")
    (row,) = read("sst2", tmp_path).table.to_list()
    assert (row["text"], row["label"]) == ("yes", "positive")


def test_a_tasks_own_names_win_over_general_ones(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "text,sentence,class,label\nno,yes,0,1\n")
    (row,) = read("sst2", tmp_path).table.to_list()
    assert (row["text"], row["label"]) == ("yes", "positive")


def test_the_columns_of_json_lines_match_likewise(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", json_lines({"ID": "a", "Tokens": ["Go"], "UPOS": ["VERB"]}))
    (row,) = read("ud", tmp_path).table.to_list()
    assert (row["words"], row["tags"]) == (["Go"], ["VERB"])


def test_a_message_has_the_names_as_the_file_has_them(rows_under: Header, tmp_path: Path) -> None:
    rows_under("Phrase, Label ")
    assert refusal("sst2", tmp_path).endswith("it has Phrase,  Label ")


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_a_header_that_looks_separated_otherwise_is_called_so(tmp_path: Path, mark: str, name: str) -> None:
    path = write(tmp_path / "train.csv", f"sentence{mark}label\nfine{mark} so{mark}1\ndull{mark}0\n")
    assert refusal("sst2", tmp_path).startswith(
        f"{path}: no column 'sentence' or 'text' for the text; it looks separated by {name}"
    )
