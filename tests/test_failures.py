"""Failures during a run: a full disk, a non-finite loss, out of memory."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from test_resume import Told, dry, spec
from test_train import bytes_of
from transformers import PreTrainedTokenizerFast

from bertkit.data.splits import read_splits
from bertkit.errors import RequestError, RunError
from bertkit.runs import run as runs
from bertkit.runs.folder import read_log
from bertkit.runs.run import run
from bertkit.spec import RunOptions, Spec
from bertkit.training import checkpoint, train
from bertkit.training.update import Updater

__all__ = ["dry", "spec"]


def test_a_run_that_does_not_fit_on_the_disk_is_refused_before_it_starts(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage(tmp_path))(10**9, 10**9 - 10**7, 10**7)
    monkeypatch.setattr("bertkit.runs.failures.shutil.disk_usage", lambda place: usage)
    with pytest.raises(RequestError, match=r"needs up to 6\d\.\d MB of disk space, 10.0 MB free; give another --out"):
        run(spec, RunOptions(out=tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_disk_that_is_full_when_the_tokenizer_is_saved_is_one_line(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(self: Any, folder: Path) -> None:
        self.backend_tokenizer.save("/dev/full")

    monkeypatch.setattr(PreTrainedTokenizerFast, "save_pretrained", save)
    with pytest.raises(RunError, match=r"No space left on device.*; resume with the same command, or: "):
        run(spec, RunOptions(out=tmp_path / "runs"))


def test_the_rows_of_an_early_failure_are_those_of_its_update(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    plain = Updater._backward_all

    def backward(self: Updater, parts: Any, exact: bool) -> float:
        plain(self, parts, exact)
        seen.append([int(row) for part in parts for row in part.row])
        return math.nan

    monkeypatch.setattr(Updater, "_backward_all", backward)
    with pytest.raises(RunError, match="update 1 failed"):
        run(spec, RunOptions(out=tmp_path / "runs"))
    told = json.loads((tmp_path / "runs" / runs.resolved(spec).folder_name / "failed.json").read_text("utf-8"))
    rows = read_splits(spec).train
    assert rows and told["rows"] == rows.table[sorted(seen[0])]["row_id"]
    assert sorted(seen[0]) != [0, 1, 2, 3]


def spoilt(monkeypatch: pytest.MonkeyPatch, step: int, exact_too: bool) -> None:
    """The loss of one update becomes NaN, in fp32 too if `exact_too`."""
    plain, calls = Updater._backward_all, [0]

    def backward(self: Updater, parts: Any, exact: bool) -> float:
        calls[0] += not exact
        loss = plain(self, parts, exact)
        return math.nan if calls[0] == step and (exact_too or not exact) else loss

    monkeypatch.setattr(Updater, "_backward_all", backward)


def test_an_update_without_a_number_in_bf16_is_made_in_fp32(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(monkeypatch, step=3, exact_too=False)
    progress = Told()
    finished = run(replace(spec, precision="bf16"), RunOptions(out=tmp_path / "runs"), progress)
    lines = [line for line in read_log(finished.folder) if "loss" in line]
    assert [line["step"] for line in lines if line.get("precision") == "fp32"] == [3]
    assert all(math.isfinite(line["loss"]) for line in lines)
    assert [note for note in progress.notes if "update 3: non-finite in bf16" in note]


def test_fp16_may_leave_updates_out_but_not_all_of_them(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Accelerator, "mixed_precision", "fp16")  # on a CPU there is none
    monkeypatch.setattr(train, "SKIPPED", 2)
    plain, calls = Updater._backward_all, [0]

    def backward(self: Updater, parts: Any, exact: bool) -> float:
        calls[0] += 1
        loss = plain(self, parts, exact)
        return loss if calls[0] == 3 else math.nan

    monkeypatch.setattr(Updater, "_backward_all", backward)
    with pytest.raises(RunError, match="update 6 failed: the loss is nan"):
        run(spec, RunOptions(out=tmp_path / "runs"))


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_an_update_without_a_number_ends_the_run_with_step_rows_and_rate(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: Any
) -> None:
    spec = replace(spec, precision=precision)
    with monkeypatch.context() as patched:
        spoilt(patched, step=4, exact_too=True)
        with pytest.raises(RunError, match=r"update 4 failed: the loss is nan \(learning rate 5\.00e-04\)") as failed:
            run(spec, RunOptions(out=tmp_path / "runs", save_every=3))
    folder = tmp_path / "runs" / runs.resolved(spec).folder_name
    assert str(folder / "failed.json") in str(failed.value)
    told = json.loads((folder / "failed.json").read_text("utf-8"))
    assert (told["step"], told["loss"], len(told["rows"])) == (4, "nan", 4)
    assert told["learning_rate"] == pytest.approx(5e-4)
    kept = checkpoint.newest(folder, pytest.fail)
    assert kept is not None and kept.step == 3
    assert all(torch.isfinite(tensor.float()).all() for tensor in kept.tensors.values())
    again = run(spec, RunOptions(out=tmp_path / "runs"))  # without the fault it is resumed
    assert bytes_of(again.folder) == bytes_of(run(spec, RunOptions(out=tmp_path / "never")).folder)
    assert not (folder / "failed.json").exists()


def hungry(monkeypatch: pytest.MonkeyPatch, rows: int, error: Callable[[], Exception]) -> None:
    """More than so many rows at once do not fit into memory."""
    plain = Updater._share

    def share(self: Updater, part: Any, total: Any, exact: bool) -> Any:
        loss = plain(self, part, total, exact)
        if len(part) > rows:
            raise error()
        return loss

    monkeypatch.setattr(Updater, "_share", share)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError,
        lambda: torch.OutOfMemoryError("CUDA out of memory."),
        lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_cuts_the_batch_and_learns_the_same(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception]
) -> None:
    plain = [line["loss"] for line in read_log(run(spec, RunOptions(out=tmp_path / "plain")).folder) if "loss" in line]
    hungry(monkeypatch, rows=1, error=error)
    progress = Told()
    finished = run(spec, RunOptions(out=tmp_path / "hungry"), progress)
    assert [line["loss"] for line in read_log(finished.folder) if "loss" in line] == pytest.approx(plain, abs=1e-6)
    assert "out of memory at update 1: batches are split into 4 parts from here on" in progress.notes


def test_a_single_row_that_does_not_fit_ends_the_run_with_a_line(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hungry(monkeypatch, rows=0, error=MemoryError)
    with pytest.raises(RunError, match="out of memory at a single row: give a smaller --max-length, or more memory"):
        run(spec, RunOptions(out=tmp_path / "runs"))


def test_max_memory_is_kept_to_where_batches_can_be_cut(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="out of memory at a single row"):
        run(spec, RunOptions(out=tmp_path / "runs", max_memory=10**6))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError("bad luck")])
def test_out_of_memory_between_passes_ends_the_run_with_a_line(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def step(*given: Any) -> None:
        raise error

    monkeypatch.setattr(Updater, "step", step)
    with pytest.raises(RunError, match=rf"out of memory \({error}\); resume with the same command, or: "):
        run(spec, RunOptions(out=tmp_path / "runs"))
