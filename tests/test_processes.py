"""Two processes on this machine against one: the same weights, predictions and scores; one line for a mistake.

The task is tagging, whose loss is a mean over words, which no two processes have the same number of. Thirteen
rows in batches of four: four batches an epoch, one of them a single row, of which a process has no part.
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
from bertkit.result import Result
from bertkit.runs.folder import read_log, read_result

FLAGS = ["--device", "cpu", "--precision", "fp32", "--lr", "5e-4", "--max-steps", "10", "--batch-size", "4"]
DRY = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
TRAIN = (*tiny.SENTENCES, *tiny.SENTENCES, tiny.SENTENCES[2])
DEV = tuple((f"{words} " * 6, f"{tags} " * 6) for words, tags in TRAIN * 3)
SHIFTS = ".attention.self.key.bias"
"""Adds the same to every score that a softmax compares: its gradient is rounding errors, which AdamW makes steps of."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A finished command: its exit code, its stderr, and the files below `out`."""

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
        """The run's result."""
        result = read_result(self.folder)
        assert result is not None
        return result

    @property
    def predictions(self) -> list[dict[str, Any]]:
        """The lines of predictions.jsonl."""
        return [json.loads(line) for line in (self.folder / "predictions.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT without dropout, which differs between processes."""
    return tiny.make("bert", tmp_path_factory.mktemp("model") / "bert", **DRY)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_treebank(tmp_path_factory.mktemp("rows"), TRAIN, DEV)


@pytest.fixture(scope="module")
def one(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run in one process."""
    out = tmp_path_factory.mktemp("one")
    with pytest.raises(SystemExit) as leaving:
        main(command(model, data, out))
    return Ended(code=int(leaving.value.code or 0), said=[], out=out)


@pytest.fixture(scope="module")
def two(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The same in two."""
    return in_two_processes(model, data, tmp_path_factory.mktemp("two"))


def command(model: Path, data: Path, out: Path) -> list[str]:
    """What is typed after `bertkit`."""
    return ["finetune", "ud", "--model", str(model), "--data", str(data), *FLAGS, "--quiet", "--out", str(out)]


def launcher(processes: int) -> list[str]:
    """torch's own, for so many processes on this machine."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]


def in_two_processes(model: Path, data: Path, out: Path) -> Ended:
    """`python -m bertkit finetune ... --processes 2`, to its end."""
    typed = [sys.executable, "-m", "bertkit", *command(model, data, out), "--processes", "2"]
    ended = subprocess.run(typed, capture_output=True, text=True, env=os.environ, timeout=250, check=False)
    return Ended(code=ended.returncode, said=ended.stderr.splitlines(), out=out)


def test_both_runs_end_well_and_say_nothing_on_stderr(one: Ended, two: Ended) -> None:
    assert (one.code, two.code, two.said) == (0, 0, [])


def test_two_processes_train_the_weights_of_one(one: Ended, two: Ended) -> None:
    ours, theirs = (load_file(ended.folder / "model" / "model.safetensors") for ended in (one, two))
    assert ours.keys() == theirs.keys()
    apart = {name: float((ours[name] - theirs[name]).abs().max()) for name in ours}
    far = {name: far for name, far in apart.items() if not name.endswith(SHIFTS)}
    assert max(far.values()) < 1e-5, sorted(far.items(), key=lambda item: -item[1])[:5]


def test_two_processes_write_one_log_with_the_losses_and_gradients_of_one(one: Ended, two: Ended) -> None:
    ours, theirs = (read_log(ended.folder)[:10] for ended in (one, two))
    assert len(read_log(two.folder)) == 11  # ten updates and the scores
    for key in ("step", "examples", "tokens"):
        assert [line[key] for line in theirs] == [line[key] for line in ours]
    for key in ("loss", "gradient_norm"):
        assert [line[key] for line in theirs] == pytest.approx([line[key] for line in ours], rel=1e-4)


def test_two_processes_predict_every_row_once_with_the_answers_of_one(one: Ended, two: Ended) -> None:
    ours, theirs = one.predictions, two.predictions
    assert len({line["row_id"] for line in theirs}) == len(theirs) == len(DEV) == 39
    for key in ("row_id", "answer", "gold"):
        assert [line[key] for line in theirs] == [line[key] for line in ours]
    for mine, other in zip(ours, theirs, strict=True):
        assert other["scores"]["tags"] == pytest.approx(mine["scores"]["tags"], abs=1e-5)


def test_two_processes_score_as_one(one: Ended, two: Ended) -> None:
    assert two.result.evaluations == one.result.evaluations
    assert two.result.training.examples == one.result.training.examples
    assert two.result.training.tokens == one.result.training.tokens


def test_a_line_that_cannot_be_read_is_one_line_from_both_processes(model: Path, tmp_path: Path) -> None:
    folder = tiny.write_treebank(tmp_path, TRAIN, DEV)
    with (folder / "tiny-ud-train.conllu").open("a", encoding="utf-8") as file:
        file.write("1\thalf a line\n")
    ended = in_two_processes(model, folder, tmp_path / "out")
    assert ended.code == 2
    assert len(ended.said) == 1, ended.said
    assert ended.said[0].startswith("Error: ") and "tiny-ud-train.conllu, line " in ended.said[0]


HUNGRY = """
import os, sys
from bertkit.cli import main
from bertkit.training.update import Updater

def share(self, part, total, exact, plain=Updater._share):
    lacking = os.environ["RANK"] == "1" and len(part) > 2
    layer = list(self.network.modules())[-1]
    hook = layer.register_forward_pre_hook(full) if lacking and PASS == "forward" else None
    try:
        loss = plain(self, part, total, exact)
    finally:
        if hook:
            hook.remove()
    if lacking and PASS == "backward":
        loss.register_hook(full)
    return loss

def full(*given):
    raise MemoryError

PASS = sys.argv.pop(1)
Updater._share = share
main(sys.argv[1:])
"""
"""bertkit, where more than two rows at once are too many for the second process, in a pass forward or backward."""


@pytest.mark.parametrize("way", ["forward", pytest.param("backward", marks=pytest.mark.slow)])
def test_where_one_process_runs_out_of_memory_both_cut_their_batches_and_learn_the_same(
    model: Path, data: Path, tmp_path: Path, two: Ended, way: str
) -> None:
    (tmp_path / "hungry.py").write_text(HUNGRY, "utf-8")
    typed = [
        *launcher(2),
        str(tmp_path / "hungry.py"),
        way,
        *command(model, data, tmp_path / "out"),
        "--processes",
        "2",
    ]
    typed.remove("--quiet")
    done = subprocess.run(typed, capture_output=True, text=True, env=os.environ, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert said.count("out of memory at update 1: batches are split into 2 parts from here on") == 1
    cut = Ended(code=0, said=[], out=tmp_path / "out")
    losses = [[line["loss"] for line in read_log(ended.folder) if "loss" in line] for ended in (cut, two)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_one_process_under_a_launcher_trains_what_one_without_does(
    model: Path, data: Path, tmp_path: Path, one: Ended
) -> None:
    typed = [*launcher(1), "-m", "bertkit", *command(model, data, tmp_path)]
    done = subprocess.run(typed, capture_output=True, text=True, env=os.environ, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    alone = Ended(code=0, said=[], out=tmp_path)
    losses = ([line["loss"] for line in read_log(ended.folder) if "loss" in line] for ended in (alone, one))
    assert next(losses) == pytest.approx(next(losses), abs=1e-6)
