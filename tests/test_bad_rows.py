"""Unreadable rows and runs on the command line: one line with file and line, exit code 2, nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from door import GOOD, Refused, refused, reviews, shape, unfinished
from files import json_lines, squad, word, write

from bertkit.runs.folder import SPEC

__all__ = ["refused"]

TSV = "sentence\tlabel\nFine.\t1\n"
SENTENCE = f"{word(1, 'Go', 'VERB')}\n\n"


@pytest.mark.parametrize(
    ("task", "name", "content", "words"),
    [
        ("sst2", "train.tsv", f"{TSV}one\ttwo\t0\n", "train.tsv, line 3"),
        ("sst2", "train.tsv", f"{TSV}Dull.\t7\n", "train.tsv, line 3|'7'|negative, positive"),
        ("sst2", "train.tsv", f"{TSV} \t0\n", "train.tsv, line 3|empty"),
        ("sst2", "train.tsv", f"{TSV}Dull.\t\n", "train.tsv, line 3|label"),
        ("sst2", "train.tsv", TSV.encode() + b"caf\xe9\t0\n", "train.tsv, line 3|UTF-8"),
        ("sst2", "train.tsv", "phrase\tlabel\nFine.\t1\n", "train.tsv|'sentence'|phrase, label"),
        ("sst2", "train.tsv", "", "train.tsv|empty"),
        ("sst2", "train.tsv", "sentence\tlabel\n", "train.tsv|no rows"),
        ("sst2", "train.csv", 'sentence,label\n"Fine.,1\n', "train.csv, line 2"),
        ("sst2", "train.jsonl", f"{GOOD}{{'sentence'\n", "train.jsonl, line 3|JSON"),
        ("sst2", "train.jsonl", f"{GOOD}[]\n", "train.jsonl, line 3"),
        ("sst2", "train.jsonl", f'{GOOD}{{"sentence": "a", "label": {"1" * 5_000}}}\n', "train.jsonl, line 3"),
        ("sst2", "train.jsonl", '{"sentence": "\\ud800", "label": 1}\n', "train.jsonl"),
        ("stsb", "train.jsonl", json_lines({"sentence1": "a", "sentence2": "b", "score": 6}), "train.jsonl, line 1|6"),
        ("ud", "x-ud-train.conllu", f"{SENTENCE}1\tGo\n", "x-ud-train.conllu, line 3|10"),
        ("ud", "x-ud-train.conllu", f"{SENTENCE}{word(2, 'Go', 'VERB')}\n", "x-ud-train.conllu, line 3|'2'"),
        ("ud", "x-ud-train.conllu", f"{SENTENCE}{word(1, 'Go', 'VB')}\n", "x-ud-train.conllu, line 3|'VB'"),
        ("squad", "train-v1.1.json", '{"data": [\n}', "train-v1.1.json, line 2|JSON"),
        ("squad", "train-v1.1.json", '{"data": 3}', "train-v1.1.json"),
        (
            *("squad", "train-v1.1.json"),
            squad({"id": "q1", "question": "When?", "answers": [{"text": "May", "answer_start": 12}]}),
            "train-v1.1.json|'q1'|'May'|12",
        ),
    ],
)
def test_rows_that_cannot_be_read_are_refused_with_their_file_and_line(
    refused: Refused, tmp_path: Path, task: str, name: str, content: str | bytes, words: str
) -> None:
    write(tmp_path / "data" / name, content)
    write(tmp_path / "data" / name.replace("train", "dev"), content)
    folders = ["--data", str(tmp_path / "data"), "--model", shape(tmp_path / "shape"), "--scratch"]
    line = refused("finetune", task, *folders)
    assert [word for word in words.split("|") if word not in line] == []


def test_dev_rows_without_labels_are_refused_with_their_line(refused: Refused, tmp_path: Path) -> None:
    data = reviews(tmp_path / "data")
    path = write(tmp_path / "data" / "dev.jsonl", json_lines({"sentence": "Fine.", "label": -1}))
    line = refused("finetune", "sst2", "--data", data, "--model", shape(tmp_path / "shape"), "--scratch")
    assert f"{path}, line 1" in line


def test_a_broken_parquet_file_is_one_line_however_much_its_library_says(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        write(tmp_path / "data" / f"{split}.parquet", b"PAR1 and no more")
    folders = ["--data", str(tmp_path / "data"), "--model", shape(tmp_path / "shape"), "--scratch"]
    command = [sys.executable, "-m", "bertkit", "finetune", "sst2", *folders, "--out", str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"Error: {tmp_path / 'data' / 'train.parquet'}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert not (tmp_path / "runs").exists()


# Runs.


@pytest.mark.parametrize("command", ["eval", "predict"])
def test_a_folder_that_is_no_run_is_named(refused: Refused, tmp_path: Path, command: str) -> None:
    shape(tmp_path / "shape")
    line = refused(command, str(tmp_path / "shape"))
    assert str(tmp_path / "shape") in line
    assert "run" in line


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"task": {}}', b"\xff", '{"model": "sample"}'])
@pytest.mark.parametrize("command", ["eval", "predict"])
def test_a_run_whose_spec_is_damaged_is_named(
    refused: Refused, tmp_path: Path, command: str, content: str | bytes
) -> None:
    path = write(tmp_path / "run" / SPEC, content)
    assert str(path) in refused(command, str(path.parent))


@pytest.mark.parametrize("arguments", ["eval RUN", "predict RUN text"])
def test_a_run_that_is_not_finished_is_named(refused: Refused, tmp_path: Path, arguments: str) -> None:
    run = unfinished(tmp_path / "run")
    assert run in refused(*arguments.replace("RUN", run).split())


@pytest.mark.parametrize("flag", ["--model", "--data"])
def test_a_flag_that_does_not_apply_to_a_run_is_refused(refused: Refused, tmp_path: Path, flag: str) -> None:
    run = unfinished(tmp_path / "run")
    line = refused("eval", run, flag, "./nowhere")
    assert flag in line or "nowhere" in line


@pytest.mark.parametrize(
    ("task", "typed", "word"),
    [
        ("sst2", "", "text"),
        ("sst2", "caf\udce9", "command line"),
        ("sst2", "one --file rows.txt", "--file"),
        ("sst2", "one --pair two", "--pair"),
        ("sst2", "--question why --context because", "--question"),
        ("sst2", "--file nowhere.txt", "nowhere.txt"),
        ("rte", "one", "--pair"),
        ("squad", "one", "--question"),
        ("squad", "--question why", "--context"),
        ("sst2", "--file empty.txt", "empty.txt"),
        ("sst2", "--file empty.tsv", "empty.tsv"),
        ("sst2", "--file header.tsv", "header.tsv"),
        ("sst2", "--file other.tsv", "'text'"),
        ("sst2", "--file latin.txt", "latin.txt"),
        ("sst2", "--file number.jsonl", "number.jsonl"),
        ("rte", "--file rows.txt", "rows.txt"),
        ("ud", "--file number.jsonl", "number.jsonl"),
    ],
)
def test_a_question_that_a_run_cannot_take_is_refused(
    refused: Refused, tmp_path: Path, task: str, typed: str, word: str
) -> None:
    write(tmp_path / "rows.txt", "one\ntwo\n")
    write(tmp_path / "empty.txt", "")
    write(tmp_path / "empty.tsv", "")
    write(tmp_path / "header.tsv", "sentence\n")
    write(tmp_path / "other.tsv", "content\nfine\n")
    write(tmp_path / "latin.txt", b"caf\xe9\n")
    write(tmp_path / "number.jsonl", '{"sentence": 3, "words": 3}\n')
    run = unfinished(tmp_path / "run", task)
    assert word in refused("predict", run, *typed.split())
