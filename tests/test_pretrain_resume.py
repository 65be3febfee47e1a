"""Pretraining runs that are killed, stopped or starved: they resume to the same bytes, or say why not in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from corpora import SMALL, typed, write_corpus
from door import Refused, refused
from test_resume import CrashError, Told
from victim import PRETRAINING, outcome

from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.machine.memory import Guard
from bertkit.pretraining import PretrainSpec
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.runs import pretrain as runs
from bertkit.runs.kept_models import KEPT, kept_in
from bertkit.runs.pretrain import pretrain
from bertkit.runs.pretrain_folder import recorded_updates
from bertkit.spec import RunOptions
from bertkit.training import checkpoint
from bertkit.training.budget import OtherTime, Pace
from bertkit.training.update import Update, Updater

__all__ = ["refused"]

KILLS = int(os.environ.get("BERTKIT_KILLS", "5"))
SAVED = RunOptions(save_every=4)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus.txt")


def spec_of(corpus: Path, **options: Any) -> PretrainSpec:
    """A run of nine updates that keeps the models of 0, 1, 2, 3, 4, 6, 8 and 9."""
    return PretrainFlags(**{**SMALL, "keep": "log", **options}).spec([str(corpus)])


def crash(spec: PretrainSpec, out: Path, monkeypatch: pytest.MonkeyPatch, after: int = 7) -> Path:
    """A run that crashed after so many updates; its folder."""
    plain, left = Updater.backward, [after]

    def backward(self: Updater, *given: Any, **named: Any) -> Update:
        left[0] -= 1
        if left[0] < 0:
            raise CrashError
        return plain(self, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Updater, "backward", backward)
        with pytest.raises(CrashError):
            pretrain(spec, replace(SAVED, out=out))
    return next(path.parent for path in out.glob("*/spec.json"))


def tortured(kinds: str, kills: int, signals: int, faults: int, processes: int = 1) -> dict[str, dict[str, int]]:
    """What torture.py counts for each kind of run, none of which was lost."""
    asked = {"heads": kinds, "kills": kills, "signals": signals, "faults": faults, "processes": processes, "seed": 3}
    flags = [part for name, value in asked.items() for part in (f"--{name}", str(value))]
    script = str(Path(__file__).with_name("torture.py"))
    done = subprocess.run([sys.executable, script, *flags], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["lost"] == []
    counts: dict[str, dict[str, int]] = report["counts"]
    for count in counts.values():
        assert count["runs"] == count["survived"] == count["identical"] == kills + signals + faults
    return counts


def test_a_masked_language_model_is_killed_at_every_kind_of_moment_and_resumes_to_the_same_bytes() -> None:
    count = tortured("mlm", kills=6, signals=1, faults=1)["mlm"]
    kinds = ("update", "save", "evaluation", "final write", "kept model")
    assert count.keys() >= {f"in: {kind}" for kind in kinds}
    assert count["bertkit resume"] and count["the same command again"]


def test_every_other_objective_resumes_to_the_same_bytes() -> None:
    counts = tortured("mlm+sop,causal,denoise", kills=2, signals=0, faults=0)
    assert all(count["ended by a signal"] >= 2 for count in counts.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in PRETRAINING if kind != "mlm"])
def test_every_other_objective_and_vocabulary_survives_kills_signals_and_faults(kind: str) -> None:
    tortured(kind, kills=min(KILLS, 4), signals=1, faults=2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlm+sop", "causal", "denoise"])
def test_two_processes_of_any_objective_resume_to_their_own_bytes(kind: str) -> None:
    tortured(kind, kills=2, signals=1, faults=1, processes=2)


def test_models_kept_after_the_checkpoint_are_written_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(corpus)
    folder = crash(spec, tmp_path / "runs", monkeypatch, after=7)
    assert [step for step, _ in kept_in(folder)] == [0, 1, 2, 3, 4, 6]
    early, late = (folder / KEPT / f"step-00000000{step}" / "model.safetensors" for step in (4, 6))
    late.write_bytes(b"not what it was")
    written = early.stat().st_mtime_ns
    told = Told()
    pretrain(spec, RunOptions(out=tmp_path / "runs"), told)
    assert "resuming after update 4" in told.notes
    assert early.stat().st_mtime_ns == written
    pretrain(spec, RunOptions(out=tmp_path / "never"))
    assert [step for step, _ in kept_in(folder)] == [0, 1, 2, 3, 4, 6, 8, 9]
    assert outcome(tmp_path / "runs") == outcome(tmp_path / "never")


@pytest.mark.parametrize("after", [7, 2])
def test_a_budget_of_time_keeps_its_number_of_updates(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """9 s of updates of 1 s each; on the way back, when updates take 0.1 s, it is still nine: also from the start."""
    monkeypatch.setattr(runs, "measuring_time", lambda *given: OtherTime())
    monkeypatch.setattr(runs, "time_pace", lambda *given: Pace(update=1.0, timed=5))
    spec = spec_of(corpus, budget="9s")
    folder = crash(spec, tmp_path / "runs", monkeypatch, after=after)
    assert bool(checkpoint.checkpoints_in(folder)) == (after > 4)
    assert recorded_updates(folder) == 9
    pretrain(spec, RunOptions(out=tmp_path / "never"))
    monkeypatch.setattr(runs, "time_pace", lambda *given: Pace(update=0.1, timed=5))
    assert pretrain(spec, RunOptions(out=tmp_path / "runs")).result.training.steps == 9
    assert outcome(tmp_path / "runs") == outcome(tmp_path / "never")


def test_a_budget_of_time_is_timed_without_a_trace(corpus: Path, tmp_path: Path) -> None:
    """However many updates a second buys: the models of the first updates are those of a budget of steps."""
    timed = pretrain(spec_of(corpus, budget="2s"), RunOptions(out=tmp_path / "timed"))
    steps = timed.result.training.steps
    pretrain(spec_of(corpus, budget=f"{steps}step", eval_every=max(1, steps // 20)), RunOptions(out=tmp_path / "steps"))
    found, wanted = outcome(tmp_path / "timed"), outcome(tmp_path / "steps")
    differ = [name for name in wanted if found[name] != wanted[name]]
    assert set(differ) <= {"spec.json", "result.json"}
    assert found["result.json"]["measures"] == wanted["result.json"]["measures"]


def test_a_corpus_that_changed_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    spec = spec_of(corpus)
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    write_corpus(corpus, 61)
    with pytest.raises(RequestError) as refused:
        pretrain(spec, RunOptions(out=tmp_path / "runs"))
    assert str(refused.value) == (
        f"{folder} cannot be resumed: the corpus changed; "
        "`bertkit pretrain` with --force starts over, and renames the old folder"
    )


def test_a_run_resumes_from_another_folder_its_corpus_and_tokenizer_beside_it(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shutil.copy(corpus, "corpus.txt")
    tiny.tokenizer_of("bert").save_pretrained("bert")
    (tmp_path / "here" / "bert" / "config.json").write_text('{"model_type": "bert"}', "utf-8")
    spec = PretrainFlags(**{**SMALL, "vocab_size": None, "tokenizer": "bert", "held_out": "0"}).spec(["corpus.txt"])
    folder = crash(spec, Path("runs"), monkeypatch).resolve()
    pretrain(spec, RunOptions(out=Path("never")))
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(SystemExit) as left:
        main(["resume", f"../here/runs/{folder.name}", "--quiet"])
    assert not left.value.code and not list(Path.cwd().iterdir())
    assert outcome(folder.parent) == outcome(tmp_path / "here" / "never")


def test_another_machine_is_told_of(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of(corpus)
    crash(spec, tmp_path / "runs", monkeypatch)
    told = Told()
    monkeypatch.setattr(runs, "describe", lambda device: "cpu, 7 threads of 8 cores")
    pretrain(spec, RunOptions(out=tmp_path / "runs"), told)
    (line,) = (note for note in told.notes if note.startswith("started on "))
    assert "the last bits may differ on cpu, 7 threads of 8 cores" in line


def test_batches_split_to_fit_into_memory_train_the_same_model(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(corpus, objective="mlm+nsp", keep="none")
    whole = pretrain(spec, RunOptions(out=tmp_path / "whole"))
    plain = Updater._share

    def share(self: Updater, part: Any, total: Any, exact: bool) -> Any:
        if len(part) > 2:
            raise MemoryError
        return plain(self, part, total, exact)

    monkeypatch.setattr(Updater, "_share", share)
    told = Told()
    split = pretrain(spec, RunOptions(out=tmp_path / "split"), told)
    assert "out of memory at update 1: batches are split into 2 parts from here on" in told.notes
    for name, score in whole.result.measures.items():
        assert split.result.measures[name].value == pytest.approx(score.value, rel=1e-4)


def test_max_memory_need_not_be_said_again(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, most = spec_of(corpus), 10**12
    monkeypatch.setattr(f"{__name__}.SAVED", replace(SAVED, max_memory=most))
    crash(spec, tmp_path / "runs", monkeypatch)
    bounds: list[int | None] = []
    monkeypatch.setattr(runs, "Guard", lambda bound: bounds.append(bound) or Guard(bound))
    pretrain(spec, RunOptions(out=tmp_path / "runs"))
    assert bounds == [most]


def test_force_starts_over_and_keeps_the_old_folder(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(corpus)
    folder = crash(spec, tmp_path / "runs", monkeypatch)
    told = Told()
    pretrain(spec, RunOptions(out=tmp_path / "runs", force=True), told)
    aside = folder.with_name(f"{folder.name}.before")
    assert f"the old folder was renamed to {aside}" in told.notes
    assert [step for step, _ in kept_in(aside)] == [0, 1, 2, 3, 4, 6]
    assert [step for step, _ in kept_in(folder)][-1] == 9


def test_a_disk_too_small_for_the_models_that_are_kept_is_refused_at_once(
    refused: Refused, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 70 * 10**6  # enough for a run that keeps none, whose weights come to 0.1 MB
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    line = refused(*typed(corpus, keep="log"))
    assert "needs up to 7" in line and "70.0 MB free; give another --out" in line


def test_rows_draw_the_same_noise_in_whatever_batch_they_are(corpus: Path, tmp_path: Path) -> None:
    """What makes a resumed run see the same rows: features of an epoch depend on seed, epoch and row alone."""
    folder = tmp_path / "runs"
    pretrain(spec_of(corpus, keep="none"), RunOptions(out=folder))
    with pytest.MonkeyPatch.context() as patched:
        seen: list[Any] = []
        patched.setattr(
            runs, "train", lambda model, source, *given: seen.append(source) or (_ for _ in ()).throw(CrashError())
        )
        with pytest.raises(CrashError):
            pretrain(spec_of(corpus, keep="none"), RunOptions(out=tmp_path / "again"))
    (source,) = seen
    together, alone = source.take(np.array([5, 0, 3]), 2), source.take(np.array([3]), 2)
    assert together.take(np.array([2])).inputs["input_ids"].values.tolist() == alone.inputs["input_ids"].values.tolist()
