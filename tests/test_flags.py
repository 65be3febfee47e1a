"""The command line's options: whole in --help, however they are spelt, and what each of them means."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from door import Refused, refused, shape

from bertkit import registry
from bertkit.cli import app, main
from bertkit.cli.options import ALIASES
from bertkit.errors import RequestError
from bertkit.heads import Window
from bertkit.request.flags import Flags, RunFlags
from bertkit.request.specs import options_of, spec_of
from bertkit.spec import RunOptions, Spec
from bertkit.task import Recipe

__all__ = ["refused"]

STUDIES = (
    "compare pretrain-vs-scratch",
    "compare nsp-vs-sop",
    "compare transfer",
    "compare label-share",
    "compare token-maps",
    "compare prompting",
)
COMMANDS = (
    "check",
    "finetune",
    "search",
    "resume",
    "eval",
    *STUDIES,
    "predict",
    "fill",
    "generate",
    "embryology",
    "analyse word",
    "analyse cbow",
    "analyse alignment",
    "analyse language-vector",
    "analyse landscape",
    "analyse probes",
    "tasks",
    "zoo",
)
CLICK: Any = typer.main.get_command(app)


def long_options(command: str) -> set[str]:
    """Every long name of a command's options, hidden or not."""
    found = CLICK
    for name in command.split():
        found = found.commands[name]
    return {name for one in found.params for name in (*one.opts, *one.secondary_opts) if name.startswith("--")}


def help_of(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_every_option_whole_in_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_of(command, capsys, monkeypatch)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    shown = set(re.findall(r"--[a-z][a-z-]*[a-z]", text))
    assert long_options(command) - shown == set()
    assert "--help" in shown


def test_help_names_the_aliases_of_an_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(help_of(command, capsys, monkeypatch) for command in ("finetune", "generate", "corrupt"))
    assert {f"--{alias}" for alias in ALIASES} - set(re.findall(r"--[a-z-]*[a-z]", text)) == set()
    assert {"lr", "num-train-epochs", "output-dir", "save-steps", "max-seq-length"} <= set(ALIASES)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("--learning-rate 0", "--learning-rate 0: "),
        ("--learning_rate 0", "--learning-rate 0: "),
        ("--learning_rate=-1e-4", "--learning-rate -0.0001: "),
        ("--lr=-1e-4", "--learning-rate -0.0001: "),
        ("--num_train_epochs 0", "--epochs 0: "),
        ("--gradient_accumulation_steps=0", "--gradient-accumulation 0: "),
        ("--warmup_ratio 1", "--warmup 1: "),
        ("--max-seq_length=7", "--max-length 7: "),
        ("--save_steps 0", "--save-every 0: "),
        ("-b 0", "--batch-size 0: "),
    ],
)
def test_an_option_is_the_same_with_underscores_and_by_its_alias(refused: Refused, typed: str, line: str) -> None:
    said = refused("finetune", "sst2", "--sample", "--model", "no/such", *typed.split())
    assert said.startswith(f"Error: {line}")


@pytest.mark.parametrize("typed", [("--model", "./no_such_model"), ("--model=./no_such_model",), ("-m", "./no_such_m")])
def test_underscores_in_a_value_stay(refused: Refused, typed: tuple[str, ...]) -> None:
    assert typed[-1].removeprefix("--model=") in refused("finetune", "sst2", "--sample", *typed)


def test_what_stands_behind_two_dashes_is_no_option(refused: Refused) -> None:
    assert "'--max_steps'" in refused("tasks", "--", "--max_steps")
    assert "--max-stepz (Possible options: " in refused("finetune", "sst2", "--max_stepz=1")


@pytest.mark.parametrize(
    ("command", "typed", "choices", "nearest"),
    [
        ("finetune sst2", "--precision bf61", "auto, fp32, bf16, fp16", "bf16"),
        ("finetune sst2", "--precision BF16", "auto, fp32, bf16, fp16", "bf16"),
        ("finetune sst2", "--order longth", "auto, random, length", "length"),
        ("eval sst2", "--device cda", "auto, cpu, cuda, mps", "cuda"),
        ("finetune sst2", "--device gpu", "auto, cpu, cuda, mps", "cuda"),
        ("compare pretrain-vs-scratch", "--layout pad", "auto, unpadded, bucketed, padded", "padded"),
        ("predict .", "--precision fp16", "fp32, bf16", "bf16"),
    ],
)
def test_a_misspelt_choice_is_answered_with_all_of_them_and_the_nearest(
    refused: Refused, command: str, typed: str, choices: str, nearest: str
) -> None:
    flag, value = typed.split()
    said = refused(*command.split(), flag, value)
    assert said == f"Error: Invalid value for '{flag}': '{value}' is not one of {choices}; did you mean {nearest}?\n"


def test_a_choice_near_to_none_is_answered_with_all_of_them(refused: Refused) -> None:
    said = refused("finetune", "sst2", "--device", "")
    assert said == "Error: Invalid value for '--device': '' is not one of auto, cpu, cuda, mps\n"


