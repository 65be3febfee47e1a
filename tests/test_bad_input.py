"""Wrong requests on the command line: one line that names the thing, exit code 2, nothing written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from door import Refused, refused, reviews, shape
from files import word, write
from safetensors.numpy import save_file

from bertkit.cli import main

__all__ = ["refused"]

NOT_THERE = "--model no/such/model"
"""Stops a request, before anything heavy is loaded, that should have been stopped earlier."""


# Names.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("finetune sst3", "'sst3' sst2"),
        ("finetune SST_3", "'SST_3' sst2"),
        ("finetune ''", "task"),
        ("finetune", "task"),
        ("finetun sst2", "finetun finetune"),
        ("finetune sst2 --epoch 3", "--epoch --epochs"),
        ("finetune sst2 cola", "cola"),
        ("finetune sst2 --precision fp8", "--precision fp8 bf16"),
        ("finetune sst2 --device gpu", "--device gpu cuda"),
        ("tasks sst3", "'sst3' sst2"),
        ("eval glu", "'glu' glue"),
        ("eval sst3", "'sst3' sst2"),
        ("eval ./nowhere", "nowhere"),
        ("predict ./nowhere text", "nowhere"),
        ("compare pretrain-vs-scrath", "'pretrain-vs-scrath' pretrain-vs-scratch"),
        ("compare pretrain-vs-scratch --tasks sst2,sst3", "'sst3' sst2"),
        ("compare pretrain-vs-scratch --tasks ,", "--tasks"),
    ],
)
def test_a_misspelt_name_is_named_with_the_nearest_that_there_is(refused: Refused, arguments: str, words: str) -> None:
    line = refused(*(argument.strip("'") for argument in arguments.split()))
    assert [word for word in words.split() if word not in line] == []
    assert "Value error" not in line


@pytest.mark.parametrize(
    "typed",
    ["--epochs 2", "--lr 1e-4", "--scratch", "--precision bf16", "--processes 2", "--order length", "--save-every 5"],
)
def test_a_checkpoint_is_scored_and_what_only_training_takes_is_refused(refused: Refused, typed: str) -> None:
    line = refused("eval", "sst2", "--model", "no/such", *typed.split())
    flag = typed.split()[0].replace("--lr", "--learning-rate")
    assert line.startswith(f"Error: {flag}: a checkpoint is scored, not trained")


@pytest.mark.parametrize("flag", ["--data", "--model"])
def test_the_home_of_an_unknown_user_is_named(refused: Refused, flag: str) -> None:
    typed = ["finetune", "sst2", "--sample"] if flag == "--model" else ["finetune", "sst2", "--model", "sample"]
    assert "~nobody-here/rows: unknown user, or one without a home folder" in refused(*typed, flag, "~nobody-here/rows")


def test_a_suite_is_no_task_and_the_command_that_takes_it_is_named(refused: Refused) -> None:
    assert "`bertkit eval glue` trains and scores them all" in refused("finetune", "glue")


@pytest.mark.parametrize("more", [(), ("--sample",), ("--offline",)])
def test_scoring_a_task_needs_a_checkpoint(refused: Refused, more: tuple[str, ...]) -> None:
    assert refused("eval", "sst2", *more).startswith("Error: name the checkpoint to score with --model, or train one")


@pytest.mark.usefixtures("refused")
def test_help_shows_what_is_done_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    for command, default in (("finetune", "the Hub"), ("compare pretrain-vs-scratch", "the same"), ("predict", "fp32")):
        with pytest.raises(SystemExit):
            main([*command.split(), "--help"])
        assert f"[default: {default}]" in " ".join(capfd.readouterr().out.replace("│", " ").split())


@pytest.mark.usefixtures("refused")
def test_bertkit_alone_prints_its_help_and_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    printed = capfd.readouterr()
    assert "finetune" in printed.out + printed.err
    assert "Error" not in printed.out + printed.err


# Numbers.


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        *((f"--epochs {number}", "--epochs") for number in ("0", "-1", "nan", "inf", "x", "")),
        *((f"--learning-rate {number}", "--learning-rate") for number in ("0", "-1", "nan", "inf", "x")),
        *((f"--warmup {number}", "--warmup") for number in ("1.0", "-0.1", "nan", "x")),
        *((f"--weight-decay {number}", "--weight-decay") for number in ("1", "-0.1", "nan")),
        *((f"--max-grad-norm {number}", "--max-grad-norm") for number in ("0", "nan", "inf")),
        *((f"--max-steps {number}", "--max-steps") for number in ("0", "-1", "1.5", "x")),
        *((f"--seed {number}", "--seed") for number in ("-1", "4294967296", "x")),
        *((f"--{name} 0", f"--{name}") for name in ("seeds", "limit", "batch-size", "gradient-accumulation")),
        *((f"--{name} -1", f"--{name}") for name in ("seeds", "limit", "eval-every", "processes", "max-length")),
        *((f"--{name} 0", f"--{name}") for name in ("eval-every", "processes", "max-length")),
        ("--max-length 7", "--max-length"),
        ("--seed 4294967295 --seeds 2", "--seed"),
        ("--batch-size 2 --processes 3", "--processes"),
        ("--num-train-epochs 0", "--epochs"),
        ("--lr 0", "--learning-rate"),
        ("--max_steps 0", "--max-steps 0"),
        ("--max_steps=0", "--max-steps 0"),
        ("--per_device_train_batch_size=0", "--per-device-train-batch-size 0"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_its_flag(refused: Refused, typed: str, flag: str) -> None:
    assert flag in refused("finetune", "sst2", "--sample", *NOT_THERE.split(), *typed.split(" "))


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        *((f"--null-threshold {number}", "--null-threshold") for number in ("x", "nan", "inf", "-inf")),
        ("--doc-stride -1", "--doc-stride"),
        ("--max-answer-length 0", "--max-answer-length"),
        ("--doc-stride 316", "--doc-stride"),
        ("--max-length 64", "--max-length"),
    ],
)
def test_a_window_that_cannot_be_is_refused_by_its_flag(refused: Refused, typed: str, flag: str) -> None:
    assert flag in refused("finetune", "squad_v2", "--sample", *NOT_THERE.split(), *typed.split())


def test_a_stride_is_refused_with_the_length_that_it_does_not_fit(refused: Refused) -> None:
    typed = "--sample --max-length 128 --doc-stride 64"
    line = refused("finetune", "squad", *NOT_THERE.split(), *typed.split())
    assert "--doc-stride 64" in line
    assert "--max-length 128" in line


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "x"])
def test_a_rate_of_the_scratch_arm_that_cannot_be_is_refused(refused: Refused, rate: str) -> None:
    typed = f"--sample {NOT_THERE} --scratch-lr {rate}"
    assert "--scratch-lr" in refused("compare", "pretrain-vs-scratch", *typed.split())


# Flags that do not go together.


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("sst2 --sample --data .", "--sample --data"),
        ("sst2 --epochs 1 --max-steps 3", "--epochs --max-steps"),
        ("sst2 --doc-stride 16", "--doc-stride sst2"),
        ("ud_en_ewt --max-answer-length 5", "--max-answer-length ud_en_ewt"),
        ("squad --null-threshold 0", "--null-threshold squad"),
        ("sst2 --precision fp16 --device cpu", "--precision fp16"),
    ],
)
def test_flags_that_do_not_go_together_are_named(refused: Refused, typed: str, words: str) -> None:
    line = refused("finetune", *typed.split(), *NOT_THERE.split())
    assert [word for word in words.split() if word not in line] == []


@pytest.mark.parametrize("flag", ["--model", "--data"])
def test_a_flag_with_nothing_behind_it_is_not_taken_for_the_default(refused: Refused, flag: str) -> None:
    other = {"--model": ["--data", "./nowhere"], "--data": ["--model", "./nowhere"]}[flag]
    assert flag in refused("finetune", "sst2", flag, "", *other)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
@pytest.mark.parametrize("typed", ["--device cuda", "--precision fp16"])
def test_a_device_that_is_not_there_is_refused(refused: Refused, tmp_path: Path, typed: str) -> None:
    folders = ["--data", reviews(tmp_path / "rows"), "--model", shape(tmp_path / "shape"), "--scratch"]
    assert typed in refused("finetune", "sst2", *folders, *typed.split())


# Models.


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "no such model"])
def test_a_model_that_is_not_there_is_named(refused: Refused, name: str) -> None:
    for command in (["finetune", "sst2"], ["eval", "sst2"], ["eval", "glue"], ["compare", "pretrain-vs-scratch"]):
        assert f"'{name}'" in refused(*command, "--sample", "--model", name)


def test_a_folder_without_a_vocabulary_is_refused(refused: Refused, tmp_path: Path) -> None:
    shape(tmp_path / "shape")
    (tmp_path / "shape" / "vocab.txt").unlink()
    line = refused("finetune", "sst2", "--sample", "--model", str(tmp_path / "shape"), "--scratch")
    assert str(tmp_path / "shape") in line
    assert "vocabulary" in line


def test_truncated_weights_are_refused_by_name(refused: Refused, tmp_path: Path) -> None:
    path = Path(shape(tmp_path / "shape")) / "model.safetensors"
    save_file({"a": np.zeros(9, np.float32)}, path)
    path.write_bytes(path.read_bytes()[:-1])
    assert str(path) in refused("finetune", "sst2", "--sample", "--model", str(path.parent))


def test_a_revision_of_a_folder_is_refused(refused: Refused, tmp_path: Path) -> None:
    typed = ["--sample", "--model", shape(tmp_path / "shape"), "--scratch", "--revision", "v1.0"]
    assert "--revision v1.0" in refused("finetune", "sst2", *typed)


# No Hub.


def test_what_is_not_on_this_machine_is_named_with_every_remedy(refused: Refused) -> None:
    line = refused("finetune", "sst2")
    ways = ["google-bert/bert-base-uncased", "nyu-mll/glue", "--model", "--data", "--sample"]
    assert [way for way in ways if way not in line] == []


def test_without_a_network_one_line_names_every_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        environment = {**os.environ, "HF_ENDPOINT": nobody, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
        command = [sys.executable, "-m", "bertkit", "finetune", "sst2", "--out", str(tmp_path / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert [way for way in ("--data", "--sample", nobody) if way not in done.stderr] == []
    assert not (tmp_path / "runs").exists()


def test_a_task_that_the_hub_does_not_have_says_where_its_rows_may_come_from(refused: Refused) -> None:
    line = refused("finetune", "stance")
    assert [way for way in ("stance", "--data", "--sample") if way not in line] == []


# Folders.


def test_a_task_without_train_rows_in_the_folder_says_what_was_looked_for(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "data" / "ud" / "zh_gsd" / "zh_gsd-ud-dev.conllu", word(1, "好", "ADJ") + "\n")
    line = refused("finetune", "ud_zh_gsd", "--data", str(tmp_path / "data"))
    assert [word for word in ("ud_zh_gsd", "train", str(tmp_path / "data"), "zh_gsd") if word not in line] == []


@pytest.mark.parametrize("command", ["finetune sst2", "eval glue", "compare pretrain-vs-scratch"])
def test_a_folder_of_rows_that_is_not_there_is_named(refused: Refused, command: str) -> None:
    assert "nowhere" in refused(*command.split(), "--data", "nowhere")


def test_a_suite_without_a_task_in_the_folder_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refused("eval", "glue", "--data", str(tmp_path / "empty"))


def test_a_file_in_place_of_the_folder_of_runs_is_named(refused: Refused, tmp_path: Path) -> None:
    path = write(tmp_path / "runs", "a file")
    folders = ["--data", reviews(tmp_path / "rows"), "--model", shape(tmp_path / "shape"), "--scratch"]
    assert str(path) in refused("finetune", "sst2", *folders, "--device", "cpu", "--max-steps", "1")
