"""`bertkit submit superglue`: the JSON Lines of SuperGLUE's server, from the runs' answers, and a checker of them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from door import Refused, refused
from files import json_lines, write
from test_submission import finished, zipped
from test_superglue import NEWS, PASSAGE, PLACED, SCHEMA

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.deploy.submission import submit
from bertkit.deploy.submission_check import check_submission
from bertkit.errors import DataError, RequestError
from bertkit.progress import Progress
from bertkit.task import Sheet

__all__ = ["refused"]

SUPERGLUE = registry.find_suite("superglue")
SHEETS = {sheet.file: sheet for sheet in SUPERGLUE.sheets}
ROWS = {
    "BoolQ.jsonl": 3_245, "CB.jsonl": 250, "COPA.jsonl": 500, "MultiRC.jsonl": 9_693, "ReCoRD.jsonl": 10_000,
    "RTE.jsonl": 3_000, "WiC.jsonl": 1_400, "WSC.jsonl": 146, "AX-b.jsonl": 1_104, "AX-g.jsonl": 356,
}  # fmt: skip
"""Rows of the published test files, of MultiRC the answers to choose from."""
TASKS = ("boolq", "multirc", "record", "superglue_rte", "wic", "wsc")
QUESTIONS = [
    {"idx": 1, "question": "is it wet", "passage": "It rains."}, {"idx": 0, "question": "is it dry", "passage": "Sun."}
]  # fmt: skip
PAIRS = [{"idx": k, "premise": f"He came {k}.", "hypothesis": "He came."} for k in range(3)]


def small(**rows: int) -> Any:
    """The suite with these sheets alone, of so many rows each."""
    sheets = tuple(replace(SHEETS[f"{name.replace('_', '-')}.jsonl"], rows=count) for name, count in rows.items())
    return replace(SUPERGLUE, sheets=sheets)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run of each of TASKS, with random weights."""
    below = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", below / "body")
    return {name: finished(name, body, below / name) for name in TASKS}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few test rows in the official layout, without labels."""
    folder = tmp_path_factory.mktemp("data")
    bare = {"idx": 0, "passage": {"text": "Anna met Carl. Carl left.", "questions": [
        {"idx": q["idx"] - 4, "question": q["question"],
         "answers": [{"idx": a["idx"] - 9, "text": a["text"]} for a in q["answers"]]}
        for q in PASSAGE["passage"]["questions"]  # type: ignore[index]
    ]}}  # fmt: skip
    news = {**NEWS, "qas": [{"idx": k, "query": asked["query"]} for k, asked in enumerate(NEWS["qas"])]}  # type: ignore[index, arg-type]
    write(folder / "BoolQ/test.jsonl", json_lines(*QUESTIONS))
    write(folder / "MultiRC/test.jsonl", json_lines(bare))
    write(folder / "ReCoRD/test.jsonl", json_lines(news))
    write(folder / "RTE/test.jsonl", json_lines(*PAIRS))
    write(folder / "AX-g/AX-g.jsonl", json_lines(*({**row, "label": "entailment", "pair_id": 1} for row in PAIRS)))
    write(folder / "WiC/test.jsonl", json_lines({k: v for k, v in PLACED.items() if k != "label"}))
    write(folder / "WSC/test.jsonl", json_lines({**{k: SCHEMA[k] for k in ("text", "target")}, "idx": 0}))
    return folder


def lines_of(path: Path, file: str) -> list[Any]:
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read(file).decode().splitlines()]


def test_the_files_and_their_rows_are_the_server_s() -> None:
    there = {name: rows for name, rows in ROWS.items() if name in SHEETS}
    assert {sheet.file: sheet.rows for sheet in SUPERGLUE.sheets} == there
    assert set(ROWS) - set(there) <= {"COPA.jsonl"}


def test_every_sheet_spells_the_labels_of_its_task() -> None:
    for sheet in SUPERGLUE.sheets:
        labels = registry.find(sheet.task).head.label_names
        assert not labels or set(sheet.spelt) == set(labels)
        assert bool(labels or sheet.spelt) != (sheet.answers != "one")


def test_each_file_has_the_rows_own_numbers_and_the_model_s_answers(
    runs: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    suite = small(BoolQ=2, ReCoRD=2, RTE=3, WiC=1, WSC=1, AX_g=3)
    filled = submit(suite, runs, str(data), tmp_path / "a.zip", Progress())
    assert [one.missing for one in filled] == [None] * 6
    found = lines_of(tmp_path / "a.zip", "BoolQ.jsonl")
    assert [one["idx"] for one in found] == [1, 0]  # as in the file
    asked = [(one["question"], one["passage"]) for one in QUESTIONS]
    assert [one["label"] for one in found] == [one.value for one in bertkit.load(runs["boolq"]).predict(asked)]
    assert {one["label"] for one in lines_of(tmp_path / "a.zip", "ReCoRD.jsonl")} <= {"Oslo", "Bergen"}
    assert {one["label"] for one in lines_of(tmp_path / "a.zip", "WSC.jsonl")} <= {"False", "True"}
    assert {one["label"] for one in lines_of(tmp_path / "a.zip", "WiC.jsonl")} <= {"false", "true"}
    same = [lines_of(tmp_path / "a.zip", name) for name in ("RTE.jsonl", "AX-g.jsonl")]
    assert same[0] == same[1]  # one model, and the same three pairs in both
    assert {one["label"] for one in same[0]} <= {"entailment", "not_entailment"}


def test_multirc_is_a_line_for_each_passage_with_a_label_for_each_answer(
    runs: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    submit(small(MultiRC=4), runs, str(data), tmp_path / "a.zip", Progress())
    (passage,) = lines_of(tmp_path / "a.zip", "MultiRC.jsonl")
    questions = passage["passage"]["questions"]
    assert passage["idx"] == 0
    assert [(one["idx"], [a["idx"] for a in one["answers"]]) for one in questions] == [(0, [0, 1, 2]), (1, [3])]
    assert {a["label"] for one in questions for a in one["answers"]} <= {0, 1}


def test_without_a_run_a_file_is_filled_and_multirc_s_is_left_out(
    runs: dict[str, Path], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.zip"
    with pytest.raises(SystemExit) as left:
        main(["submit", "superglue", "--run", f"wsc={runs['wsc']}", "--runs", str(tmp_path), "--data", str(tmp_path),
              "-o", str(out), "-q"])  # fmt: skip
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    text = " ".join(printed.out.split())
    assert "BoolQ.jsonl: 3,245 rows, all false: no run" in text
    assert "ReCoRD.jsonl: 10,000 rows, all empty: no run" in text
    assert "MultiRC.jsonl: left out: no run" in text
    assert f"{out}: {len(SHEETS) - 1} files, checked; it lacks MultiRC.jsonl" in text
    assert f"WSC.jsonl: 146 rows, all False: no test split in {tmp_path}" in text
    assert lines_of(out, "CB.jsonl")[1] == {"idx": 1, "label": "entailment"}
    with zipfile.ZipFile(out) as archive:
        assert set(archive.namelist()) == set(SHEETS) - {"MultiRC.jsonl"}


def test_too_few_answers_are_refused(runs: dict[str, Path], data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"MultiRC.jsonl: 4 answers to choose from in .*, but the server counts 9,693"):
        submit(small(MultiRC=9_693), runs, str(data), tmp_path / "a.zip", Progress())


def test_a_suite_without_a_server_is_refused(refused: Refused) -> None:
    assert "no files for the server of clue: there are those of glue and superglue" in refused("submit", "clue")


ONE = Sheet(file="A.jsonl", task="boolq", split="test", rows=2, spelt={"false": "false", "true": "true"})
TEXT = replace(ONE, spelt={}, answers="text")
SEVERAL = replace(ONE, spelt={}, answers="several")
GOOD = {
    "one": (ONE, '{"idx": 1, "label": "true"}\n{"idx": 0, "label": "false"}\n'),
    "text": (TEXT, '{"idx": 0, "label": "Oslo"}\n{"idx": 1, "label": ""}\n'),
    "several": (SEVERAL, '{"idx": 0, "passage": {"questions": [{"idx": 0, "answers": [{"idx": 0, "label": 1}, '
                         '{"idx": 1, "label": 0}]}]}}\n'),
}  # fmt: skip
FAULTS = {
    "another label": (ONE, GOOD["one"][1].replace("true", "yes"), 'line 1: \'{"idx": 1'),
    "a number in place of text": (TEXT, GOOD["text"][1].replace('"Oslo"', "3"), "is not"),
    "a row too few": (ONE, '{"idx": 0, "label": "true"}\n', "1 answers, not 2"),
    "an idx twice": (ONE, GOOD["one"][1].replace("1", "0"), "are not all numbers from 0 to 1, each once"),
    "no JSON": (ONE, "true\nfalse\n", "line 1: 'true' is not"),
    "no idx": (ONE, GOOD["one"][1].replace("idx", "id"), "line 1"),
    "labels of two": (SEVERAL, GOOD["several"][1].replace('"label": 1', '"label": 2'), "line 1"),
    "no passage": (SEVERAL, GOOD["one"][1], "line 1"),
    "no last line feed": (ONE, GOOD["one"][1][:-1], "line feed alone"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_good_lines_pass(kind: str, tmp_path: Path) -> None:
    sheet, content = GOOD[kind]
    check_submission(zipped(tmp_path / "a.zip", {"A.jsonl": content}), (sheet,))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_checker_finds_each_fault(fault: str, tmp_path: Path) -> None:
    sheet, content, words = FAULTS[fault]
    with pytest.raises(RequestError) as found:
        check_submission(zipped(tmp_path / "a.zip", {"A.jsonl": content}), (sheet,))
    assert words in str(found.value)
