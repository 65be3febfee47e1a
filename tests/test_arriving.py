"""`predict --file -`: standard input is answered as it comes, a line of JSON for a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import untrained
from files import json_lines

from bertkit.cli import main
from bertkit.deploy import arriving


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs with random weights."""
    return untrained.runs(tmp_path_factory.mktemp("runs"), "sst2", "rte", "squad", "ud_en_ewt")


class Say:
    """Gives `predict --file -` bytes on standard input."""

    def __init__(self, folders: dict[str, Path], capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folders, self.capsys, self.patch = folders, capsys, patch

    def __call__(self, task: str, given: bytes | str, *more: str) -> list[Any]:
        """The answers; the command ends with 0."""
        ours, theirs = os.pipe()
        os.write(theirs, given if isinstance(given, bytes) else given.encode())
        os.close(theirs)
        with os.fdopen(ours) as file:
            self.patch.setattr(sys, "stdin", file)
            with pytest.raises(SystemExit) as leaving:
                main(["predict", str(self.folders[task]), "--file", "-", *more])
        shown = self.capsys.readouterr()
        assert leaving.value.code in (0, None), shown.err
        return [json.loads(line) for line in shown.out.split("\n")[:-1]]


@pytest.fixture
def say(folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """Gives `predict --file -` bytes on standard input."""
    return Say(folders, capsys, monkeypatch)


def test_lines_of_text_are_answered_in_their_order_a_blank_one_with_null(say: Say) -> None:
    found = say("sst2", "\ufefffine\r\n\nodd\u2028one\nlast")
    assert [one["text"] for one in found] == ["fine", "", "odd\u2028one", "last"]
    assert [one["answer"] in ("negative", "positive") for one in found] == [True, False, True, True]
    assert (found[1]["answer"], found[1]["scores"]) == (None, {})


def test_objects_keep_their_keys_and_what_cannot_be_read_says_why(say: Say) -> None:
    rows = json_lines({"sentence": "fine", "n": 1}, {"sentence": ""}, {"n": 3}) + "{not JSON\n[1]\n"
    found = say("sst2", rows + json_lines({"sentence": "dull"}))
    assert [list(one)[:2] for one in (found[0], found[1])] == [["sentence", "n"], ["sentence", "answer"]]
    assert [one["answer"] is None for one in found] == [False, True, True, True, True, False]
    assert [one.get("error") for one in found] == [
        None,
        "the text is empty",
        "no column 'sentence' or 'text' for the text; it has n",
        "not JSON",
        "not a JSON object",
        None,
    ]


def test_answers_are_those_of_a_file(say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json_lines(*({"sentence": f"film {k} " * (k % 4 + 1)} for k in range(9)))
    (tmp_path / "new.jsonl").write_text(rows, "utf-8")
    with pytest.raises(SystemExit):
        main(["predict", str(say.folders["sst2"]), "--file", str(tmp_path / "new.jsonl"), "--out", "-", "--quiet"])
    of_file = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert say("sst2", rows) == of_file


def test_pairs_questions_and_words_are_objects(say: Say) -> None:
    (pair,) = say("rte", json_lines({"sentence1": "One.", "sentence2": "Two."}))
    assert pair["answer"] in ("entailment", "not_entailment")
    (answer,) = say("squad", json_lines({"question": "Who?", "context": "Anna came."}), "--top-k", "2")
    assert len(answer["scores"]["n_best"]) == 2
    typed, words = say("ud_en_ewt", "Go, now\n"), say("ud_en_ewt", json_lines({"words": ["Go", ",", "now"]}))
    assert typed[0]["answer"] == words[0]["answer"]


def test_a_line_of_text_for_a_run_on_pairs_says_which_keys_it_reads(say: Say) -> None:
    (one,) = say("rte", "One.\n")
    assert one["error"] == 'this run reads JSON lines with the keys "sentence1" and "sentence2"'


def test_a_line_that_is_not_utf_8_says_so_and_the_next_is_answered(say: Say) -> None:
    bad, good = say("sst2", b"caf\xe9\nfine\n")
    assert (bad["answer"], bad["error"]) == (None, "byte 0xe9 is not UTF-8")
    assert good["answer"] is not None


def test_no_line_has_no_answer(say: Say) -> None:
    assert say("sst2", "") == []


def test_a_line_is_not_kept_waiting_for_the_next() -> None:
    ours, theirs = os.pipe()
    lines: Iterator[list[bytes]] = arriving.arriving(ours)
    os.write(theirs, b"one\n")
    assert next(lines) == [b"one"]
    os.write(theirs, b"two\nthr")
    assert next(lines) == [b"two"]
    os.write(theirs, b"ee")
    os.close(theirs)
    assert list(lines) == [[b"three"]]
    os.close(ours)


def test_lines_that_have_come_are_answered_together_but_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "MOST", 3)
    ours, theirs = os.pipe()
    os.write(theirs, b"".join(b"%d\n" % k for k in range(7)))
    os.close(theirs)
    found = list(arriving.arriving(ours))
    os.close(ours)
    assert [b"%d" % k for k in range(7)] == [line for batch in found for line in batch]
    assert max(map(len, found)) == 3
