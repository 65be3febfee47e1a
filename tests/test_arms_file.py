"""`bertkit compare --arms-file FILE.toml`: arms that differ in any options, with the same seeds, and a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
from door import Refused, refused
from files import write

import bertkit
from bertkit.cli import main
from bertkit.errors import RequestError

__all__ = ["refused"]

LINE = "--tasks sst2 --sample --device cpu --max-steps 2 --seeds 2"


def test_the_arms_of_a_file_are_trained_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = tiny.make("bert", tmp_path / "encoder")
    file = write(tmp_path / "arms.toml", "[low]\nlearning_rate = 1e-5\n[high]\nlr = 1e-2\nbatch-size = 4\n")
    typed = [*LINE.split(), "--model", str(encoder), "--out", str(tmp_path / "runs"), "--json"]
    with pytest.raises(SystemExit) as left:
        main(["compare", "--arms-file", str(file), *typed])
    out = capsys.readouterr()
    assert left.value.code == 0, out.err
    (verdict,) = json.loads(out.out)["verdicts"]
    assert [(arm["arm"], arm["seeds"]) for arm in verdict["arms"]] == [("low", [42, 43]), ("high", [42, 43])]
    specs = [json.loads(path.read_text("utf-8"))["recipe"] for path in (tmp_path / "runs").glob("sst2-*/spec.json")]
    assert sorted((one["learning_rate"], one["batch_size"]) for one in specs) == [(1e-5, 16)] * 2 + [(1e-2, 4)] * 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[low]\nlr = 1e-5\n", "it needs at least two tables"),
        ("[low]\nlr = 1e-5\n[high]\nlearning_rat = 1e-4\n", "did you mean learning_rate?"),
        ("[low]\nlr = 1e-5\n[high]\nlr = 'much'\n", "[high]: lr"),
        ("[low]\nlr = 1e-5\n[high]\nlr = 1e-5\n", "[low] and [high] are the same runs"),
        ("[low]\nseed = 1\n[high]\nlr = 1e-5\n", "seed: it is the same for all arms; give --seed beside the file"),
        ("[low]\nprocesses = 2\n[high]\nlr = 1e-5\n", "processes: it is the same for all arms; give --processes"),
        ("[auto]\ndevice = 'auto'\n[cpu]\ndevice = 'cpu'\n", "[auto] and [cpu] are the same runs"),
        ("low = 1\nhigh = 2\n", "write a table for each arm"),
        ("[low\n", "is not TOML"),
    ],
)
def test_a_file_of_arms_that_cannot_be_understood_is_refused(
    tmp_path: Path, refused: Refused, text: str, words: str
) -> None:
    file = write(tmp_path / "arms.toml", text)
    assert words in refused("compare", "--arms-file", str(file), *LINE.split())


def test_a_file_of_arms_that_is_not_there_is_refused(refused: Refused) -> None:
    assert "there is no such file" in refused("compare", "--arms-file", "arms.toml", *LINE.split())


def test_from_python_the_arms_of_a_file_are_trained_and_compared(tmp_path: Path) -> None:
    encoder = tiny.make("bert", tmp_path / "encoder")
    file = write(tmp_path / "arms.toml", "[low]\nlearning_rate = 1e-5\n[high]\nlr = 1e-2\n")
    (verdict,) = bertkit.compare(
        arms_file=file, tasks=["sst2"], seeds=2, sample=True, model=encoder, max_steps=2, device="cpu",
        out=tmp_path / "runs",
    )  # fmt: skip
    assert [(arm.name, arm.seeds) for arm in verdict.arms] == [("low", (42, 43)), ("high", (42, 43))]
    (written,) = (tmp_path / "runs").glob("*/compare.json")
    assert json.loads(written.read_text("utf-8"))["verdicts"][0]["outcome"] == verdict.outcome


def test_from_python_nothing_is_compared_beside_the_arms_of_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "arms.toml", "[low]\nlr = 1e-5\n[high]\nlr = 1e-2\n")
    with pytest.raises(RequestError, match="name nothing else"):
        bertkit.compare("nsp-vs-sop", arms_file=file)  # type: ignore[call-overload]
    with pytest.raises(RequestError, match="one process"):
        bertkit.compare(arms_file=file, sample=True, processes=2)
