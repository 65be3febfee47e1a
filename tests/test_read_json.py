"""JSON as people have it: lines or a list in a .json file, and SQuAD's layout, detected by content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from files import json_lines, squad, write
from test_readers import refusal
from test_rows import read
from test_rows import refusal as refused

from bertkit.data.readers import read_located

ROWS = [{"sentence": "fine", "label": 1}, {"sentence": "dull", "label": 0}]
BROKEN = '{"a": 1}\n{"a": \n'


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (json_lines(*ROWS), ["line 1", "line 2"]),
        ("\n" + json_lines(*ROWS).replace("\n", "\r\n\r\n"), ["line 2", "line 4"]),
        ("\ufeff" + json_lines(*ROWS), ["line 1", "line 2"]),
        (json.dumps(ROWS), ["row 1", "row 2"]),
        (json.dumps(ROWS, indent=2), ["row 1", "row 2"]),
        ("\n \n" + json.dumps(ROWS), ["row 1", "row 2"]),
    ],
    ids=["lines", "blank lines", "a mark", "list", "indented list", "list after blank lines"],
)
def test_lines_and_a_list_in_a_json_file_are_rows(tmp_path: Path, content: str, places: list[str]) -> None:
    path = write(tmp_path / "train.json", content)
    assert list(read_located(path)) == [(f"{path}, {place}", row) for place, row in zip(places, ROWS, strict=True)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"a": 1}\n{"a": 2\n{"a": 3}\n', ", line 2: not JSON"),
        ('{"a": 1}\n[2]\n', ", line 2: expected a JSON object, found list"),
        ('[{"a": 1}, 2]', ", row 2: expected a JSON object, found int"),
        ('[{"a": 1}', ": not JSON"),
        ('[\n{"a": 1}\n{"a": 2}]', ", line 3: not JSON"),
        ('{"a": 1} {"a": 2}', ": not JSON: a second value begins at column 10"),
        ('{"a": ["x", "y"], "b": [1, 0]}', ": one object (a, b), and not SQuAD's (no 'data'); rows are a list of"),
        ('{\n "a": 1\n}', ": one object (a), and not SQuAD's (no 'data')"),
        ("[]", ": an empty list; rows are a list of objects"),
        ('"text"', ": one str; rows are a list of objects"),
        ('{"data": [{"a": 1}]}', ", question 1: not SQuAD's JSON layout: no 'paragraphs'; rows are a list of objects"),
    ],
)
def test_json_that_is_no_rows_is_refused_with_where_and_what_rows_are(tmp_path: Path, content: str, what: str) -> None:
    path = write(tmp_path / "train.json", content)
    assert refusal(path).startswith(f"{path}{what}")


def test_a_list_in_a_jsonl_file_is_said_to_belong_into_a_json_file(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", json.dumps(ROWS))
    assert refusal(path) == (
        f"{path}, line 1: expected a JSON object, found list; a list of rows is read from a .json file"
    )


@pytest.mark.parametrize("task", ["sst2", "rte", "ud"])
def test_squads_layout_given_to_another_task_is_called_so(tmp_path: Path, task: str) -> None:
    path = write(tmp_path / "train.json", squad({"id": "q", "question": "Why?", "answers": []}))
    message = refused(task, tmp_path)
    assert message.startswith(f"{path}: no column '")
    assert message.endswith("this is SQuAD's layout, for question answering (squad, squad_v2)")


@pytest.mark.parametrize("answers", [[{"text": "May", "answer_start": 13}], {"text": ["May"], "answer_start": [13]}])
def test_questions_in_a_list_are_read_as_those_in_lines(tmp_path: Path, answers: Any) -> None:
    asked = {"id": "q", "title": "Anna", "question": "When?", "context": "Anna came in May.", "answers": answers}
    found = []
    for name, content in (("train.json", json.dumps([asked])), ("train.jsonl", json_lines(asked))):
        write(tmp_path / name[-5:] / name, content)
        found += read("squad", tmp_path / name[-5:]).table.to_list()
    assert found[0] == found[1]
    assert found[0]["answers"] == [{"text": "May", "start": 13}]


# is_impossible: one rule in every format.

GOLD = [{"text": "May", "answer_start": 13}]


def written(folder: Path, layout: str, asked: dict[str, Any]) -> Path:
    """A train file of one question in a layout."""
    row = {"context": "Anna came in May.", **asked}
    if layout == "squad":
        return write(folder / "train.json", squad(asked))
    if layout == "parquet":
        path = folder / "train.parquet"
        pyarrow.parquet.write_table(pa.Table.from_pylist([row]), path)
        return path
    return write(folder / f"train.{layout}", json.dumps([row] if layout == "json" else row))


LAYOUTS = pytest.mark.parametrize("layout", ["squad", "json", "jsonl", "parquet"])


@LAYOUTS
@pytest.mark.parametrize(
    ("impossible", "answers", "said"),
    [
        ("false", GOLD, 'is_impossible is "false": it must be true or false'),
        ("", GOLD, 'is_impossible is "": it must be true or false'),
        (0, GOLD, "is_impossible is 0: it must be true or false"),
        (1, [], "is_impossible is 1: it must be true or false"),
        (None, GOLD, "is_impossible is null: it must be true or false"),
        (True, GOLD, "is_impossible is true, but it has the answer 'May'"),
        (False, [], "is_impossible is false, but it has no answer"),
    ],
)
def test_is_impossible_must_be_true_or_false_and_agree_with_the_answers(
    tmp_path: Path, layout: str, impossible: Any, answers: Any, said: str
) -> None:
    asked = {"id": "q1", "question": "When?", "answers": answers, "is_impossible": impossible}
    path = written(tmp_path, layout, asked)
    message = refused("squad_v2", tmp_path)
    assert message.startswith(f"{path}, ")
    assert f" 1 ('q1'): {said}" in message


@LAYOUTS
@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ({"is_impossible": True, "answers": []}, []),
        ({"is_impossible": True, "answers": [], "plausible_answers": GOLD}, []),
        ({"is_impossible": True, "answers": [{"text": "", "answer_start": -1}]}, []),
        ({"is_impossible": False, "answers": GOLD}, [{"text": "May", "start": 13}]),
        ({"answers": []}, []),
        ({"answers": GOLD}, [{"text": "May", "start": 13}]),
    ],
)
def test_a_question_is_answered_or_said_to_have_no_answer(
    tmp_path: Path, layout: str, asked: dict[str, Any], answers: Any
) -> None:
    written(tmp_path, layout, {"id": "q1", "question": "When?", **asked})
    assert read("squad_v2", tmp_path).table["answers"] == [answers]


def test_rows_that_lack_is_impossible_may_stand_among_rows_that_have_it(tmp_path: Path) -> None:
    row = {"id": "1", "question": "When?", "context": "Anna came in May.", "answers": GOLD}
    late = {**row, "id": "2", "is_impossible": "no"}
    path = write(tmp_path / "train.jsonl", json_lines(row, {**row, "id": "3", "is_impossible": False}, late))
    assert refused("squad_v2", tmp_path).startswith(f"{path}, line 3 ('2'): is_impossible")
