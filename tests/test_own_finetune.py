"""`finetune FILE`: a user's own file trains, is scored, resumes, predicts and is evaluated like any task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import write

from bertkit.cli import main
from bertkit.runs.folder import read_spec

REVIEWS = [("a fine film", "good"), ("a dull film", "bad"), ("fine acting", "good"), ("dull acting", "bad")] * 3


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a tiny encoder, from a working folder that is empty."""
    monkeypatch.chdir(tmp_path)
    return str(tiny.make("bert", tmp_path / "tiny"))


def reviews(path: Path, label: str = "sentiment") -> None:
    lines = [f"review,{label}", *(f"{text} {i},{name}" for i, (text, name) in enumerate(REVIEWS))]
    write(path, "\n".join(lines) + "\n")


def said(capsys: pytest.CaptureFixture[str], *typed: str) -> Any:
    """What `bertkit TYPED` printed as JSON."""
    with pytest.raises(SystemExit) as leaving:
        main(list(typed))
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return json.loads(printed.out)


def test_a_folder_of_csv_files_trains_and_keeps_its_labels_names(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "validation", "test"):
        reviews(Path("mine") / f"{split}.csv")
    result = said(capsys, *f"finetune mine --model {model} --device cpu --epochs 2 --json".split())
    spec = read_spec(Path(result["folder"]))
    assert (spec.data, spec.task.name, spec.on_bad_row) == ("mine", "mine", "skip")
    assert [one["name"] for one in result["evaluations"]] == ["dev", "test"]
    assert list(result["evaluations"][0]["metrics"]) == ["accuracy", "f1"]
    config = json.loads((Path(result["folder"]) / "model" / "config.json").read_text())
    assert config["id2label"] == {"0": "bad", "1": "good"}
    assert spec.task.understood[1].startswith("columns: text review (by its name), label sentiment (by its name)")
    answer = said(capsys, "predict", result["folder"], "a fine film", "--json", "--quiet")
    assert set(answer["scores"]) == {"bad", "good"}


def test_a_trained_model_is_scored_on_another_file_by_the_names_of_its_labels(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "dev"):
        reviews(Path("mine") / f"{split}.csv")
    reviews(Path("new.csv"), "Label")
    run = said(capsys, *f"finetune mine --model {model} --device cpu --epochs 1 --json".split())["folder"]
    scores = said(capsys, "eval", "new.csv", "--model", run, "--json")
    (found,) = scores["evaluations"]
    assert (found["name"], found["rows"], list(found["metrics"])) == ("test", 12, ["accuracy", "f1"])
    write(
        Path("odd.csv"), "text,label\n" + "".join(f"a fine film {k},{'fine' if k % 2 else 'good'}\n" for k in range(9))
    )
    with pytest.raises(SystemExit) as leaving:
        main(["eval", "odd.csv", "--model", run])
    assert leaving.value.code == 2
    line = f"Error: odd.csv has label fine, which {run} does not have: its labels are bad, good\n"
    assert capsys.readouterr().err == line


def test_files_are_given_by_options_from_folders_of_their_own(
    model: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    reviews(tmp_path / "a" / "x.csv")
    reviews(tmp_path / "b" / "y.csv")
    typed = f"finetune --train-file a/x.csv --validation-file b/y.csv --model {model} --device cpu --max-steps 1 --json"
    result = said(capsys, *typed.split())
    spec = read_spec(Path(result["folder"]))
    assert (spec.data, spec.task.name, dict(spec.task.source.files)) == (
        ".",
        "x",
        {"train": ("a/x.csv",), "dev": ("b/y.csv",)},
    )


def test_a_file_is_compared_pretrained_against_scratch_and_shown_like_a_task(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reviews(Path("mine.csv"))
    reviews(Path("other.csv"), label="stars")
    told = f"--model {model} --device cpu --max-steps 2 --seeds 2 --dev-share 0.5 --json"
    found = said(capsys, *f"compare pretrain-vs-scratch --tasks mine.csv,other.csv {told}".split())
    assert [one["task"] for one in found["tasks"]] == ["mine", "other"]
    specs = [read_spec(Path(run["folder"])) for arm in found["tasks"][0]["arms"] for run in arm["runs"]]
    assert {spec.task.source.files["train"] for spec in specs} == {("mine.csv",)}
    (task,) = said(capsys, "tasks", "mine.csv", "--json")
    assert task["head"]["labels"] == ["bad", "good"]
    with pytest.raises(SystemExit):
        main(["tasks", "mine.csv"])
    assert "label sentiment (by its name)" in capsys.readouterr().out


def test_a_folder_with_a_tasks_name_is_named_by_a_path(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    reviews(Path("sst2") / "train.csv")
    named, path = "sst2 --sample --limit 8", "./sst2 --dev-share 0.5"
    for typed, is_named in ((named, True), (path, False)):
        with pytest.raises(SystemExit) as leaving:
            main(f"finetune {typed} --model {model} --device cpu --max-steps 1".split())
        assert leaving.value.code == 0
        note = "sst2 is taken for bertkit's task; ./sst2 names the path"
        assert (note in capsys.readouterr().err) == is_named


def test_a_limit_says_that_the_scores_are_not_of_all_rows(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    reviews(Path("mine.csv"))
    with pytest.raises(SystemExit) as leaving:
        main(f"finetune mine.csv --model {model} --device cpu --max-steps 1 --limit 2 --quiet".split())
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    assert "not all rows: train: the first 2 of 10 rows" in printed.out
    assert "benchmark" not in printed.out
