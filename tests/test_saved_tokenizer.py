"""What a run saves is read as it is: by transformers, by `tokenizers` alone, and by bertkit from the run's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
import transformers
from door import Refused, refused, unfinished  # noqa: F401  # the fixture
from tokenizers import Tokenizer

from bertkit.cli import main

TASKS = ["sst2", "stsb", "ud_en_ewt", "squad"]
LONG = "It was a long and dull film about nothing. " * 12


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs of each head, whose windows are shorter than some rows, by their tasks' names."""
    root = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", root / "tiny")
    for task in TASKS:
        flags = ["--sample", "--limit", "40", "--max-steps", "1", "--max-length", "16", "--device", "cpu", "--quiet"]
        flags += ["--doc-stride", "4", "--max-length", "96"] if task == "squad" else []
        with pytest.raises(SystemExit) as left:
            main(["finetune", task, "--model", str(body), *flags, "--out", str(root / task)])
        assert left.value.code == 0
        next((root / task).iterdir()).rename(root / f"{task}-run")
    return root


@pytest.mark.parametrize("task", TASKS)
def test_a_saved_tokenizer_neither_cuts_nor_pads(runs: Path, task: str) -> None:
    model = runs / f"{task}-run" / "model"
    plain = json.loads((model / "tokenizer.json").read_text("utf-8"))
    assert (plain["truncation"], plain["padding"]) == (None, None)
    alone = Tokenizer.from_file(str(model / "tokenizer.json"))
    theirs = transformers.AutoTokenizer.from_pretrained(model)
    short, long = (encoding.ids for encoding in alone.encode_batch(["Dull.", LONG]))
    assert len(short) < 10 < 100 < len(long)
    assert theirs(["Dull.", LONG])["input_ids"] == [short, long]


@pytest.mark.parametrize(("task", "kind"), [("sst2", "text-classification"), ("ud_en_ewt", "token-classification")])
def test_a_pipeline_answers_with_the_saved_model_and_its_labels(runs: Path, task: str, kind: Any) -> None:
    answers = transformers.pipeline(kind, model=str(runs / f"{task}-run" / "model"), device="cpu")("A dull film.")
    names = {str(answer.get("label", answer.get("entity"))) for answer in answers}
    assert names <= {"negative", "positive"} if task == "sst2" else all(name.isupper() for name in names)
    assert names


@pytest.mark.parametrize("kept", [(), ("--keep-head",)])
def test_a_runs_folder_is_a_model_to_finetune(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: tuple[str, ...]
) -> None:
    flags = ["finetune", "sst2", "--sample", "--limit", "8", "--max-steps", "1", "--device", "cpu", "--json"]
    found = []
    for model in (runs / "sst2-run", runs / "sst2-run" / "model"):
        with pytest.raises(SystemExit) as left:
            main([*flags, "--model", str(model), "--out", str(tmp_path), *kept])
        printed = capsys.readouterr()
        assert left.value.code == 0, printed.err
        found.append(json.loads(printed.out))
    assert found[0]["evaluations"] == found[1]["evaluations"]
    assert found[0]["encoder"]["weights"] == found[1]["encoder"]["weights"]
    assert found[0]["encoder"]["head"] == ("kept" if kept else "fresh")


def test_a_runs_folder_is_a_model_to_evaluate(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for typed in (f"eval {runs}/sst2-run", f"eval sst2 --sample --limit 40 --max-length 16 --model {runs}/sst2-run"):
        with pytest.raises(SystemExit):
            main([*typed.split(), "--json", "--quiet"])
        printed.append(json.loads(capsys.readouterr().out)["evaluations"])
    # a checkpoint does not say which rows it was trained on
    assert [{**one, "leaked": None, "floors": []} for one in printed[0]] == printed[1]


@pytest.mark.parametrize("command", ["finetune", "eval"])
def test_a_run_that_is_not_finished_is_no_model(refused: Refused, tmp_path: Path, command: str) -> None:  # noqa: F811
    run = unfinished(tmp_path / "run")
    said = refused(command, "sst2", "--sample", "--model", run)
    assert said == f"Error: {run}: this run is not finished, so it has no model yet: `bertkit resume {run}`\n"


def test_a_finished_run_whose_model_was_removed_is_refused(
    refused: Refused,  # noqa: F811
    runs: Path,
    tmp_path: Path,
) -> None:
    run = shutil.copytree(runs / "stsb-run", tmp_path / "run")
    shutil.rmtree(run / "model")
    said = refused("finetune", "stsb", "--sample", "--model", str(run))
    assert said == f"Error: {run}/model is not a model's folder: it has no config.json\n"
