"""Two processes on this machine against one: the same weights, predictions and scores, and one line for a mistake.

Thirteen rows in batches of four: four batches an epoch, the last of a single row, which one process lacks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny
from safetensors.torch import load_file

from bertkit.cli import main
from bertkit.result import Result, read_result

FLAGS = ["--device", "cpu", "--precision", "fp32", "--lr", "1e-4", "--max-steps", "8", "--batch-size", "4"]
TRAIN = (*tiny.REVIEWS, *tiny.REVIEWS[:5])
LONG = tuple((" ".join([text] * 12), label) for text, label in tiny.REVIEWS)
DEV = (*LONG * 5, tiny.REVIEWS[0])
SHIFTS = ".attention.self.key.bias"
"""Adds the same to every score that a softmax compares: its gradient is rounding errors, which AdamW makes steps of."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that came to its end, and what it left in its folder `out`."""

    code: int
    said: list[str]
    out: Path

    @property
    def folder(self) -> Path:
        """The folder of its one run."""
        (folder,) = self.out.iterdir()
        return folder

    @property
    def result(self) -> Result:
        """What that run came to."""
        result = read_result(self.folder)
        assert result is not None
        return result

    @property
    def predictions(self) -> list[dict[str, Any]]:
        """The lines of predictions.jsonl."""
        return [json.loads(line) for line in (self.folder / "predictions.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT without dropout."""
    dry = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return tiny.make("bert", tmp_path_factory.mktemp("processes") / "bert", **dry)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_reviews(tmp_path_factory.mktemp("rows"), TRAIN, DEV)


@pytest.fixture(scope="module")
def one(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run in one process."""
    out = tmp_path_factory.mktemp("one")
    with pytest.raises(SystemExit) as leaving:
        main(["finetune", "sst2", "--model", str(model), "--data", str(data), *FLAGS, "--out", str(out), "-q"])
    return Ended(code=int(leaving.value.code or 0), said=[], out=out)


@pytest.fixture(scope="module")
def two(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The same in two."""
    return in_two_processes(model, data, tmp_path_factory.mktemp("two"))


def in_two_processes(model: Path, data: Path, out: Path) -> Ended:
    """`python -m bertkit finetune sst2 ... --processes 2`, to its end."""
    command = [sys.executable, "-m", "bertkit", "finetune", "sst2", "--model", str(model), "--data", str(data)]
    command += [*FLAGS, "--processes", "2", "--out", str(out), "--quiet"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=250, check=False)
    return Ended(code=ended.returncode, said=ended.stderr.splitlines(), out=out)


def test_both_runs_end_well_and_say_nothing_on_stderr(one: Ended, two: Ended) -> None:
    assert (one.code, two.code, two.said) == (0, 0, [])


def test_two_processes_train_the_weights_of_one(one: Ended, two: Ended) -> None:
    ours, theirs = (load_file(ended.folder / "model" / "model.safetensors") for ended in (one, two))
    assert ours.keys() == theirs.keys()
    apart = {name: float((ours[name] - theirs[name]).abs().max()) for name in ours}
    print(sorted(((v, k) for k, v in apart.items()), reverse=True)[:5])
    assert max(far for name, far in apart.items() if not name.endswith(SHIFTS)) < 1e-5


def test_two_processes_write_one_log_with_the_losses_of_one(one: Ended, two: Ended) -> None:
    ours, theirs = (
        [json.loads(line) for line in (ended.folder / "log.jsonl").read_text("utf-8").splitlines()]
        for ended in (one, two)
    )
    assert [line["step"] for line in theirs] == [*range(1, 9), 8]
    assert [line["examples"] for line in theirs[:8]] == [line["examples"] for line in ours[:8]]
    assert [line["loss"] for line in theirs[:8]] == pytest.approx([line["loss"] for line in ours[:8]], abs=1e-5)


def test_two_processes_predict_every_row_once_with_the_answers_of_one(one: Ended, two: Ended) -> None:
    ours, theirs = one.predictions, two.predictions
    assert len({line["row_id"] for line in theirs}) == len(theirs) == len(DEV)
    for key in ("row_id", "answer", "gold"):
        assert [line[key] for line in theirs] == [line[key] for line in ours]
    for mine, other in zip(ours, theirs, strict=True):
        assert other["scores"] == pytest.approx(mine["scores"], abs=1e-5)


def test_two_processes_score_as_one(one: Ended, two: Ended) -> None:
    assert two.result.evaluations == one.result.evaluations
    assert two.result.training.examples == one.result.training.examples
    assert two.result.training.tokens == one.result.training.tokens


def test_a_line_that_cannot_be_read_is_one_line_from_both_processes(model: Path, data: Path, tmp_path: Path) -> None:
    folder = tiny.write_reviews(tmp_path / "rows", TRAIN, DEV)
    with (folder / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"sentence": "half a ro\n')
    ended = in_two_processes(model, folder, tmp_path / "out")
    assert ended.code == 2
    assert len(ended.said) == 1, ended.said
    assert ended.said[0].startswith("Error: ") and "train.jsonl, line 14" in ended.said[0]
