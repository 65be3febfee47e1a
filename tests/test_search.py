"""`bertkit search`: trials on rows of train, the same ones after a stop, and dev scored by the best recipe alone."""

from __future__ import annotations

import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from files import write
from own_tasks import said, stopped

import bertkit
from bertkit.cli import main
from bertkit.data.splits import read_splits
from bertkit.errors import RequestError
from bertkit.runs.folder import read_log, read_spec
from bertkit.runs.selecting import Selecting
from bertkit.training.update import Updater

ROWS = [(f"{text} {k}", label) for k in range(8) for text, label in tiny.REVIEWS]
LINE = "--model tiny --device cpu --trials 6 --epochs-choices 1,2 --batch-sizes 4,8 --seeds 2 --seed 44"
OPTIONS = [*LINE.split(), "--lr-range", "1e-4,1e-1", "--quiet", "--json"]
SEARCH = ["search", "sst2", "--data", "rows", *OPTIONS]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 64 train rows, 8 dev rows and a tiny BERT, for SEARCH."""
    monkeypatch.chdir(tmp_path)
    tiny.write_reviews(tmp_path / "rows", ROWS, tiny.REVIEWS)
    tiny.make("bert", tmp_path / "tiny")
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Such a folder after SEARCH, and what that printed."""
    folder, out = tmp_path_factory.mktemp("finished"), io.StringIO()
    tiny.write_reviews(folder / "rows", ROWS, tiny.REVIEWS)
    tiny.make("bert", folder / "tiny")
    with chdir(folder), redirect_stdout(out), pytest.raises(SystemExit):
        main(SEARCH)
    return folder, json.loads(out.getvalue())


