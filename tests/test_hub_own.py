"""A dataset of the Hub in a task's place, hub:OWNER/NAME, against a small Hub on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from datasets import ClassLabel, Dataset, Features, Value
from fakehub import FakeHub
from test_hub import environment

TEXTS = [f"{text}, said number {k}" for k in range(12) for text in ("A good film", "A dull film")]


def _write(folder: Path, splits: dict[str, list[int]]) -> None:
    folder.mkdir(parents=True)
    features = Features(review=Value("string"), stars=ClassLabel(names=["dull", "good"]))
    for name, labels in splits.items():
        table = Dataset.from_dict({"review": TEXTS[: len(labels)], "stars": labels}, features=features)
        table.to_parquet(folder / f"{name}-00000-of-00001.parquet")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    """A Hub with a dataset of three splits, one with splits of other names, and one with two subsets."""
    root = tmp_path_factory.mktemp("hub")
    _write(root / "datasets/org/reviews", {"train": [1, 0] * 12, "validation": [1, 0] * 6, "test": [-1] * 4})
    _write(root / "datasets/org/odd/data", {"fit": [1, 0] * 12, "check": [1, 0] * 6})
    files = "".join(f"  - split: {name}\n    path: data/{name}-*\n" for name in ("fit", "check"))
    (root / "datasets/org/odd/README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    )
    for subset in ("de", "en"):
        _write(root / "datasets/org/two" / subset, {"train": [1, 0] * 12})
    configs = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train-*\n" for name in ("de", "en")
    )
    (root / "datasets/org/two/README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    with FakeHub(root) as hub:
        yield hub


def bertkit(hub: FakeHub, folder: Path, *typed: str) -> subprocess.CompletedProcess[str]:
    """`bertkit TYPED` with an empty cache of its own, in this folder."""
    command = [sys.executable, "-m", "bertkit", *typed]
    env = environment(hub.url, folder / "home")
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


def said(hub: FakeHub, folder: Path, *typed: str) -> Any:
    done = bertkit(hub, folder, *typed, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_dataset_is_understood_as_a_file_is_and_saved_as_one(hub: FakeHub, tmp_path: Path) -> None:
    found = said(hub, tmp_path, "check", "hub:org/reviews", "--save", "mine.toml")
    assert (found["head"], found["labels"], found["task"]) == ("classification", ["dull", "good"], "reviews")
    assert found["columns"] == {"text": "review", "label": "stars"}
    assert [(one["split"], one["rows"]) for one in found["splits"]] == [("train", 24), ("dev", 12), ("test", 4)]
    assert found["understood"][0].startswith("rows: train org/reviews train (24 rows), dev org/reviews validation (12")
    assert said(hub, tmp_path, "check", "mine.toml") == found


def test_a_dataset_trains_at_a_commit_that_is_kept_and_a_model_is_scored_on_it(hub: FakeHub, tmp_path: Path) -> None:
    model = str(tiny.make("bert", tmp_path / "tiny"))
    flags = ["--split-names", "train=fit,validation=check", "--device", "cpu", "--quiet"]
    done = said(hub, tmp_path, "finetune", "hub:org/odd", "--model", model, "--max-steps", "1", *flags)
    spec = json.loads((tmp_path / done["folder"] / "spec.json").read_text("utf-8"))
    assert spec["commits"]["datasets"] == {"org/odd": hub.commit("datasets", "org/odd")}
    assert spec["task"]["source"]["hub"]["splits"] == {"train": "fit", "dev": "check"}
    config = json.loads((tmp_path / done["folder"] / "model/config.json").read_text("utf-8"))
    assert config["id2label"] == {"0": "dull", "1": "good"}
    trained = str(tmp_path / done["folder"] / "model")
    scored = said(hub, tmp_path, "eval", "hub:org/odd", "--model", trained, *flags)
    assert scored["evaluations"][0]["metrics"] == done["evaluations"][0]["metrics"]


def test_a_subset_is_named_and_its_dev_rows_are_held_out(hub: FakeHub, tmp_path: Path) -> None:
    found = said(hub, tmp_path, "check", "hub:org/two", "--subset", "de")
    assert [(one["split"], one["rows"]) for one in found["splits"]] == [("train", 19), ("dev", 5)]
    assert found["task"] == "two-de"


WRONG = {
    "hub:org/none": "the Hub has no dataset 'org/none'; if it is private, log in with `hf auth login`",
    "hub:org/two": "dataset 'org/two' has several subsets: de, en; say which with --subset",
    "hub:org/two --subset fr": "dataset 'org/two' (fr) has no such config on the Hub; it has de, en",
    "hub:org/odd": "dataset 'org/odd' has no train split, but fit, check: say which with --split-names train=NAME",
    "hub:org/odd --split-names train=fitt": "--split-names: dataset 'org/odd' has no split 'fitt'; did you mean fit?",
    "hub:org/odd --split-names trian=fit": "--split-names trian=fit: it is like train=NAME,dev=NAME,test=NAME; did "
    "you mean train?",
    "hub:org/reviews --label-column star": "--label-column star: org/reviews train has no such column; did you mean "
    "stars?",
    "hub:org/reviews --dev-file a.csv": "--dev-file: hub:org/reviews is on the Hub; these are for files of your own",
    "hub:org/reviews --data a": "--data a: reviews is on the Hub, which says where its rows are",
    "hub:a/b/c": "hub:a/b/c: a dataset of the Hub is called hub:OWNER/NAME",
    "sst2 --subset de": "--subset: sst2 has its own columns and files; these are for your own",
}


@pytest.mark.parametrize("typed", WRONG)
def test_what_a_dataset_does_not_have_is_one_line(hub: FakeHub, tmp_path: Path, typed: str) -> None:
    done = bertkit(hub, tmp_path, "finetune", *typed.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {WRONG[typed]}\n")
    assert not (tmp_path / "runs").exists()