def batch_size(**typed: int) -> int:
    return spec_of(registry.find("sst2"), Flags(sample=True, **typed)).recipe.batch_size  # type: ignore[arg-type]


def test_the_batch_size_of_a_device_is_multiplied_by_the_processes() -> None:
    assert batch_size(per_device_train_batch_size=8) == 8
    assert batch_size(per_device_train_batch_size=8, processes=3) == 24
    assert batch_size(batch_size=8, processes=2) == 8
    assert batch_size(per_device_train_batch_size=8, processes=2, gradient_accumulation=4) == 16


def test_the_batch_size_of_a_device_makes_the_run_of_that_batch_size() -> None:
    each = Flags(sample=True, per_device_train_batch_size=4, processes=2)
    total = Flags(sample=True, batch_size=8, processes=2)
    assert spec_of(registry.find("sst2"), each).digest == spec_of(registry.find("sst2"), total).digest


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("--per-device-train-batch-size 8 --batch-size 8", "--batch-size and --per-device-train-batch-size: give one"),
        ("--per_device_train_batch_size=8 --batch-tokens 9", "--per-device-train-batch-size and --batch-tokens: give"),
        ("--per-device-train-batch-size 0", "--per-device-train-batch-size 0: it must be at least 1"),
    ],
)
def test_only_one_flag_says_how_large_a_batch_is(refused: Refused, typed: str, line: str) -> None:
    assert refused("finetune", "sst2", "--sample", *typed.split()).startswith(f"Error: {line}")


def test_flags_that_are_not_typed_leave_the_defaults_of_a_run() -> None:
    assert options_of(RunFlags()) == RunOptions()


def test_a_group_of_flags_is_checked_where_it_is_made_into_options() -> None:
    with pytest.raises(RequestError, match="--save-every 0"):
        options_of(RunFlags(save_every=0))


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        ("compare pretrain-vs-scratch", "--scratch"),
        ("compare nsp-vs-sop", "--objective"),
        ("compare nsp-vs-sop", "--noise"),
        ("compare nsp-vs-sop", "--keep-best"),
        ("eval", "--warmup"),
        ("eval", "--keep-best"),
        ("resume", "--out"),
        ("resume", "--epochs"),
        ("tasks", "--quiet"),
        ("predict", "--offline"),
        ("search", "--eval-every"),
        ("search", "--keep-best"),
        ("search", "--processes"),
    ],
)
def test_a_command_has_no_option_that_means_nothing_to_it(command: str, flag: str) -> None:
    assert flag not in long_options(command)


@pytest.mark.parametrize("typed", ["--seed 7", "--limit 3", "--max-memory 4GB", "--per-device-train-batch-size 2"])
def test_a_run_that_is_scored_again_takes_no_flag_of_training(refused: Refused, tmp_path: Path, typed: str) -> None:
    folder = Path(shape(tmp_path / "run"))
    (folder / "spec.json").write_text(json.dumps({}), "utf-8")
    said = refused("eval", str(folder), *typed.split())
    assert said == f"Error: {typed.split()[0]}: a run is scored again as its spec.json says\n"


def test_every_flag_decides_something_of_a_spec_or_of_how_a_run_is_carried_out() -> None:
    of_spec = {field.name for owner in (Spec, Recipe, Window) for field in fields(owner)}
    ways = {"sample": "data", "per_device_train_batch_size": "batch_size"}  # what they decide has another name there
    assert {ways.get(field.name, field.name) for field in fields(Flags)} <= of_spec
    assert {field.name for field in fields(RunFlags)} - {"offline"} == {field.name for field in fields(RunOptions)}


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [({"on_bad_row": "skip"}, "on_bad_row", "skip"), ({"layout": "padded"}, "layout", "padded")],
)
def test_a_flag_reaches_the_spec_by_its_name(typed: dict[str, Any], name: str, value: object) -> None:
    assert getattr(spec_of(registry.find("sst2"), Flags(**typed)), name) == value


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("bertkit ana", {"analyse"}),
        ("bertkit compare tra", {"transfer"}),
        ("bertkit compare ", {"pretrain-vs-scratch", "nsp-vs-sop", "prompting"}),
        ("bertkit compare transfer --test-l", {"--test-limit"}),
        ("bertkit analyse ", {"word", "cbow", "landscape"}),
        ("bertkit analyse pro", {"probes"}),
        ("bertkit analyse nothing --", {"--help"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, wanted: set[str]
) -> None:
    words = typed.split()
    place = len(words) if typed.endswith(" ") else len(words) - 1
    monkeypatch.setenv("_BERTKIT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(place))
    with pytest.raises(SystemExit):
        main([])
    said = capsys.readouterr()
    assert said.err == ""
    assert set(said.out.split()) >= wanted


@pytest.mark.parametrize("typed", ["--json pretrain-vs-scratch", "--out runs/x pretrain_vs_scratch --tasks sst2"])
def test_a_study_s_name_comes_before_its_options(refused: Refused, typed: str) -> None:
    said = refused("compare", *typed.split())
    assert "compare: a study's name comes before its options: bertkit compare pretrain" in said