@pytest.fixture
def found(finished: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What SEARCH printed, in a copy of the folder that it was typed in."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return finished[1]


def outcome(found: Any) -> list[Any]:
    """What must be the same of two searches."""
    scores = [[one["value"] for one in run["evaluations"][0]["metrics"].values()] for run in found["runs"]]
    return [found["trials"], found["best"], found["expected best"], scores]


def trials_of(found: Any) -> list[Path]:
    return [Path(found["folder"], "trials", one["run"]) for one in found["trials"]]


def test_no_trial_reads_or_scores_dev(found: Any) -> None:
    assert len(found["trials"]) == 6 and found["rows"] == {"train": 58, "selection": 6, "train of the runs": 64}
    for folder in trials_of(found):
        result = json.loads((folder / "result.json").read_text("utf-8"))
        (dev,) = result["evaluations"]
        assert (dev["metrics"], dev["missing"]) == ({}, "not scored in a trial of a search")
        assert set(result["rows"]) == {"train", "selection"}
        assert {name for line in read_log(folder) for name in line.get("score", {})} == set()
        assert (folder / "predictions.jsonl").read_text("utf-8") == ""
        assert not (folder / "model").exists() and not (folder / "checkpoints").exists()
        splits = read_splits(read_spec(folder))
        assert splits.train and splits.selection
        assert (len(splits.train), len(splits.selection)) == (58, 6)
        assert not set(splits.train.table["text"]) & set(splits.selection.table["text"])


def test_other_dev_rows_change_no_trial(found: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    turned = [(text, "negative" if label == "positive" else "positive") for text, label in tiny.REVIEWS[:5]]
    tiny.write_reviews(tmp_path / "rows", ROWS, turned)
    again = said(capsys, *SEARCH, "--out", "others")
    assert again["trials"] == found["trials"] and again["best"] == found["best"]
    assert again["runs"][0]["rows"]["dev"] != found["runs"][0]["rows"]["dev"]


def test_a_trial_s_value_is_its_last_score_on_the_selection_rows(found: Any) -> None:
    for one, folder in zip(found["trials"], trials_of(found), strict=True):
        logged = [line["selection"]["accuracy"] for line in read_log(folder) if "selection" in line]
        assert logged == list(one["scores"].values()) and logged[-1] == one["value"]
        steps = [line["step"] for line in read_log(folder) if "loss" in line]
        updates = {4: 15, 8: 8}[one["choice"]["batch_size"]]  # of 58 rows
        assert (steps[-1] < updates * one["choice"]["epochs"]) == (one["state"] == "pruned")
    complete = [one["value"] for one in found["trials"] if one["state"] == "complete"]
    best = next(one for one in found["trials"] if one["number"] == found["best"])
    assert best["state"] == "complete" and best["value"] == max(complete)


@pytest.fixture
def by_rate(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], float]:
    """A trial's score is higher the higher its learning rate is, at each of its parts; the score of a rate."""

    def score(rate: float) -> float:
        return 1 + math.log10(rate) / 10

    monkeypatch.setattr(Selecting, "_score", lambda self, *given: score(self.spec.recipe.learning_rate))
    return score


def test_a_trial_below_the_median_of_the_complete_ones_ends_after_a_fifth_of_its_updates(
    empty: Path, capsys: pytest.CaptureFixture[str], by_rate: Callable[[float], float]
) -> None:
    found = said(capsys, *SEARCH, "--trials", "9", "--seeds", "1")
    complete: list[float] = []
    for one in found["trials"]:
        value = by_rate(one["choice"]["learning_rate"])
        assert one["value"] == value
        is_bad = len(complete) >= 3 and value < np.median(complete)
        assert (one["state"], len(one["scores"])) == (("pruned", 1) if is_bad else ("complete", 5))
        complete += [] if is_bad else [value]
    assert 0 < found["counts"]["pruned"] < 6
    assert found["trials"][found["best"] - 1]["value"] == max(complete)
    values = [one["value"] for one in found["trials"]]
    assert found["expected best"][0]["mean"] == pytest.approx(np.mean(values))  # pruned ones count too
    every = said(capsys, *SEARCH, "--trials", "9", "--seeds", "1", "--no-prune")
    assert every["counts"] == {"complete": 9, "pruned": 0, "failed": 0} and every["folder"] != found["folder"]


@pytest.mark.parametrize("updates", [0, 40, 95])
def test_a_stopped_search_ends_like_one_that_was_never_stopped(
    empty: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    by_rate: Callable[[float], float],
    updates: int,
) -> None:
    whole = said(capsys, *SEARCH, "--out", "whole")
    stopped([*SEARCH, "--save-every", "2"], updates, monkeypatch)
    capsys.readouterr()
    assert outcome(said(capsys, *SEARCH, "--save-every", "2")) == outcome(whole)


def test_the_best_recipe_s_runs_are_those_of_finetune_with_its_options(
    found: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ["--data", "rows", "--model", "tiny", "--device", "cpu", "--seeds", "2", "--seed", "44", "--quiet", "--json"]
    runs = said(capsys, "finetune", "sst2", *rest, *found["options"].split())
    assert [one["folder"] for one in runs] == [one["folder"] for one in found["runs"]]
    assert [one["seconds"] for one in runs] == [one["seconds"] for one in found["runs"]]  # nothing was trained again


def test_more_trials_continue_a_finished_search(found: Any, capsys: pytest.CaptureFixture[str]) -> None:
    few = said(capsys, *SEARCH, "--trials", "3", "--out", "fewer")
    assert few["trials"] == found["trials"][:3]
    assert outcome(said(capsys, *SEARCH, "--out", "fewer")) == outcome(found)
    assert outcome(said(capsys, *SEARCH, "--trials", "3")) == outcome(few)


def test_a_search_without_its_database_reads_the_trials_from_their_folders(
    found: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Path(found["folder"], "study.db")
    database.write_bytes(b"damaged")
    with pytest.raises(SystemExit) as left:
        main(SEARCH)
    printed = capsys.readouterr()
    assert (left.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert "study.db cannot be read or written" in printed.err and database.read_bytes() == b"damaged"
    database.unlink()
    monkeypatch.setattr(Updater, "backward", None)  # nothing is trained again
    assert outcome(said(capsys, *SEARCH)) == outcome(found)


def test_rows_that_changed_since_the_first_trial_are_refused(
    found: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny.write_reviews(tmp_path / "rows", ROWS[:-1], tiny.REVIEWS)
    with pytest.raises(SystemExit) as left:
        main([*SEARCH, "--trials", "7"])
    assert left.value.code == 2 and "the train rows changed since" in capsys.readouterr().err


def test_force_starts_the_search_over_and_keeps_the_old_folder(found: Any, capsys: pytest.CaptureFixture[str]) -> None:
    again = said(capsys, *SEARCH, "--trials", "2", "--force")
    assert again["trials"] == found["trials"][:2]
    assert len(json.loads(Path(found["folder"] + ".before", "search.json").read_text("utf-8"))["trials"]) == 6


def test_a_trial_that_diverges_is_counted_and_the_others_decide(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [*SEARCH, "--lr-range", "1e-5,1e35"]
    found = said(capsys, *line)
    counts = found["counts"]
    assert counts["failed"] and counts["complete"] and sum(counts.values()) == 6
    for one in found["trials"]:
        assert (one["value"] is None) == (one["state"] == "failed") == (one["why"] is not None)
    values = [one["value"] for one in found["trials"] if one["value"] is not None]
    filled = [*values, *[min(values)] * counts["failed"]]  # a failed trial counts as the lowest
    assert found["expected best"][0]["mean"] == pytest.approx(np.mean(filled))
    with pytest.raises(SystemExit):
        main([part for part in line if part not in ("--json", "--quiet")])
    assert f"{counts['failed']} failed" in capsys.readouterr().out


def test_a_search_in_which_every_trial_fails_says_why(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*SEARCH, "--lr-range", "1e33,1e35", "--trials", "2"])
    printed = capsys.readouterr()
    assert (left.value.code, printed.out, printed.err.count("\n")) == (1, "", 1)
    assert "none of the 2 trials gave a score; the first: update" in printed.err


def test_a_trial_is_continued_by_its_search_alone(found: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = trials_of(found)[0]
    (folder / "result.json").unlink()
    with pytest.raises(SystemExit) as left:
        main(["resume", str(folder)])
    assert left.value.code == 2 and "is a trial of a search" in capsys.readouterr().err


def test_rows_held_out_for_dev_are_neither_trained_on_nor_scored_by_a_trial(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{text.replace(',', '')},{label}" for text, label in ROWS]
    write(empty / "reviews.csv", "\n".join(["review,sentiment", *lines]))
    found = said(capsys, "search", "reviews.csv", *OPTIONS, "--trials", "2", "--seeds", "1")
    predicted = Path(found["runs"][0]["folder"], "predictions.jsonl").read_text("utf-8").splitlines()
    dev = {json.loads(line)["row_id"] for line in predicted}
    assert len(dev) == 13 and found["rows"] == {"train": 46, "selection": 5, "train of the runs": 51}
    for folder in trials_of(found):
        splits = read_splits(read_spec(folder))
        assert splits.train and splits.selection
        trained = {*splits.train.table["row_id"], *splits.selection.table["row_id"]}
        assert len(trained) == 51 and not trained & dev


def test_from_python_it_is_the_same_search(found: Any, capsys: pytest.CaptureFixture[str]) -> None:
    again = bertkit.search(
        "sst2", data="rows", model="tiny", device="cpu", seed=44, trials=6, epochs_choices="1,2",
        batch_sizes=[4, 8], lr_range=(1e-4, 1e-1), seeds=2,
    )  # fmt: skip
    assert (str(again.folder), again.best.number) == (found["folder"], found["best"])
    assert all(run.before for run in again.runs)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(RequestError, match="early_stopping: search has no such option"):
        bertkit.search("sst2", sample=True, early_stopping=2)
    with pytest.raises(RequestError, match=r"--lr-range 0\.1,0\.0001: the lower end comes first"):
        bertkit.search("sst2", sample=True, lr_range=(1e-1, 1e-4))


def test_what_is_printed_has_the_trials_the_expected_best_and_the_scores_in_80_columns(
    found: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([part for part in SEARCH if part != "--json"])
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if not line.startswith(("figure: ", "numbers: "))]
    assert max(map(len, lines)) <= 80
    assert "6 trials: " in lines[0] and "never on dev" in lines[1]
    assert f"6  {100 * found['expected best'][5]['mean']:18.1f}" in printed
    assert "as if trials were independent draws; from trial 6 on TPE chooses by earlier ones" in " ".join(
        printed.split()
    )
    after = printed.partition(f"best: {found['options']}; trained on 64 rows")[2]
    assert "EVALUATION" in after
    assert re.search(r"^dev(, all)? +accuracy +\d", after, re.M)  # "dev, all" is there where a seed failed
    folder = Path(found["folder"])
    names = {path.name for path in folder.iterdir()}
    assert names == {"study.db", "trials", "search.json", "expected.png", "expected.svg"}
    assert json.loads((folder / "search.json").read_text("utf-8"))["trials"] == found["trials"]


@pytest.mark.slow
def test_a_killed_search_ends_like_one_that_was_never_killed(found: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for trials in (1, 3):
        command = [sys.executable, "-m", "bertkit", *SEARCH, "--out", "killed", "--save-every", "1"]
        with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            while one.poll() is None and len(list(Path("killed").glob("search-*/trials/*/result.json"))) < trials:
                time.sleep(0.005)
            one.send_signal(signal.SIGKILL)
    assert outcome(said(capsys, *SEARCH, "--out", "killed")) == outcome(found)
