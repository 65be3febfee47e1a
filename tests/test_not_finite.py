"""Logits that are not finite end in one line and exit code 1; JSON never holds NaN, and brackets are no markup."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_cli import FINETUNE, Say, encoder, runs, say

from bertkit.cli import screen
from bertkit.files import write_json, write_lines
from bertkit.heads.features import Features, Ragged
from bertkit.runs.folder import Log, read_log

__all__ = ["encoder", "runs", "say"]


@pytest.fixture
def damaged(say: Say, tmp_path: Path) -> Path:
    """A finished run whose head was overwritten with NaN."""
    code, out, _ = say(f"{FINETUNE} --json")
    assert code == 0
    folder = tmp_path / "run"
    for path in Path(json.loads(out)["folder"]).rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(json.loads(out)["folder"])
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    weights = load_file(folder / "model" / "model.safetensors")
    weights["classifier.bias"] = torch.full_like(weights["classifier.bias"], math.nan)
    save_file(weights, folder / "model" / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("line", ["eval RUN", "eval RUN --json", "predict RUN fine", "predict RUN fine --json"])
def test_a_model_that_answers_nan_is_one_line(say: Say, damaged: Path, line: str) -> None:
    code, out, err = say(f"{line.replace('RUN', str(damaged))} --quiet")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("Error: ")
    assert "the model's logits are not finite" in err
    assert ("evaluation dev" in err) == line.startswith("eval")


def test_the_first_row_is_named(say: Say, damaged: Path) -> None:
    assert "for 1 of 1 rows (first: row 1)" in say(f"predict {damaged} fine --quiet")[2]


def test_finetune_whose_model_answers_nan_is_one_line(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def predict(model: object, features: Features, progress: object) -> Ragged:
        runs = [np.array([[0.0, math.inf if i == 2 else 1.0]]) for i in range(len(features))]
        return Ragged.of(runs, "float32", width=2)

    monkeypatch.setattr("bertkit.runs.scoring.predict", predict)
    code, out, err = say(f"{FINETUNE} --seed 7 --quiet")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "not finite for 1 of " in err
    assert "of evaluation dev (first: row " in err


def test_json_never_holds_nan(tmp_path: Path) -> None:
    for write in (
        lambda: write_json(tmp_path / "a.json", {"x": math.nan}),
        lambda: write_lines(tmp_path / "a.jsonl", [{"x": math.inf}]),
        lambda: screen.print_json({"x": math.nan}),
    ):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write()


def test_a_loss_that_is_not_finite_is_null_in_the_log(tmp_path: Path) -> None:
    with Log(tmp_path / "log.jsonl", True) as log:
        log.write({"step": 1, "loss": math.nan, "gradient_norm": 0.5})
    assert "NaN" not in (tmp_path / "log.jsonl").read_text("utf-8")
    assert read_log(tmp_path) == [{"step": 1, "loss": None, "gradient_norm": 0.5}]


@pytest.mark.parametrize("text", ["[nan, nan]", "runs [bold]/a", ":smile: [/x]"])
def test_what_stands_in_brackets_is_printed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table("score")
    table.add_row(text)
    for one in (text, table):
        screen.console().print(one)
        screen.stderr().print(one)
    shown = capsys.readouterr()
    assert (shown.out.count(text), shown.err.count(text)) == (2, 2)
