"""Results and specs: round trip through files, damage, atomic writes."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bertkit import registry
from bertkit.errors import RequestError
from bertkit.files import sha256, write_json, write_text
from bertkit.result import Result, RowCount, Score, Scored, Training
from bertkit.runs.folder import RESULT, read_result, read_spec, recorded_commits, write_result
from bertkit.runs.folder import SPEC as SPEC_FILE
from bertkit.spec import Spec, to_plain

SPEC = Spec(task=registry.find("sst2"), model="org/tiny")
RESULT_OF_A_RUN = Result(
    spec=SPEC,
    evaluations=(
        Scored(
            name="dev",
            split="dev",
            rows=872,
            metrics={"accuracy": Score(value=0.5, low=0.25, high=0.75)},
            details={"confusion": [[1, 2], [3, 4]], "constant": False, "NoAns F1": None},
        ),
        Scored(name="ax", split="ax", missing="no ax split"),
    ),
    rows={"train": RowCount(used=3, there=5, published=67_349, origin="train.tsv", digest="ab", notes=("n",), cut=1)},
    training=Training(steps=1, examples=3, tokens=40, seconds=0.5, loss=0.7),
    device="cpu",
    precision="fp32",
    encoder={"name": "org/tiny", "commit": None, "parameters": 17},
    versions={"torch": "2"},
    marks=("3 of 67,349 rows",),
    seconds=1.5,
)


def test_a_result_comes_back_from_its_folder_as_it_was(tmp_path: Path) -> None:
    write_result(tmp_path, RESULT_OF_A_RUN)
    assert read_result(tmp_path) == RESULT_OF_A_RUN


def test_a_result_that_names_no_method_has_intervals_by_the_bootstrap(tmp_path: Path) -> None:
    write_result(tmp_path, RESULT_OF_A_RUN)
    plain = json.loads((tmp_path / RESULT).read_text("utf-8"))
    del plain["evaluations"][0]["metrics"]["accuracy"]["interval"]
    (tmp_path / RESULT).write_text(json.dumps(plain), "utf-8")
    found = read_result(tmp_path)
    assert found and found.evaluations[0].metrics["accuracy"].interval == "bootstrap"


def test_a_folder_without_a_result_is_no_finished_run(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None


def test_the_headline_is_the_first_metric_that_was_scored() -> None:
    first, missing = RESULT_OF_A_RUN.evaluations
    assert replace(RESULT_OF_A_RUN, evaluations=(missing, first)).headline == ("accuracy", first.metrics["accuracy"])


def test_a_spec_comes_back_from_a_run_s_folder(tmp_path: Path) -> None:
    write_json(tmp_path / SPEC_FILE, to_plain(SPEC))
    assert read_spec(tmp_path) == SPEC


def test_a_folder_without_a_spec_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="not a run's folder"):
        read_spec(tmp_path)


@pytest.mark.parametrize("text", ["[]", "null", "{", '{"commits": "x"}', '{"commits": {"datasets": 3}}'])
def test_commits_that_are_damaged_are_named_with_their_file(tmp_path: Path, text: str) -> None:
    (tmp_path / SPEC_FILE).write_text(text, "utf-8")
    with pytest.raises(RequestError, match=re.escape(f"{tmp_path / SPEC_FILE} is damaged: ")):
        recorded_commits(tmp_path)


DAMAGE = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "a list": lambda text: "[]",
    "null": lambda text: "null",
    "a field is gone": lambda text: text.replace('"evaluations"', '"evolutions"'),
    "a word for a number": lambda text: text.replace('"batch_size": 32', '"batch_size": "many"'),
    "a number that cannot be": lambda text: text.replace('"batch_size": 32', '"batch_size": 0'),
    "another head": lambda text: text.replace('"classification"', '"telepathy"'),
}


@pytest.mark.parametrize("name", [RESULT, SPEC_FILE])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    value, read = (RESULT_OF_A_RUN, read_result) if name == RESULT else (SPEC, read_spec)
    whole = json.dumps(to_plain(value))
    assert DAMAGE[damage](whole) != whole
    write_text(tmp_path / name, DAMAGE[damage](whole))
    with pytest.raises(RequestError, match=re.escape(name)):
        read(tmp_path)


@pytest.mark.parametrize(("name", "read"), [(RESULT, read_result), (SPEC_FILE, read_spec)])
def test_a_file_that_is_not_text_is_named(tmp_path: Path, name: str, read: Any) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RequestError, match=re.escape(name)):
        read(tmp_path)


def test_a_result_of_another_schema_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / RESULT, {**to_plain(RESULT_OF_A_RUN), "schema_number": 99})
    with pytest.raises(RequestError, match="schema 99"):
        read_result(tmp_path)


def test_a_file_that_cannot_be_written_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_text(tmp_path / RESULT, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(tmp_path / RESULT, "new")
    assert (tmp_path / RESULT).read_text() == "old"


def test_a_value_that_is_not_json_leaves_the_old_file_whole(tmp_path: Path) -> None:
    write_json(tmp_path / RESULT, {"score": 0.5})
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / RESULT, {"score": float("nan")})
    assert json.loads((tmp_path / RESULT).read_text()) == {"score": 0.5}


def test_no_temporary_file_is_left_after_a_write(tmp_path: Path) -> None:
    write_text(tmp_path / RESULT, "new")
    assert [path.name for path in tmp_path.iterdir()] == [RESULT]


def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # NIST FIPS 180-4's example for SHA-256
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
