"""`predict` on official files with objects inside objects, and passages with blanks: the rows and answers of eval."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import untrained
from files import json_lines, write
from test_superglue import NEWS, PASSAGE, PLACED, SCHEMA

from bertkit import registry
from bertkit.cli import main
from bertkit.deploy import answer_file, file_inputs
from bertkit.deploy.file_inputs import FileInput
from bertkit.deploy.predictor import Predictor
from bertkit.errors import BertkitError
from bertkit.progress import Progress
from bertkit.runs.folder import MODEL, read_spec
from bertkit.runs.rescore import score_checkpoint

LONG = " ".join(f"boat {k}" for k in range(30))
IDIOMS = ["the red boat", "a film", "morning"]
FEW = [
    {"id": 10 + k, "content": f"{LONG} {k} #idiom# left {LONG}", "candidates": IDIOMS, "answer": k % 3}
    for k in range(4)
]
"""FewCLUE's ChID: one blank a passage."""
OFFICIAL = [
    {"content": [f"{LONG} #idiom{k}1# and #idiom{k}2# left", f"the #idiom{k}3# {LONG}"], "candidates": IDIOMS}
    for k in "123"
]
"""CLUE's ChID: a list of passages, several blanks, and the answers in a file beside it."""
ANSWERS = {f"#idiom{k}{n}#": 0 for k in "123" for n in "123"}
FLAT = [
    {"paragraph": "P", "question": f"Who {asked}?", "answer": answer, "label": "True",
     "idx": {"paragraph": 0, "question": asked, "answer": k}}
    for k, (asked, answer) in enumerate([(0, "A"), (0, "the boat"), (1, "A"), (2, "C"), (2, "B"), (2, "A")])
]  # fmt: skip
"""MultiRC as the Hub has it: a row for each answer."""
TASKS = {
    "chid": ("dev.json", FEW),
    "wsc": ("val.jsonl", [{**SCHEMA, "idx": k} for k in range(2)]),
    "multirc": ("val.jsonl", [PASSAGE, {**PASSAGE, "idx": 1}]),
    "record": ("val.jsonl", [NEWS, {**NEWS, "idx": 1}]),
    "wic": ("val.jsonl", [{**PLACED, "idx": k} for k in range(2)]),
}
NAMES = [*TASKS, "official chid", "flat multirc"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights for each task."""
    return untrained.runs(tmp_path_factory.mktemp("runs"), *TASKS)


def official(name: str, below: Path) -> tuple[str, Path]:
    """The task, and its file in a folder as it is published."""
    task = name.split()[-1]
    file, rows = TASKS[task]
    rows = {"official chid": OFFICIAL, "flat multirc": FLAT}.get(name, rows)
    if name == "official chid":
        write(below / "dev_answer.json", json.dumps(ANSWERS))
    return task, write(below / file, json_lines(*rows))


def of_eval(run: Path, data: Path) -> list[dict[str, Any]]:
    """The lines that eval writes into predictions.jsonl."""
    lines: list[dict[str, Any]] = []
    score_checkpoint(replace(read_spec(run), model=str(run / MODEL), data=str(data)), Progress(), lines.extend)
    return lines


def predicted(*arguments: str) -> int:
    """The exit code of predict."""
    with pytest.raises(SystemExit) as leaving:
        main(["predict", *arguments, "--quiet"])
    return int(leaving.value.code or 0)


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert [one["answer"] for one in found] == [one["answer"] for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_to_a_file_are_those_that_eval_gives_to_its_rows(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    task, path = official(name, tmp_path / "data")
    expected = of_eval(folders[task], path.parent)
    capsys.readouterr()
    assert predicted(str(folders[task]), "--file", str(path), "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    same(found, expected)
    assert [str(one["id"]) for one in found] == [one["row_id"] for one in expected]
    assert [one["row"] for one in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("name", [one for one in NAMES if one != "flat multirc"])
def test_objects_that_arrive_are_answered_row_by_row_as_eval_does(
    folders: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    task, path = official(name, tmp_path / "data")
    expected = of_eval(folders[task], path.parent)
    capsys.readouterr()
    ours, theirs = os.pipe()
    os.write(theirs, path.read_bytes() + b'{"odd": 1}\n')
    os.close(theirs)
    with os.fdopen(ours) as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert predicted(str(folders[task]), "--file", "-") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    *found, odd = [{**one, "answer": one.get("predicted_answer", one.get("answer"))} for one in lines]
    same(found, expected)
    assert "no column" in odd["error"] and odd["answer"] is None


def test_a_row_of_a_passage_is_written_with_its_own_columns_and_its_own_id(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    _, path = official("multirc", tmp_path)
    assert predicted(str(folders["multirc"]), "--file", str(path), "--out", str(tmp_path / "out.jsonl")) == 0
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [(one["passage.questions.idx"], one["passage.questions.question"]) for one in found] == 2 * [
        (4, "Who left?"), (5, "Who came?")
    ]  # fmt: skip


def test_the_passage_may_have_the_name_of_its_role(tmp_path: Path) -> None:
    (few, *_) = FEW
    named = {"text": few["content"], "choices": IDIOMS}
    path = write(tmp_path / "new.jsonl", json_lines(named))
    (block,) = FileInput(registry.find("chid"), path).blocks()
    assert block.columns["text"] == [f"{f'{LONG} 0 '[-55:]}#idiom#{f' left {LONG}'[:55]}"]


BROKEN = [FEW[0], {**FEW[1], "content": "no gap"}, {**FEW[2], "candidates": ["one"]}, FEW[3], {"id": 9}]


def test_a_passage_without_a_blank_keeps_its_place_and_says_why(tmp_path: Path) -> None:
    path = write(tmp_path / "new.jsonl", json_lines(*BROKEN))
    (block,) = FileInput(registry.find("chid"), path, keeps_bad=True).blocks()
    assert [place["id"] for place in block.places] == [10, 11, 12, 13, 9]
    assert block.rows == (0, None, None, 1, None)
    assert block.errors == {
        1: "the content has no blank",
        2: "1 choice: at least 2 are needed",
        4: "no column 'content'; it has id",
    }
    with pytest.raises(BertkitError, match="line 2: the content has no blank"):
        list(FileInput(registry.find("chid"), path).blocks())


def test_an_object_that_cannot_be_read_keeps_its_place_among_rows_of_others(tmp_path: Path) -> None:
    odd = {"idx": 3, "passage": {"text": "A.", "questions": "none"}}
    path = write(tmp_path / "new.jsonl", json_lines(PASSAGE, odd, PASSAGE))
    (block,) = FileInput(registry.find("multirc"), path, keeps_bad=True).blocks()
    assert block.rows == (0, 1, None, 2, 3)
    assert block.errors == {2: "'passage.questions' is no list of objects"}
    assert [place.get("id") for place in block.places] == [4, 5, None, 4, 5]


@pytest.mark.parametrize("name", ["official chid", "multirc", "flat multirc", "broken chid"])
@pytest.mark.parametrize("at", [3, 4])
def test_a_killed_command_continues_in_the_middle_of_an_object_to_the_same_bytes(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, at: int
) -> None:
    monkeypatch.setattr(file_inputs, "BLOCK", 1 if "multirc" in name or "broken" in name else 2)
    task, path = official(name, tmp_path)
    if name == "broken chid":
        write(path, json_lines(*BROKEN, *FEW))
    ask = [str(folders[task]), "--file", str(path), "--out"]
    assert predicted(*ask, str(tmp_path / "whole.jsonl")) == 0
    calls, plain = [0], answer_file.write_json

    def dying(*given: Any) -> None:
        calls[0] += 1
        if calls[0] == at:
            raise KeyboardInterrupt
        plain(*given)

    with monkeypatch.context() as broken:
        broken.setattr(answer_file, "write_json", dying)
        assert predicted(*ask, str(tmp_path / "out.jsonl")) != 0
    assert json.loads((tmp_path / "out.jsonl.part.json").read_text("utf-8"))["rows"]
    assert predicted(*ask, str(tmp_path / "out.jsonl")) == 0
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_from_python_a_row_is_read_as_in_a_file_and_one_with_several_inside_is_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    for task in ("wsc", "chid"):
        rows = TASKS[task][1]
        _, path = official(task, tmp_path / task)
        found = Predictor(folders[task], "cpu").predict(rows)
        same([{"answer": one.value, "scores": one.scores} for one in found], of_eval(folders[task], path.parent))
    with pytest.raises(BertkitError, match=r"inputs\[0\]: 2 rows are in it, and each input is one"):
        Predictor(folders["multirc"], "cpu").predict([PASSAGE])
