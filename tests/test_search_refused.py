"""Searches that cannot be: one line says why, and nothing is written."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused, reviews
from files import json_lines, write

from bertkit import registry
from bertkit.errors import RequestError
from bertkit.request.flags import Flags
from bertkit.request.search_flags import SearchFlags
from bertkit.request.search_space import Space, chosen, flags_of
from bertkit.request.specs import spec_of
from bertkit.task import Recipe

__all__ = ["refused"]


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ("--trials 0", "--trials 0: it must be at least 1"),
        ("--seeds 0", "--seeds 0: it must be at least 1"),
        ("--lr-range 1e-3,1e-5", "--lr-range 1e-3,1e-5: the lower end comes first: 1e-05,0.001"),
        ("--lr-range 1e-3,1e-3", "--lr-range 1e-3,1e-3: the range is empty; --lr 0.001 keeps it fixed"),
        ("--lr-range 1e-3", "--lr-range 1e-3: it must be two numbers, such as 1e-5,1e-3"),
        ("--lr-range 1e-5,1e-4,1e-3", "--lr-range 1e-5,1e-4,1e-3: it must be two numbers"),
        ("--lr-range low,high", "--lr-range low,high: it must be numbers separated by commas, such as 1e-5,1e-3"),
        ("--lr-range 0,1e-3", "--lr-range 0,1e-3: it must be a number above 0"),
        ("--lr-range 1e-5,inf", "--lr-range 1e-5,inf: each must be a finite number"),
        ("--lr-range nan,1", "--lr-range nan,1: each must be a finite number"),
        ("--epochs-choices ,", "--epochs-choices ,: it must be numbers separated by commas, such as 2,3,4"),
        ("--epochs-choices 1,0", "--epochs-choices 1,0: it must be a number above 0"),
        ("--epochs-choices 2,2", "--epochs-choices 2,2: 2 is given twice"),
        ("--batch-sizes 8.5", "--batch-sizes 8.5: 8.5 is no whole number of rows"),
        ("--batch-sizes 0,8", "--batch-sizes 0,8: it must be at least 1"),
        ("--warmups 0,1", "--warmups 0,1: it is a share of all updates"),
        ("--lr 1e-4 --lr-range 1e-5,1e-3", "--lr-range and --lr: give one of them"),
        ("--max-steps 5 --epochs-choices 1,2", "--epochs-choices and --epochs or --max-steps: give one of them"),
        ("--batch-size 8 --batch-sizes 8,16", "--batch-sizes and another option for the batch: give one of them"),
        ("--lr 1e-4 --epochs 1 --batch-size 8", "bertkit search: everything is given as one value"),
        ("--lr 1e-4 --epochs 1 --batch-sizes 8", "bertkit search: everything is given as one value"),
        ("--eval-every 5", "No such option: --eval-every"),
        ("--select best", "No such option: --select"),
        ("--early-stopping 2", "No such option: --early-stopping"),
    ],
)
def test_a_search_that_cannot_be_is_refused(refused: Refused, flags: str, line: str) -> None:
    assert refused("search", "sst2", "--sample", *flags.split()).startswith(f"Error: {line}")


def test_a_train_split_of_which_no_row_can_be_held_out_is_refused(refused: Refused, tmp_path: Path) -> None:
    folder = reviews(tmp_path / "rows")
    write(tmp_path / "rows" / "train.jsonl", json_lines({"sentence": "Fine.", "label": 1}))
    said = refused("search", "sst2", "--data", folder, "--model", "sample")
    assert "10% of 1 row leaves none on one side: nothing can be selected on them" in said


def test_a_search_under_a_launcher_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "bertkit search runs in one process" in refused("search", "sst2", "--sample")


def test_without_optuna_the_line_says_how_to_install_it(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = importlib.util.find_spec
    monkeypatch.setattr(
        "bertkit.request.search_flags.find_spec", lambda name: None if name == "optuna" else plain(name)
    )
    said = refused("search", "sst2", "--sample")
    assert said == "Error: bertkit search needs optuna, which is not installed: pip install 'bertkit[search]'\n"


def space(searched: dict[str, Any] | None = None, **flags: Any) -> Space:
    given = Flags(**flags)
    return SearchFlags(**(searched or {})).space(given, spec_of(registry.find("sst2"), given))


def test_the_default_space_is_around_the_task_s_recipe() -> None:
    recipe = registry.find("sst2").recipe
    assert (recipe.learning_rate, recipe.epochs, recipe.batch_size) == (3e-5, 3, 32)
    wanted = Space(learning_rate=(6e-6, 1.5e-4), epochs=(2.0, 3.0, 4.0), batch_size=(16, 32))
    assert space() == wanted
    assert space({"warmups": "0,0.1"}).warmup == (0.0, 0.1)


def test_what_is_typed_as_one_value_is_not_searched() -> None:
    assert space(learning_rate=1e-4).searched == ("epochs", "batch_size")
    assert space(epochs=1.0, batch_size=8).searched == ("learning_rate",)
    assert space(max_steps=5, batch_tokens=400).searched == ("learning_rate",)


def test_a_recipe_that_selects_in_training_is_refused() -> None:
    with pytest.raises(RequestError, match="no early stopping and no --select best"):
        space(early_stopping=2, eval_every=5)


def test_a_choice_takes_the_place_of_what_says_the_same() -> None:
    recipe = chosen(Recipe(max_steps=5, batch_tokens=400), {"epochs": 2.0, "batch_size": 16, "learning_rate": 3e-5})
    assert recipe == Recipe(epochs=2.0, batch_size=16, learning_rate=3e-5)
    assert flags_of({"learning_rate": 3e-5, "epochs": 2.0, "batch_size": 16}) == "--lr 3e-05 --epochs 2 --batch-size 16"
