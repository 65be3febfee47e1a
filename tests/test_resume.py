"""Runs that are killed, stopped, starved or damaged: they resume to the same bytes, or say why not in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from door import Refused, refused
from test_train import DRY, bytes_of
from victim import HEADS, OWN

from bertkit import registry
from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.heads import Window
from bertkit.machine.memory import Guard
from bertkit.progress import Progress
from bertkit.runs import prepare
from bertkit.runs import run as runs
from bertkit.runs.failures import resume_hint
from bertkit.runs.folder import read_log, start_id
from bertkit.runs.lock import one_writer
from bertkit.runs.run import run
from bertkit.spec import RunOptions, Spec
from bertkit.task import Recipe
from bertkit.training import checkpoint
from bertkit.training.update import Update, Updater

__all__ = ["refused"]

KILLS = int(os.environ.get("BERTKIT_KILLS", "5"))
"""Killed runs of each head."""
FEW = 4
"""Of each head that no sample has."""

RECIPE = Recipe(max_steps=6, batch_size=4, learning_rate=1e-3, warmup=0.0, window=Window(max_length=64))


KEPT = RunOptions(save_every=2)


class Told(Progress):
    """Remembers notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class CrashError(Exception):
    """The power went."""


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT without dropout."""
    return tiny.make("bert", tmp_path_factory.mktemp("resume") / "dry", **DRY)


@pytest.fixture
def spec(dry: Path, tmp_path: Path) -> Spec:
    data = tiny.write_reviews(tmp_path / "data", tiny.REVIEWS * 2, tiny.REVIEWS[:5])
    return Spec(
        task=registry.find("sst2"), model=str(dry), data=str(data), recipe=RECIPE, device="cpu", precision="fp32"
    )


def crash(spec: Spec, out: Path, monkeypatch: pytest.MonkeyPatch, after: int = 4, means: RunOptions = KEPT) -> Path:
    """A run that crashed after so many updates, with a checkpoint every second one; its folder."""
    plain, left = Updater.backward, [after]

    def learn(self: Updater, *given: Any, **named: Any) -> Update:
        left[0] -= 1
        if left[0] < 0:
            raise CrashError
        return plain(self, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Updater, "backward", learn)
        with pytest.raises(CrashError):
            run(spec, replace(means, out=out))
    return out / runs.resolved(spec).folder_name


@pytest.mark.parametrize("kind", [*HEADS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in OWN)])
def test_runs_that_are_killed_stopped_or_out_of_memory_resume_to_the_same_bytes(kind: str) -> None:
    kills, others = (FEW, 1) if kind in OWN else (KILLS, 2)
    asked = ["--heads", kind, "--kills", str(kills), "--signals", str(others), "--faults", str(others), "--seed", "3"]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("torture.py")), *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["lost"] == []
    count = report["counts"][kind]
    assert count["runs"] == count["survived"] == count["identical"] == kills + 2 * others
    assert count["ended by a signal"] >= kills / 2
    never = {f"in: {one}" for one in ("update", "save", "evaluation", "final write")} - count.keys()
    assert not never, "moments that no longer come"
    assert count["bertkit resume"] and count["the same command again"]


def test_a_checkpoint_is_resumed_from_and_removed_when_the_run_is_done(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = crash(spec, tmp_path / "runs", monkeypatch, after=5)
    progress = Told()
    finished = run(spec, RunOptions(out=tmp_path / "runs"), progress)
    assert "resuming after update 4" in progress.notes
    assert bytes_of(folder) == bytes_of(run(spec, RunOptions(out=tmp_path / "never")).folder)
    assert [line["step"] for line in read_log(folder) if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert finished.result.training.steps == 6 and finished.result.training.examples == 24
    assert not (folder / checkpoint.CHECKPOINTS).exists()


def test_the_best_model_in_training_is_saved_with_its_score_and_the_same_after_a_stop(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(spec, eval_every=1, recipe=replace(RECIPE, learning_rate=5e-3))
    means = RunOptions(save_every=2, keep_best=True)
    folder = run(spec, replace(means, out=tmp_path / "never")).folder
    scores = {line["step"]: line["score"]["dev"]["accuracy"] for line in read_log(folder) if "score" in line}
    best = min(step for step, score in scores.items() if score == max(scores.values()))
    told = json.loads((folder / "best" / "score.json").read_text("utf-8"))
    assert told == {"step": best, "evaluation": "dev", "metric": "accuracy", "value": scores[best], "optimistic": True}
    assert (folder / "best" / "config.json").read_text("utf-8") == (folder / "model" / "config.json").read_text("utf-8")
    crash(spec, tmp_path / "runs", monkeypatch, after=5, means=means)
    again = run(spec, replace(means, out=tmp_path / "runs")).folder
    for name in ("model.safetensors", "score.json"):
        assert (again / "best" / name).read_bytes() == (folder / "best" / name).read_bytes()


def test_the_best_is_asked_for_with_scorings_to_choose_from(refused: Refused) -> None:
    assert "--keep-best needs --eval-every" in refused("finetune", "sst2", "--sample", "--keep-best")


def test_force_starts_over_and_backs_up_the_old_folder(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    before = {path.name for path in (folder / checkpoint.CHECKPOINTS).iterdir()}
    progress = Told()
    run(spec, RunOptions(out=tmp_path / "runs", force=True), progress)
    aside = folder.with_name(f"{folder.name}.before")
    assert {path.name for path in (aside / checkpoint.CHECKPOINTS).iterdir()} == before
    assert f"the old folder was renamed to {aside}" in progress.notes
    run(spec, RunOptions(out=tmp_path / "runs", force=True))
    assert folder.with_name(f"{folder.name}.before-2").is_dir()


def change_rows(spec: Spec, folder: Path) -> str:
    path = Path(spec.data) / "train.jsonl"
    path.write_text(path.read_text("utf-8").replace("polite", "police", 1), "utf-8")
    return "the rows of train changed"


def change_spec(spec: Spec, folder: Path) -> str:
    path = next(folder.glob("checkpoints/*")) / checkpoint.FACTS
    facts = json.loads(path.read_text("utf-8"))
    facts["made of"]["the spec"] = "00000000"
    return _rewritten(path, facts, "the spec changed")


def change_version(spec: Spec, folder: Path) -> str:
    path = next(folder.glob("checkpoints/*")) / checkpoint.FACTS
    facts = json.loads(path.read_text("utf-8"))
    facts["made of"]["torch"] = "1.13.0"
    return _rewritten(path, facts, f"torch changed from 1.13.0 to {torch.__version__}")


def _rewritten(path: Path, facts: dict[str, Any], said: str) -> str:
    """The facts in place of the old, with a manifest that agrees."""
    state = checkpoint.read(path.parent)
    checkpoint.write(path.parent.parent.parent, replace(state, facts=facts))
    return said


@pytest.mark.parametrize("change", [change_rows, change_spec, change_version])
def test_a_run_whose_rows_spec_or_libraries_changed_is_not_resumed(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Spec, Path], str]
) -> None:
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    said = change(spec, folder)
    with pytest.raises(RequestError) as refused:
        run(spec, RunOptions(out=tmp_path / "runs"))
    assert str(refused.value) == (
        f"{folder} cannot be resumed: {said}; `bertkit finetune` with --force starts over, and renames the old folder"
    )
    assert list((folder / checkpoint.CHECKPOINTS).iterdir())


def test_nor_without_rows_that_it_was_scored_on(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    path = next(folder.glob("checkpoints/*")) / checkpoint.FACTS
    facts = json.loads(path.read_text("utf-8"))
    facts["made of"]["the rows of another dev set"] = "0 5"
    _rewritten(path, facts, "")
    with pytest.raises(RequestError, match="cannot be resumed: the rows of another dev set changed"):
        run(spec, RunOptions(out=tmp_path / "runs"))


def test_nor_with_another_config(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tiny.make("bert", tmp_path / "own", **DRY)
    spec = replace(spec, model=str(own))
    crash(spec, tmp_path / "runs", monkeypatch)
    config = json.loads((own / "config.json").read_text("utf-8"))
    (own / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-5}), "utf-8")
    with pytest.raises(RequestError, match="the encoder's config changed"):
        run(spec, RunOptions(out=tmp_path / "runs"))


def test_nor_with_another_encoder(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = tiny.make("bert", tmp_path / "own", **DRY)
    spec = replace(spec, model=str(own))
    crash(spec, tmp_path / "runs", monkeypatch)
    tiny.make("bert", own, **{**DRY, "initializer_range": 0.2})
    with pytest.raises(RequestError, match="the encoder's weights changed"):
        run(spec, RunOptions(out=tmp_path / "runs"))


def test_a_second_writer_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    code = "from pathlib import Path\nfrom bertkit.runs.lock import one_writer\n"
    code += f"with one_writer(Path({str(folder)!r})): pass"
    with one_writer(folder):
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"RequestError: {folder} is being written by process {os.getpid()} on " in second.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_lock_that_a_dead_process_left_does_not_block(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    code = (
        "import os\nfrom pathlib import Path\nfrom bertkit.runs.lock import one_writer\n"
        f"with one_writer(Path({str(folder)!r})): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert list(folder.parent.iterdir()) == [folder.with_name(".one.lock")]
    with one_writer(folder):
        pass
    assert not folder.parent.exists() or not list(folder.parent.iterdir())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--max-memory", "lots"], "--max-memory lots: it must be a size, such as 4GB or 500MiB"),
        (["--max-memory", "0"], "--max-memory 0: it must be a size, such as 4GB or 500MiB"),
        (["--save-every", "0"], "--save-every 0: it must be at least 1"),
    ],
)
def test_wrong_means_are_refused(refused: Refused, typed: list[str], said: str) -> None:
    assert said in refused("finetune", "sst2", "--sample", *typed)


def test_what_is_no_run_cannot_be_resumed(refused: Refused, tmp_path: Path) -> None:
    assert "is not a run's folder" in refused("resume", str(tmp_path / "nowhere"))


def test_a_launcher_of_another_number_of_processes_is_refused(
    refused: Refused, spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = crash(spec, tmp_path / "begun", monkeypatch)
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert f"{folder} is of --processes 1; the launcher started 2" in refused("resume", str(folder))


def test_a_run_is_resumed_from_within_its_folder(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as left:
        main(["resume", ".", "--quiet"])
    assert not left.value.code
    assert bytes_of(folder) == bytes_of(run(spec, RunOptions(out=tmp_path / "never")).folder)


def test_relative_paths_count_from_where_the_run_was_started(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = bytes_of(run(spec, RunOptions(out=tmp_path / "never")).folder)
    monkeypatch.chdir(tmp_path)
    model = Path(shutil.copytree(spec.model, tmp_path / "tiny"))
    (tmp_path / "elsewhere").mkdir()
    folder = crash(replace(spec, data="data", model=model.name), Path("runs"), monkeypatch).resolve()
    monkeypatch.chdir("elsewhere")
    for typed in (["resume", f"../runs/{folder.name}"], ["eval", f"../runs/{folder.name}"]):
        with pytest.raises(SystemExit) as left:
            main([*typed, "--quiet"])
        assert not left.value.code
    assert Path.cwd() == tmp_path / "elsewhere" and not list(Path.cwd().iterdir())
    assert bytes_of(folder) == never


def test_a_run_resumes_under_a_launcher_of_one_process_to_the_same_bytes(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1", "-m", "bertkit"]
    done = subprocess.run([*launcher, "resume", str(folder), "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bytes_of(folder) == bytes_of(run(spec, RunOptions(out=tmp_path / "never")).folder)


def test_max_memory_need_not_be_said_again(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(spec, tmp_path / "runs", monkeypatch, means=replace(KEPT, max_memory=10**12))
    bounds: list[int | None] = []
    monkeypatch.setattr(prepare, "Guard", lambda most: bounds.append(most) or Guard(most))
    run(spec, RunOptions(out=tmp_path / "runs"))
    assert bounds == [10**12]


def test_keep_best_need_not_be_said_again(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(spec, eval_every=2)
    means = replace(KEPT, keep_best=True)
    folder = crash(spec, tmp_path / "runs", monkeypatch, after=3, means=means)
    run(spec, RunOptions(out=tmp_path / "runs"))
    never = run(spec, replace(means, out=tmp_path / "never")).folder
    kept = [(one / "best" / "score.json").read_bytes() for one in (folder, never)]
    assert kept[0] == kept[1]
    assert (folder / "best" / "model.safetensors").read_bytes() == (never / "best" / "model.safetensors").read_bytes()
    assert not (folder / "best.new").exists()


def test_a_best_model_is_kept_again_where_a_run_stopped_before_its_first_checkpoint(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, means = replace(spec, eval_every=1), RunOptions(keep_best=True)
    folder = crash(spec, tmp_path / "runs", monkeypatch, after=2, means=means)
    assert (folder / "best").is_dir() and not (folder / checkpoint.CHECKPOINTS).exists()
    (folder / "best").rename(folder / "best.new")
    (folder / "best").mkdir()
    run(spec, RunOptions(out=tmp_path / "runs"))
    never = run(spec, replace(means, out=tmp_path / "never")).folder
    for name in ("score.json", "model.safetensors"):
        assert (folder / "best" / name).read_bytes() == (never / "best" / name).read_bytes()
    assert not (folder / "best.new").exists()


def test_a_best_model_that_the_checkpoint_does_not_know_is_replaced(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(spec, eval_every=2)
    folder = crash(spec, tmp_path / "runs", monkeypatch, means=RunOptions(save_every=2, keep_best=True))
    told = {"step": 4, "evaluation": "dev", "metric": "accuracy", "value": 2.0, "optimistic": True}  # better than any
    (folder / "best" / "score.json").write_text(json.dumps(told), "utf-8")
    run(spec, RunOptions(out=tmp_path / "runs"))
    assert json.loads((folder / "best" / "score.json").read_text("utf-8"))["step"] == 6


def test_a_run_in_a_deleted_working_folder_can_be_resumed(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    with pytest.raises(SystemExit) as left:
        main(["resume", str(folder), "--quiet"])
    assert not left.value.code


@pytest.mark.parametrize(("force", "said"), [(False, "the same command, or: "), (True, "")])
def test_a_stopped_run_says_how_to_resume(tmp_path: Path, force: bool, said: str) -> None:
    assert resume_hint(tmp_path, force, None) == "; the run was not started: the same command starts it"
    (tmp_path / "spec.json").touch()
    before = start_id(tmp_path)
    assert resume_hint(tmp_path, force, before) == "; the run was not started: the same command starts it"
    (tmp_path / "spec.json").rename(tmp_path / "old.json")
    (tmp_path / "spec.json").touch()
    line = resume_hint(tmp_path, force, before, 1234)
    assert line == f"; saved at update 1,234; resume with {said}bertkit resume {tmp_path}"
