"""--config: the options of a command from a file, and a run's spec.json given again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from door import Refused, refused, reviews, shape
from files import write
from own_tasks import FEELINGS, said

import bertkit
from bertkit.cli import finetune, main
from bertkit.request.flags import Flags
from bertkit.request.saved_spec import again
from bertkit.request.specs import spec_of
from bertkit.runs.folder import read_spec
from bertkit.spec import Spec

__all__ = ["refused"]

Ask = Callable[..., Spec]


class AskedError(Exception):
    """The specs that a command is about to run."""


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The spec of `finetune`, which runs nothing, from a folder with rows in `rows` and an encoder in `tiny`."""
    monkeypatch.chdir(tmp_path)
    reviews(tmp_path / "rows")
    shape(tmp_path / "tiny")
    seen: list[Spec] = []

    def check(specs: list[Spec]) -> None:
        seen.extend(specs)
        raise AskedError

    monkeypatch.setattr(finetune, "check", check)

    def asked(*typed: str) -> Spec:
        with pytest.raises(AskedError):
            main(["finetune", *typed])
        return seen[-1]

    return asked


CONFIG = """
task = "sst2"
data = "rows"
model = "tiny"
learning-rate = 1e-4
num_train_epochs = 2
seed = 7
layout = "padded"
fast_dropout = false
freeze = 1
class-weights = { positive = 2, negative = 1.5 }
"""


def test_options_are_read_from_a_file_under_any_of_their_names(ask: Ask, tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", CONFIG)
    found = ask("--config", "mine.toml")
    typed = "sst2 --data rows --model tiny --learning-rate 1e-4 --epochs 2 --seed 7 --layout padded --torch-dropout "
    typed += "--freeze 1 --class-weights positive=2,negative=1.5"
    assert found == ask(*typed.split())
    assert (found.recipe.learning_rate, found.recipe.epochs, found.seed, found.fast_dropout) == (1e-4, 2.0, 7, False)


def test_options_that_are_typed_win_over_the_file_even_with_their_defaults(ask: Ask, tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", CONFIG)
    found = ask("--seed", "42", "--fast-dropout", "--lr", "2e-5", "--max-steps", "9", "--config", "mine.toml")
    assert (found.seed, found.fast_dropout, found.recipe.learning_rate) == (42, True, 2e-5)
    assert (found.recipe.max_steps, found.recipe.epochs) == (9, 3.0)
    timed = ask("--budget", "20m", "--config", "mine.toml")
    assert (timed.budget, timed.recipe.epochs) == (1_200, 3.0)
    assert ask("--config", "mine.toml", "sst2", "--sample").data == "sample"


WRONG = {
    "learning-rat = 1e-4": "c.toml: no key is called 'learning-rat'; did you mean learning_rate?",
    "strict = true": "c.toml: strict: finetune has no such option; check has it",
    'tasks = "sst2"': "c.toml: tasks: finetune has no such option; compare arms-file and compare pretrain-vs",
    'epochs = "two"': "c.toml: epochs: input should be a valid number, not 'two'",
    'layout = "pad"': "c.toml: layout: input should be 'auto', 'unpadded', 'bucketed' or 'padded', not 'pad'",
    "sample = 1": "c.toml: sample: input should be a valid boolean, not 1",
    "lr = 1e-4\nlearning_rate = 1e-4": "c.toml: learning_rate: it is given twice, under two names",
    "epochs = 0": "--epochs 0: it must be a number above 0",
    "epochs = ": "c.toml is not TOML: ",
    "[finetune]\nepochs = 1": "c.toml: no key is called 'finetune'",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_in_a_config_is_one_line_that_names_the_key(tmp_path: Path, refused: Refused, wrong: str) -> None:
    write(tmp_path / "c.toml", wrong + "\n")
    assert WRONG[wrong] in refused("finetune", "sst2", "--config", "c.toml")


def test_a_config_counts_as_typed_where_options_are_refused(tmp_path: Path, refused: Refused) -> None:
    write(tmp_path / "c.toml", f"epochs = 2\nmodel = '{shape(tmp_path / 'tiny')}'\n")
    assert "--epochs: a checkpoint is scored, not trained" in refused("eval", "sst2", "--config", "c.toml")
    assert refused("finetune", "sst2", "--config", "no.toml") == "Error: no.toml: there is no such file\n"


def test_other_commands_read_their_options_from_a_file_too(tmp_path: Path, refused: Refused) -> None:
    write(tmp_path / "a.toml", 'tasks = "sst3"\n')
    assert "did you mean sst2?" in refused("compare", "pretrain-vs-scratch", "--config", "a.toml")
    write(tmp_path / "b.toml", 'target = "sst3"\n')
    assert "did you mean sst2?" in refused("eval", "--config", "b.toml")
    write(tmp_path / "c.toml", 'precision = "fp33"\n')
    assert "c.toml: precision" in refused("predict", "runs/x", "--config", "c.toml")


def test_a_study_reads_its_options_however_its_name_is_typed(tmp_path: Path, refused: Refused) -> None:
    write(tmp_path / "a.toml", "seeds = 0\n")
    for name in ("pretrain-vs-scratch", "pretrain_vs_scratch"):
        assert "--seeds 0" in refused("compare", name, "--sample", "--config", str(tmp_path / "a.toml"))


def test_a_runs_spec_is_given_again_and_typed_options_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    reviews(tmp_path / "rows")
    tiny.make("bert", tmp_path / "tiny")
    flags = "--data rows --model tiny --device cpu --max-steps 1 --seed 7 --limit 2 --layout padded --max-length 16"
    first = said(capsys, "finetune", "sst2", *flags.split(), "--json", "--quiet")
    spec = f"{first['folder']}/spec.json"
    written = Path(spec).read_bytes()
    for typed in ([spec], ["--config", spec]):
        again = said(capsys, "finetune", *typed, "--json", "--quiet")
        assert again["folder"] == first["folder"]
    other = said(capsys, "finetune", spec, "--seed", "42", "--epochs", "1", "--json", "--quiet")
    changed, base = read_spec(Path(other["folder"])), read_spec(Path(first["folder"]))
    assert (changed.seed, changed.recipe.epochs, changed.recipe.max_steps) == (42, 1.0, None)
    assert (changed.limit, changed.layout, changed.task) == (2, "padded", base.task)
    assert Path(spec).read_bytes() == written
    assert str(bertkit.finetune(spec).folder) == first["folder"]


def test_typed_options_replace_what_a_recipe_says_in_their_place() -> None:
    task = FEELINGS
    recipe = replace(task.recipe, max_steps=9, batch_tokens=500, threshold="auto")
    saved = replace(task, recipe=recipe, sample_recipe=recipe)
    for spec in (
        spec_of(saved, Flags(epochs=2, batch_size=8, threshold="0.3")),
        again(spec_of(saved, Flags()), Flags(epochs=2, batch_size=8, threshold="0.3")),
    ):
        assert (spec.recipe.epochs, spec.recipe.max_steps) == (2, None)
        assert (spec.recipe.batch_size, spec.recipe.batch_tokens) == (8, None)
        head: Any = spec.task.head
        assert (head.threshold, spec.recipe.threshold) == (0.3, None)


def test_a_spec_that_is_damaged_is_named(tmp_path: Path, refused: Refused) -> None:
    write(tmp_path / "r/spec.json", json.dumps({"task": 3}))
    assert refused("finetune", "r/spec.json").startswith("Error: r/spec.json is damaged: ")
    assert refused("eval", "glue", "--config", "r/spec.json").startswith("Error: --config r/spec.json: a run's spec is")
