"""Scores that say little, at the door: one label, constant golds, constant answers, labels that train lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main, screen
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.result import Score, Scored

Finetune = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make("bert", tmp_path_factory.mktemp("encoders") / "tiny"))


@pytest.fixture
def finetune(tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]) -> Finetune:
    """Train for two updates; all that is printed, its lines joined, and the result."""

    def run(
        task: str, train: list[dict[str, Any]], dev: list[dict[str, Any]], *more: str
    ) -> tuple[str, dict[str, Any]]:
        for name, rows in (("train", train), ("dev", dev)):
            write(tmp_path / "data" / f"{name}.jsonl", json_lines(*rows))
        line = f"finetune {task} --data {tmp_path / 'data'} --model {encoder} --max-steps 2 --device cpu"
        with pytest.raises(SystemExit) as left:
            main([*line.split(), "--out", str(tmp_path / "runs"), *more])
        assert not left.value.code
        printed = capsys.readouterr()
        result = next((tmp_path / "runs").glob("*/result.json"))
        return " ".join((printed.out + printed.err).split()), json.loads(result.read_text("utf-8"))

    return run


def stances(*names: str) -> list[dict[str, Any]]:
    return [{"claim": "Cats sleep.", "perspective": f"They do {k}.", "stance": name} for k, name in enumerate(names)]


def pairs(*scores: float) -> list[dict[str, Any]]:
    return [
        {"sentence1": "A boat sails.", "sentence2": f"Boat {k} sails.", "label": score}
        for k, score in enumerate(scores)
    ]


def test_one_label_in_train_and_dev_is_said_without_a_flood_of_warnings(finetune: Finetune) -> None:
    printed, result = finetune("stance", stances(*["SUPPORT"] * 8), stances(*["SUPPORT"] * 6))
    assert "train: no row has the label UNDERMINE" in printed
    assert "no row has the label UNDERMINE" in result["rows"]["train"]["notes"]
    assert "dev: every gold is the same (SUPPORT): the score says little" in printed
    assert result["evaluations"][0]["details"]["only gold"] == "SUPPORT"
    assert "Warning" not in printed


def test_several_seeds_are_named(finetune: Finetune) -> None:
    printed, _ = finetune("stance", stances(*["SUPPORT"] * 8), stances(*["SUPPORT"] * 6), "--seeds", "2")
    for seed in (42, 43):
        assert f"seed {seed}, dev: every gold is the same (SUPPORT): the score says little" in printed


def test_no_label_is_said_to_lack_where_train_has_them_all(finetune: Finetune) -> None:
    printed, _ = finetune("stance", stances("SUPPORT", "UNDERMINE", "SUPPORT"), stances("SUPPORT", "UNDERMINE"))
    assert "no row has the label" not in printed
    assert "every gold" not in printed


def test_constant_golds_of_a_regression_are_said(finetune: Finetune) -> None:
    printed, result = finetune("stsb", pairs(1, 2, 3, 4), pairs(2.5, 2.5, 2.5))
    assert "dev: every gold is the same (2.5); Pearson, Spearman: not defined, shown as 0" in printed
    assert result["evaluations"][0]["details"]["only gold"] == 2.5
    assert result["evaluations"][0]["metrics"]["pearson"]["value"] == 0


def shown(capsys: pytest.CaptureFixture[str], task: str, metrics: dict[str, Score], **details: Any) -> list[str]:
    """The lines below the table of scores, joined to sentences."""
    scored = Scored(name="dev", split="dev", rows=80, metrics=metrics, details=details)
    screen.print_scores(spec_of(registry.find(task), Flags(sample=True)), (scored,))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    return " ".join(" ".join(lines[1 + len(metrics) :]).split()).split(" dev: ")


def score(value: float, low: float, high: float, interval: str = "Wilson") -> Score:
    return Score(value=value, low=low, high=high, interval=interval)


def test_constant_answers_of_a_regression_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    undefined = {name: score(0, 0, 0, "bootstrap") for name in ("pearson", "spearman")}
    assert shown(capsys, "stsb", undefined, constant=True, **{"only gold": None}) == [
        "intervals: bootstrap",
        "every answer is the same: the model learnt nothing; Pearson, Spearman: not defined, shown as 0",
    ]


def test_each_method_is_named_with_its_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"f1": score(0.8, 0.7, 0.9, "Jeffreys"), "accuracy": score(0.7, 0.6, 0.8)}
    assert shown(capsys, "mrpc", metrics)[0] == "intervals: Jeffreys (F1); Wilson (accuracy)"


LABEL_NAMES = "accuracy is below the commonest label's share: check the label names"


@pytest.mark.parametrize(
    ("high", "majority", "said"),
    [
        (0.49, 0.5, True),
        (0.51, 0.5, False),
        (0.19, 1.0, True),  # one label, and nearly every answer is the other
        (0.99, 1.0, False),  # one label, and one answer in a hundred is another
    ],
)
def test_an_interval_below_the_commonest_label_says_check_the_label_names(
    high: float, majority: float, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, "sst2", {"accuracy": score(high - 0.05, high - 0.1, high)}, majority=majority)
    assert (LABEL_NAMES in lines) is said
