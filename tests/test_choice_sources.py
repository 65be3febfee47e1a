"""How COPA, C3 and ChID are read in their official layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from files import json_lines, write

from bertkit import registry
from bertkit.data.rows import Rows, read_files
from bertkit.errors import DataError
from bertkit.sources import locate


def read(name: str, folder: Path, split: str = "dev", golds: bool = True) -> Rows:
    task = registry.find(name)
    located = locate(task.source, folder, split)
    assert located
    return read_files(located, task.source, task.head, golds)


def test_copa_s_question_is_written_out_behind_the_premise(tmp_path: Path) -> None:
    line = {"premise": "It rained.", "choice1": "We got wet.", "choice2": "We sang.", "question": "effect", "label": 0}
    other = {**line, "question": "cause", "label": 1, "idx": 7}
    write(tmp_path / "COPA" / "val.jsonl", json_lines({**line, "idx": 3}, other))
    rows = read("copa", tmp_path).table[:]
    assert rows["text"] == ["It rained. What happened as a result?", "It rained. What was the cause of this?"]
    assert rows["choices"] == [["We got wet.", "We sang."]] * 2
    assert (rows["label"], rows["row_id"]) == (["0", "1"], ["3", "7"])
    write(tmp_path / "COPA" / "val.jsonl", json_lines({**line, "question": "reason", "idx": 3}))
    with pytest.raises(DataError, match="line 1: the column 'question' has 'reason'; expected cause or effect"):
        read("copa", tmp_path)


def c3(number: int, *answers: str) -> list[Any]:
    asked = [
        {"question": f"第{k}个问题?", "choice": ["甲", "乙", "丙"], "answer": one} for k, one in enumerate(answers)
    ]
    return [["男：你好。", "女：你好。"], asked, f"{number}-1"]


def test_c3_has_a_row_for_each_question_of_both_of_its_files(tmp_path: Path) -> None:
    write(tmp_path / "c3" / "c3-d-dev.json", json.dumps([c3(1, "乙", "甲"), c3(2, "丙")]))
    write(tmp_path / "c3" / "c3-m-dev.json", json.dumps([c3(1, "甲")]))
    rows = read("c3", tmp_path).table[:]
    assert rows["label"] == ["1", "0", "2", "0"]
    assert rows["text"] == ["男：你好。 女：你好。"] * 4
    assert rows["row_id"] == ["c3-d-dev:1-1-0", "c3-d-dev:1-1-1", "c3-d-dev:2-1-0", "c3-m-dev:1-1-0"]
    assert len(set(rows["group"])) == 3
    write(tmp_path / "c3" / "c3-m-dev.json", json.dumps([c3(1, "丁")]))
    with pytest.raises(DataError, match="row 1: the label '丁' is none of its 3 choices"):
        read("c3", tmp_path)


def test_chid_has_a_row_for_each_blank_with_its_answer_from_the_file_beside_it(tmp_path: Path) -> None:
    line = {
        "content": ["前#idiom000001#中#idiom000002#后。", "又#idiom000003#。"],
        "candidates": list("甲乙丙丁戊己庚辛壬癸"),
    }
    write(tmp_path / "chid" / "dev.json", json_lines(line, line))
    answers = {f"#idiom00000{k}#": place for k, place in ((1, 9), (2, 0), (3, 4))}
    write(tmp_path / "chid" / "dev_answer.json", json.dumps(answers))
    rows = read("chid", tmp_path).table[:]
    assert rows["text"][:3] == ["前#idiom#中____后。", "前____中#idiom#后。", "又#idiom#。"]
    assert rows["label"][:3] == ["9", "0", "4"] and len(rows["label"]) == 6
    assert rows["row_id"][:2] == ["idiom000001", "idiom000002"]


def test_chid_is_read_again_where_its_answers_have_changed(tmp_path: Path) -> None:
    line = {"content": ["有#idiom000001#。"], "candidates": ["甲", "乙"]}
    write(tmp_path / "chid" / "dev.json", json_lines(line, line))
    write(tmp_path / "chid" / "dev_answer.csv", "#idiom000001#,0\n\n")
    first = read("chid", tmp_path)
    write(tmp_path / "chid" / "dev_answer.csv", "#idiom000001#,1\n")
    second = read("chid", tmp_path)
    assert (first.table[:]["label"], second.table[:]["label"]) == (["0", "0"], ["1", "1"])
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "answers", [["x"], {"text": ["#idiom#"]}, {"text": ["#idiom#"], "candidate_id": []}, {"text": 3}]
)
def test_a_row_of_chid_with_odd_answers_is_a_bad_one(tmp_path: Path, answers: Any) -> None:
    line = {"content": "有#idiom#。", "candidates": ["甲", "乙"]}
    write(tmp_path / "chid" / "dev.json", json_lines({**line, "answers": answers}, {**line, "answer": 0}))
    with pytest.raises(DataError, match="line 1: 'answers' is no list of marks and places"):
        read("chid", tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"#idiom#,0\n#idiom1#,1,2\n", "two cells; line 2 has 3"),
        ("#idiom#,甲\n".encode("gbk"), "can't decode"),
    ],
)
def test_a_file_of_answers_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    line = {"content": "有#idiom#。", "candidates": ["甲", "乙"]}
    write(tmp_path / "chid" / "dev.json", json_lines(line, line))
    write(tmp_path / "chid" / "dev_answer.csv", content)
    with pytest.raises(DataError, match=f"dev_answer.csv: .*{said}"):
        read("chid", tmp_path)


def test_chid_is_read_as_the_hub_and_fewclue_have_it_and_cut_around_its_blank(tmp_path: Path) -> None:
    both = {"text": ["#idiom000001#"], "candidate_id": [1]}
    hub = {"idx": 0, "content": [f"{'长' * 80}#idiom000001#{'文' * 80}"], "candidates": ["甲", "乙"], "answers": both}
    few = {"id": 5, "content": "有#idiom#。", "candidates": ["甲", "乙"], "answer": 0}
    write(tmp_path / "chid" / "dev.json", json_lines(hub, few))
    rows = read("chid", tmp_path).table[:]
    assert rows["text"] == [f"{'长' * 55}#idiom#{'文' * 55}", "有#idiom#。"]
    assert (rows["label"], rows["row_id"][1]) == (["1", "0"], "5")
    write(tmp_path / "chid" / "dev.json", json_lines({**few, "content": "没有。"}, few))
    with pytest.raises(DataError, match="line 1: the content has no blank"):
        read("chid", tmp_path)


@pytest.mark.parametrize(
    ("name", "folder", "split", "count", "choices"),
    [
        ("copa", "superglue", "train", 400, {2}),
        ("copa", "superglue", "dev", 100, {2}),
        ("c3", "own/clue", "dev", 3_816, {2, 3, 4}),
        ("chid", "own/clue", "train", 202, {7}),
    ],
)
def test_the_published_files_are_read_whole(
    real_data: Path, name: str, folder: str, split: str, count: int, choices: set[int]
) -> None:
    if not (real_data / folder).is_dir():
        pytest.skip(f"no {folder} in the data")
    rows = read(name, real_data / folder, split)
    assert len(rows) == count and not rows.skipped
    assert set(map(len, rows.table.column("choices"))) == choices
