"""The command that a report gives for a run: typed again, it is the same spec."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from files import write

from bertkit import registry
from bertkit.request.flags import Flags
from bertkit.request.own_flags import OwnFlags
from bertkit.request.specs import spec_of
from bertkit.request.target import target_of
from bertkit.request.typed_command import command_of, commands_of
from bertkit.spec import Spec

FOLDER = Path("runs") / "a run"


def spec(name: str, **flags: Any) -> Spec:
    return spec_of(registry.find(name), Flags(**flags))


def typed(name: str, **flags: Any) -> str:
    return command_of(spec(name, **flags), FOLDER)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, ""),
        ({"sample": True}, " --sample"),
        ({"sample": True, "model": "bert-base-cased"}, " --sample --model bert-base-cased"),
        ({"data": "my rows"}, " --data 'my rows'"),
        ({"learning_rate": 1e-4, "seed": 7}, " --seed 7 --learning-rate 0.0001"),
        ({"epochs": 2}, " --epochs 2"),
        ({"max_steps": 20}, " --max-steps 20"),
        ({"budget": "20m"}, " --budget 1200s"),
        ({"max_length": 64, "fast_dropout": False}, " --torch-dropout --max-length 64"),
        ({"freeze": "2"}, " --freeze 2"),
        ({"class_weights": "balanced"}, " --class-weights balanced"),
        ({"class_weights": "negative=2"}, """ --class-weights '{"negative": 2.0}'"""),
        ({"on_bad_row": "skip", "limit": 10}, " --limit 10 --on-bad-row skip"),
    ],
)
def test_only_what_differs_from_the_task_is_typed(flags: dict[str, Any], words: str) -> None:
    assert typed("sst2", **flags) == f"bertkit finetune sst2{words} --out runs"


def test_several_seeds_are_typed_as_their_number() -> None:
    assert command_of(spec("sst2"), FOLDER, seeds=3) == "bertkit finetune sst2 --seeds 3 --out runs"


def test_a_task_made_from_a_file_is_named_by_the_spec_of_the_run(tmp_path: Path) -> None:
    rows = "".join(f"text {k},{'good' if k % 2 else 'bad'}\n" for k in range(40))
    target = target_of(str(write(tmp_path / "reviews.csv", "text,label\n" + rows)), OwnFlags())
    command = command_of(target.spec(Flags(model="sample")), tmp_path / "runs" / "run")
    assert shlex.split(command)[2] == str(tmp_path / "runs" / "run" / "spec.json")


def test_a_task_that_is_installed_otherwise_than_it_was_is_named_by_the_spec_of_the_run() -> None:
    changed = replace(spec("sst2"), task=replace(registry.find("sst2"), about="as it was once"))
    assert command_of(changed, FOLDER).startswith("bertkit finetune 'runs/a run/spec.json'")


def test_seeds_that_count_up_share_a_command_and_others_have_one_each(tmp_path: Path) -> None:
    runs = [(spec("sst2", seed=seed), FOLDER) for seed in (42, 43, 45)]
    assert commands_of(runs[:2]) == ["bertkit finetune sst2 --seeds 2 --out runs"]
    assert commands_of(runs) == [
        "bertkit finetune sst2 --out runs",
        "bertkit finetune sst2 --seed 43 --out runs",
        "bertkit finetune sst2 --seed 45 --out runs",
    ]


def test_seeds_of_own_files_count_up_from_the_first_ones_spec() -> None:
    task = replace(spec("sst2").task, name="mine")
    runs = [(replace(spec("sst2", seed=seed), task=task), Path(f"runs/s{seed}")) for seed in (42, 43)]
    assert commands_of(runs) == ["bertkit finetune runs/s42/spec.json --seeds 2 --out runs"]
