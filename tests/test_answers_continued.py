"""`predict --out` that is stopped, killed or refused: nothing half-written, and no row lost or doubled."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import untrained
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main
from bertkit.deploy import answer_file, file_inputs, predict
from bertkit.deploy.file_inputs import FileInput

Answer = Callable[..., tuple[int, str]]
ROWS = 11
"""Rows of the input, in three blocks of four places with an answer."""


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with random weights."""
    return untrained.runs(tmp_path_factory.mktemp("runs"), "sst2")["sst2"]


@pytest.fixture
def answer(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The exit code of `predict` on rows in blocks of four, and what it says on stderr."""
    monkeypatch.setattr(file_inputs, "BLOCK", 4)
    monkeypatch.chdir(tmp_path)
    rows = [{"sentence": f"film {k} " * (k % 3 + 1) if k != 2 else "", "n": k} for k in range(ROWS)]
    write(tmp_path / "new.jsonl", json_lines(*rows))

    def ask(out: str, *more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(run), "--file", "new.jsonl", "--out", out, "--quiet", *more])
        return int(leaving.value.code or 0), " ".join(capsys.readouterr().err.split())

    return ask


def names(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != "new.jsonl")


def whole(answer: Answer, suffix: str) -> bytes:
    """The file of a command that nothing stopped, which is removed."""
    assert answer(f"whole{suffix}")[0] == 0
    path = Path(f"whole{suffix}")
    content = path.read_bytes()
    path.unlink()
    return content


def dying(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, at: int, error: BaseException) -> None:
    """The `at`-th call of a function ends in `error`."""
    calls, plain = [0], getattr(where, name)

    def call(*arguments: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == at:
            raise error
        return plain(*arguments, **more)

    monkeypatch.setattr(where, name, call)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("name", "at"), [("fsync", 1), ("fsync", 4), ("fsync", 5), ("write_json", 1), ("write_json", 3)]
)
def test_a_killed_command_continues_to_the_same_bytes(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, suffix: str, name: str, at: int
) -> None:
    expected = whole(answer, suffix)
    with monkeypatch.context() as broken:
        dying(broken, answer_file.os if name == "fsync" else answer_file, name, at, Killed())
        with pytest.raises(Killed):
            answer(f"out{suffix}")
    assert answer(f"out{suffix}")[0] == 0
    assert Path(f"out{suffix}").read_bytes() == expected
    assert names(Path()) == [f"out{suffix}"]


def test_a_command_killed_when_it_had_finished_leaves_a_finished_file(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(answer, ".csv")
    with monkeypatch.context() as broken:
        dying(broken, answer_file, "flush", 1, Killed())
        with pytest.raises(Killed):
            answer("out.csv")
    assert answer("out.csv")[0] == 2
    assert (Path("out.csv").read_bytes(), names(Path())) == (expected, ["out.csv"])


def test_what_is_on_the_disk_is_not_answered_again(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(answer, ".csv")
    with monkeypatch.context() as broken:
        dying(broken, answer_file, "write_json", 4, Killed())  # the header, and two blocks, are counted
        with pytest.raises(Killed):
            answer("out.csv")
    record = json.loads(Path("out.csv.part.json").read_text("utf-8"))
    assert record["rows"] == 9  # two blocks of four, and the row without an answer
    assert len(Path("out.csv.part").read_bytes()) > record["bytes"]
    with Path("out.csv.part").open("ab") as part:
        part.write(b"torn")
    predicted: list[int] = []
    plain = predict.in_blocks

    def counting(model: Any, blocks: Any, *more: Any) -> Any:
        for block, found in plain(model, blocks, *more):
            predicted.append(len(found))
            yield block, found

    monkeypatch.setattr(predict, "in_blocks", counting)
    assert answer("out.csv")[0] == 0
    assert predicted == [2]
    assert Path("out.csv").read_bytes() == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_with_a_line_that_says_how_to_continue(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    expected = whole(answer, ".csv")
    calls, plain = [0], answer_file.write_json

    def stopping(*given: Any) -> None:
        plain(*given)
        calls[0] += 1
        if calls[0] == 2:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as asked:
        asked.setattr(answer_file, "write_json", stopping)
        code, said = answer("out.csv")
    assert code == 128 + number
    assert said == f"Stopped by {number.name}; 5 of 11 rows are in out.csv.part, and the same command continues"
    assert names(Path()) == ["out.csv.part", "out.csv.part.json"]
    assert answer("out.csv")[0] == 0
    assert Path("out.csv").read_bytes() == expected


def test_a_full_disk_is_one_line_and_the_command_continues_after_it(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        dying(full, answer_file.os, "fsync", 1, OSError(errno.ENOSPC, "No space left on device"))
        assert answer("out.csv") == (1, "Error: out.csv: No space left on device; no row was written")
    assert names(Path()) == []
    with monkeypatch.context() as full:
        dying(full, answer_file.os, "fsync", 7, OSError(errno.ENOSPC, "No space left on device"))
        code, said = answer("out.csv")
    assert (code, "5 of 11 rows are in out.csv.part, and the same command continues" in said) == (1, True)
    assert answer("out.csv")[0] == 0


def test_the_file_or_the_options_of_an_unfinished_one_must_be_the_same(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        dying(broken, answer_file, "write_json", 3, Killed())
        with pytest.raises(Killed):
            answer("out.csv")
    code, said = answer("out.csv", "--top-k", "1")
    assert (code, said) == (
        2,
        "Error: out.csv.part was started with another --top-k: --force starts over, or give another --out",
    )
    with Path("new.jsonl").open("a") as file:
        file.write('{"sentence": "more", "n": 11}\n')
    assert "started with another input" in answer("out.csv")[1]
    assert answer("out.csv", "--force")[0] == 0
    assert len(Path("out.csv").read_text("utf-8").splitlines()) == ROWS + 2


def test_a_finished_file_is_overwritten_by_force_alone(answer: Answer) -> None:
    assert answer("out.csv")[0] == 0
    before = Path("out.csv").read_bytes()
    assert answer("out.csv") == (2, "Error: --out out.csv exists: --force overwrites it")
    write(Path("out.csv"), "mine\n")
    assert answer("out.csv", "--force")[0] == 0
    assert Path("out.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("new.jsonl", "that is --file itself"),
        ("./new.jsonl", "that is --file itself"),
        ("nowhere/out.csv", "there is no folder nowhere"),
        ("new.jsonl/out.csv", "not a folder new.jsonl"),
        ("out.xlsx", ".csv, .tsv, .jsonl, .parquet"),
        ("out", ".csv, .tsv, .jsonl, .parquet"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(answer: Answer, out: str, said: str) -> None:
    code, line = answer(out)
    assert (code, said in line, line.count("Error")) == (2, True, 1)
    assert names(Path()) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--file", "new.jsonl", "--top-k", "0"), "--top-k 0: it must be at least 1"),
        (("a text", "--out", "out.csv"), "--out needs --file"),
        (("--file", "-", "--out", "out.csv"), "redirect it (> out.csv)"),
        (("--file", "-", "--precision", "bf16"), "leave --precision out"),
    ],
)
def test_options_that_contradict_each_other_are_one_line(
    answer: Answer, run: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["predict", str(run), *more])
    assert (leaving.value.code, said in " ".join(capsys.readouterr().err.split())) == (2, True)
    assert names(Path()) == []


def test_a_tab_that_a_tsv_cannot_hold_is_found_before_anything_is_written(answer: Answer) -> None:
    write(Path("new.jsonl"), json_lines({"sentence": "fine"}, {"sentence": "fi\tne"}))
    code, said = answer("out.tsv")
    assert (code, "row 2: the column 'sentence' holds a tab or a line break" in said) == (2, True)
    assert names(Path()) == []


def test_a_file_without_a_row_to_answer_is_refused(answer: Answer) -> None:
    write(Path("new.jsonl"), json_lines({"sentence": ""}, {"sentence": " "}))
    code, said = answer("out.csv")
    assert (code, "none of its 2 rows can be answered" in said, "the text is empty" in said) == (2, True, True)
    assert names(Path()) == []


def test_a_file_that_changes_while_it_is_answered_is_one_line(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, plain = [0], FileInput.blocks

    def growing(self: FileInput) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            with self.path.open("a") as file:
                file.write('{"sentence": "more"}\n')
        return plain(self)

    monkeypatch.setattr(FileInput, "blocks", growing)
    code, said = answer("out.csv")
    assert (code, "new.jsonl changed while it was read" in said) == (2, True)
    assert "out.csv" not in names(Path())


KILLED = """
import os, signal, sys
from bertkit.cli import main
from bertkit.deploy import answer_file, file_inputs
file_inputs.BLOCK = 4
calls, plain = [0], answer_file.os.fsync
def fsync(handle):
    calls[0] += 1
    if calls[0] == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    plain(handle)
answer_file.os.fsync = fsync
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_process_that_is_killed_again_and_again_ends_with_the_same_bytes(
    answer: Answer, run: Path, suffix: str
) -> None:
    expected = whole(answer, suffix)
    command = ["predict", str(run), "--file", "new.jsonl", "--out", f"out{suffix}", "--quiet"]
    for at in (1, 4, 8):
        done = subprocess.run([sys.executable, "-c", KILLED, str(at), *command], check=False)
        assert done.returncode == -signal.SIGKILL
    assert answer(f"out{suffix}")[0] == 0
    assert Path(f"out{suffix}").read_bytes() == expected
    assert [name for name in names(Path()) if "tmp" not in name and "lock" not in name] == [f"out{suffix}"]


def test_blocks_end_where_they_ended_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_inputs, "BLOCK", 2)
    path = write(tmp_path / "new.csv", "sentence\na\n \nb\nc\n \n")
    file = FileInput(registry.find("sst2"), path, keeps_bad=True)
    for _ in range(2):
        assert [[place["row"] for place in block.places] for block in file.blocks()] == [[1, 2, 3], [4, 5]]
        assert file.notes == ["2 rows: no answer, the text is empty (first: new.csv, line 3)"]
