"""Several labels in one cell, labels in 0/1 columns, and a text in several columns, in a user's own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import json_lines, write

from bertkit.data.cells import separated
from bertkit.data.rows import Rows, read_files
from bertkit.errors import DataError
from bertkit.heads import Classification, Head, MultiLabel, Tagging
from bertkit.sources import Located, Source

SEVERAL = MultiLabel()
PLAIN = Source(columns={"text": ("text",), "label": ("labels",)})


def rows_of(path: Path, source: Source, head: Head = SEVERAL, skips: bool = False, golds: bool = True) -> Rows:
    return read_files(Located(split="train", files=(path,), official=False), source, head, golds, skips)


def labels_of(rows: Rows) -> list[Any]:
    return rows.table["label"]


def separated_by(separator: str) -> Source:
    return Source(columns=PLAIN.columns, separator=separator)


@pytest.mark.parametrize(
    ("separator", "cell", "labels"),
    [
        ("|", "joy|love", ["joy", "love"]),
        ("|", " joy | love |", ["joy", "love"]),
        (";", "joy;love;joy", ["joy", "love"]),
        (",", "4,17", ["4", "17"]),
        (",", "one, two words", ["one", "two words"]),
        ("|", "", []),
        ("|", "joy", ["joy"]),
        ("json", '["joy", "love"]', ["joy", "love"]),
        ("json", "['joy', \"isn't\"]", ["joy", "isn't"]),
        ("json", "[]", []),
        ("json", " ", []),
        ("json", "[3, 1.0]", ["3", "1"]),
        ("json", '"joy"', ["joy"]),
    ],
)
def test_a_cell_is_split_into_its_labels(tmp_path: Path, separator: str, cell: str, labels: list[str]) -> None:
    quoted = cell.replace('"', '""')
    path = write(tmp_path / "train.csv", f'text,labels\nFine.,"{quoted}"\n')
    assert labels_of(rows_of(path, separated_by(separator))) == [labels]


@pytest.mark.parametrize("cell", ["[joy", "{'a', 'b'}", "joy, love", "["])
def test_a_cell_that_is_no_list_is_refused_with_its_line(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "train.csv", f'text,labels\nFine.,[]\nDull.,"{cell}"\n')
    with pytest.raises(DataError, match=r"train.csv, line 3: '.*' is no list in JSON$"):
        rows_of(path, separated_by("json"))


def test_labels_of_a_cell_lose_their_outer_spaces_and_are_told_once() -> None:
    assert separated(" joy | joy|two  words | |", "|", "rows.csv, line 2") == ["joy", "two  words"]


def test_python_code_in_a_cell_is_not_run() -> None:
    with pytest.raises(DataError, match="is no list in JSON"):
        separated("[__import__('os').getpid()]", "json", "rows.csv, line 2")


@pytest.mark.parametrize(
    ("raw", "labels"),
    [(["joy", "love"], ["joy", "love"]), ("joy", ["joy"]), ([], []), ([3, 2.0], ["3", "2"]), (7, ["7"])],
)
def test_a_list_in_json_lines_is_taken_as_it_is(tmp_path: Path, raw: Any, labels: list[str]) -> None:
    path = write(tmp_path / "train.jsonl", json_lines({"text": "Fine.", "labels": raw}))
    assert labels_of(rows_of(path, PLAIN)) == [labels]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (None, "no label: a split without labels"),
        ([None], "unknown label 'null'"),
        ([["joy"]], "unknown label '\\[\"joy\"\\]'"),
        (["hope"], "unknown label 'hope'; expected some of anger, joy"),
        ("jo", "unknown label 'jo'"),  # a beginning is not enough
        ([""], "unknown label ''"),
    ],
)
def test_what_is_no_label_is_refused_by_its_name(tmp_path: Path, raw: Any, why: str) -> None:
    path = write(tmp_path / "train.jsonl", json_lines({"text": "Fine.", "labels": raw}))
    with pytest.raises(DataError, match=f"train.jsonl, line 1: {why}"):
        rows_of(path, PLAIN, MultiLabel(labels=("anger", "joy")))


def test_an_unknown_label_may_be_skipped_and_is_counted(tmp_path: Path) -> None:
    lines = [{"text": f"Text {i}.", "labels": ["joy"]} for i in range(30)] + [{"text": "Odd.", "labels": ["hope"]}]
    found = rows_of(write(tmp_path / "train.jsonl", json_lines(*lines)), PLAIN, MultiLabel(labels=("joy",)), skips=True)
    assert (len(found), [one.why for one in found.skipped]) == (30, ["unknown label 'hope'; expected some of joy"])


def test_labels_are_known_in_any_case_and_by_the_data_s_own_spelling(tmp_path: Path) -> None:
    source = Source(columns=PLAIN.columns, separator="|", labels={"1": "joy", "wrath": "anger"})
    path = write(tmp_path / "train.csv", "text,labels\nFine.,JOY|1|Wrath\n")
    assert labels_of(rows_of(path, source, MultiLabel(labels=("anger", "joy")))) == [["joy", "anger"]]


def test_rows_without_any_label_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", "text,labels\nFine.,\nDull.,joy\nWell.,\n")
    (note,) = rows_of(path, separated_by("|")).notes
    assert note == "2 rows: no label at all, which is learnt and scored as such (first: train.csv, line 2)"


# 0/1 columns.

INDICATED = Source(columns={"text": ("comment",)}, indicators=("toxic", "insult", "threat"))


@pytest.mark.parametrize(
    ("cells", "labels"),
    [("1,0,1", ["toxic", "threat"]), ("0,0,0", []), ("True,false,YES", ["toxic", "threat"]), ("1.0,0.0,no", ["toxic"])],
)
def test_columns_of_ones_and_zeros_are_a_row_s_labels(tmp_path: Path, cells: str, labels: list[str]) -> None:
    path = write(tmp_path / "train.csv", f"comment,Toxic,insult,threat\nFine.,{cells}\n")
    assert labels_of(rows_of(path, INDICATED)) == [labels]


@pytest.mark.parametrize(
    ("cells", "why"),
    [("2,0,0", "the column 'toxic' has '2'"), ("0,,0", "the column 'insult' is empty"), ("0,0,x", "'threat' has 'x'")],
)
def test_another_value_in_such_a_column_is_refused(tmp_path: Path, cells: str, why: str) -> None:
    path = write(tmp_path / "train.csv", f"comment,toxic,insult,threat\nFine.,{cells}\n")
    with pytest.raises(DataError, match=f"train.csv, line 2: .*{why}"):
        rows_of(path, INDICATED)


def test_a_column_of_ones_and_zeros_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", "comment,toxic,threat\nFine.,0,0\n")
    with pytest.raises(DataError, match="no column 'insult' for the label; it has comment, toxic, threat"):
        rows_of(path, INDICATED)


def test_such_columns_are_not_asked_of_rows_that_are_only_predicted(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", "comment\nFine.\n")
    assert labels_of(rows_of(path, INDICATED, golds=False)) == [None]


# Joined columns.

JOINED = Source(columns={"label": ("topic",), "id": ("id",)}, joined={"text": ("title", "body")})
TOPICS = Classification(labels=("art", "sport"))


def test_columns_are_joined_with_a_space_and_empty_ones_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", "id,Title,body,topic\n7,One,two.,art\n8,,Alone.,sport\n9, Up ,,art\n")
    rows = rows_of(path, JOINED, TOPICS).table.to_list()
    assert [(row["row_id"], row["text"]) for row in rows] == [("7", "One two."), ("8", "Alone."), ("9", "Up")]


def test_a_row_all_of_whose_columns_are_empty_has_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", "id,title,body,topic\n7,, ,art\n")
    with pytest.raises(DataError, match="line 2: the text is empty"):
        rows_of(path, JOINED, TOPICS)


def test_a_joined_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", "id,title,topic\n7,One,art\n")
    with pytest.raises(DataError, match="no column 'body' for the text; it has id, title, topic"):
        rows_of(path, JOINED, TOPICS)


def test_a_number_among_joined_columns_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", json_lines({"id": 1, "title": 5, "body": "two", "topic": "art"}))
    with pytest.raises(DataError, match="line 1: the text is a int, not text"):
        rows_of(path, JOINED, TOPICS)


# Chunk tags.


def test_tags_that_break_their_scheme_are_counted_with_the_first_one(tmp_path: Path) -> None:
    rows = [{"words": ["a", "b"], "tags": tags} for tags in (["B-X", "I-X"], ["O", "I-X"], ["I-Y", "O"])]
    path = write(tmp_path / "train.jsonl", json_lines(*rows))
    source = Source(columns={"words": ("words",), "tags": ("tags",)})
    (note,) = rows_of(path, source, Tagging(scheme="BIO")).notes
    assert note == "2 words: a tag that breaks the scheme BIO (first: train.jsonl, line 2)"
    assert rows_of(path, source, Tagging()).notes == ()


def test_a_tag_that_is_none_of_the_scheme_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", json_lines({"words": ["a", "b"], "tags": ["B-X", "NOUN"]}))
    source = Source(columns={"words": ("words",), "tags": ("tags",)})
    with pytest.raises(DataError, match="line 1: 'NOUN' is no tag of the scheme BIO, whose tags begin with B-, I-"):
        rows_of(path, source, Tagging(scheme="iob2"))
