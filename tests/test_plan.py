"""`finetune --dry-run`: counts those of the run, nothing in --out. Times are not asserted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from door import Refused, refused

from bertkit.cli import main
from bertkit.runs.plan import Plan, PlannedRun
from bertkit.runs.timing import clock
from bertkit.training.timed import TIMED, chosen, fit

__all__ = ["refused"]

KEYS = {
    *("task", "runs", "updates", "rows", "tokens", "tokens_per_epoch", "batch", "batch_tokens", "memory"),
    *("device_memory", "disk", "seconds", "timed", "notes"),
}


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Flags of a tiny encoder and 16 train rows, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    data = tiny.write_reviews(tmp_path / "data", tiny.REVIEWS * 2, tiny.REVIEWS[:5])
    body = tiny.make("bert", tmp_path / "tiny")
    return f"sst2 --model {body} --data {data} --device cpu --precision fp32 --batch-size 3 --json"


def said(capsys: pytest.CaptureFixture[str], line: str) -> Any:
    """What `bertkit finetune LINE` printed as JSON."""
    with pytest.raises(SystemExit) as leaving:
        main(["finetune", *line.split()])
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return json.loads(printed.out)


@pytest.mark.parametrize(
    "more",
    [
        "--epochs 2",
        "--epochs 1.5 --layout padded --order length",
        "--max-steps 9 --gradient-accumulation 2",
        "--epochs 1 --eval-every 2 --lora 2",
    ],
)
def test_a_plan_counts_what_the_run_then_trains_on_and_writes_nothing(
    typed: str, capsys: pytest.CaptureFixture[str], more: str
) -> None:
    plan = said(capsys, f"{typed} {more} --dry-run")
    assert not Path("runs").exists()
    assert set(plan) == KEYS
    assert set(plan["seconds"]) == {"loading", "training", "evaluation", "checkpoints", "saving", "total"}
    assert plan["batch"] == (6 if "accumulation" in more else 3)
    training = said(capsys, f"{typed} {more}")["training"]
    assert (plan["updates"], plan["rows"], plan["tokens"]) == tuple(
        training[name] for name in ("steps", "examples", "tokens")
    )


def test_a_batch_of_tokens_is_counted_too(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = typed.replace("--batch-size 3", "--batch-tokens 60") + " --epochs 2"
    plan, training = said(capsys, f"{line} --dry-run"), said(capsys, line)["training"]
    assert (plan["batch"], plan["batch_tokens"]) == (None, 60)
    assert (plan["updates"], plan["rows"], plan["tokens"]) == (
        *(training["steps"], training["examples"], training["tokens"]),
    )


def test_a_finished_run_costs_nothing_and_other_seeds_still_do(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = said(capsys, f"{typed} --epochs 1")["folder"]
    before = sorted(Path("runs").rglob("*"))
    plan = said(capsys, f"{typed} --epochs 1 --dry-run")
    assert plan["runs"] == [{"folder": folder, "seed": 42, "finished": True, "done": 6}]
    assert (plan["updates"], plan["seconds"]) == (0, {"total": 0})
    plan = said(capsys, f"{typed} --epochs 1 --seeds 2 --dry-run")
    assert [(one["seed"], one["finished"]) for one in plan["runs"]] == [(42, True), (43, False)]
    assert plan["updates"] == 6
    assert said(capsys, f"{typed} --epochs 1 --dry-run --force")["updates"] == 6
    assert sorted(Path("runs").rglob("*")) == before


def test_several_processes_are_planned_as_one_and_it_is_said(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = said(capsys, f"{typed} --max-steps 2 --processes 2 --dry-run")
    assert plan["notes"] == ["memory and time are those of one process, not of 2"]


def test_a_plan_of_wrong_flags_is_refused_like_the_run(refused: Refused) -> None:
    assert refused("finetune", "sst2", "--sample", "--dry-run", "--epochs", "0").startswith("Error: --epochs 0")


def test_the_lines_fit_80_columns_and_name_every_cost() -> None:
    seconds = {"loading": 12.0, "training": 36_000.0, "evaluation": 700.0, "checkpoints": 70.0, "saving": 7.0}
    runs = tuple(PlannedRun(folder=Path("runs/a"), seed=k, finished=k == 0, done=5 * (k < 2)) for k in range(4))
    found = Plan(
        task="sst2", runs=runs, updates=1_000_000, rows=10**9, tokens=10**11, tokens_per_epoch=10**10, batch=32,
        memory=10**10, disk=10**10, seconds=seconds, timed=12,
    ).lines  # fmt: skip
    assert max(map(len, found)) <= 80
    assert found[:2] == [
        "seed 0 finished before, costs nothing: runs/a",
        "seed 1 was stopped after update 5 of 1,000,000; the time is that of the rest",
    ]
    assert "time     about 10 h 13 min on this machine, from 12 timed updates" in found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (12.3, "12 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7_260, "2 h 1 min")],
)
def test_a_time_is_written_in_its_unit(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_fit_finds_the_seconds_of_an_update_and_of_a_token_and_neither_is_negative() -> None:
    sizes = np.array([100, 200, 400])
    assert fit(sizes, 0.5 + 0.01 * sizes) == pytest.approx((0.5, 0.01))
    fixed, each = fit(sizes, np.array([3.0, 2.0, 1.0]))
    assert (fixed, each) == pytest.approx((2.0, 0.0))


def test_the_timed_updates_are_of_every_size_and_not_done_before() -> None:
    sizes = np.arange(100)[::-1]  # update k computes 99 - k tokens
    picked = chosen(sizes, done=50)
    assert (picked[:2], len(picked)) == ([74, 50], TIMED + 2)
    assert sorted(picked[2:4]) == [50, 99]
    assert min(picked) == 50
    assert chosen(np.array([7]), done=0) == [0, 0, 0, 0]
