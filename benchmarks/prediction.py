"""Prediction against transformers' pipeline: from texts to answers, in fp32, in turns, models already loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from benchmarks.setting import ROOT, Setting, say
from benchmarks.sides import Job, ask, take_turns

ROWS = 2_000
TASKS = ("sst2", "mnli")
UPDATES = 150
"""Of the model that predicts: enough that its answers differ."""


def measure(setting: Setting) -> None:
    """Measure every task that a pipeline can answer too, and keep each result as soon as it is there."""
    for task in setting.tasks:
        if task in TASKS:
            say(f"prediction {task}, {setting.model}")
            setting.keep(f"prediction/{task}/{setting.model}", compare(setting, task))


def compare(setting: Setting, task: str) -> dict[str, Any]:
    """One task: every side's measurements, and the number of rows whose answers differ from bertkit's."""
    folder = setting.folder / f"prediction-{task}"
    folder.mkdir()
    run = trained(setting, task)
    asked = {"model": setting.asked_model, "data": setting.data}
    place, rows = str(folder / "rows.jsonl"), min(ROWS, setting.trial or ROWS)
    given = ask(
        {"job": "texts", "task": task, "asked": asked, "rows": rows, "place": place}, folder, setting.environment
    )
    pipe: Job = {"job": "pipeline", "model": f"{run}/model", "rows": place, "max_length": 128}
    jobs: dict[str, Job] = {
        "pipeline": {**pipe, "best": False},
        "pipeline, best batch": {**pipe, "best": True},
        "bertkit": {"job": "predict", "run": run, "rows": place},
    }
    sides = take_turns(jobs, folder, setting.environment, rounds=setting.rounds, steps=1, warm_up=1)
    answers = {name: side.pop("answers") for name, side in sides.items()}
    differing = {
        name: sum(a != b for a, b in zip(theirs, answers["bertkit"], strict=True)) for name, theirs in answers.items()
    }
    counts = {label: answers["bertkit"].count(label) for label in sorted(set(answers["bertkit"]))}
    return {
        "part": "prediction", "task": task, "model": setting.model, "rows": given["rows"], "rounds": setting.rounds,
        "differing": differing, "answers": counts, "sides": sides,
    }  # fmt: skip


def trained(setting: Setting, task: str) -> str:
    """The folder of a short run of `task` by bertkit's command line."""
    out = setting.folder / f"prediction-{task}" / "runs"
    words = ["finetune", task, "--data", setting.data, "--model", setting.asked_model, "--max-length", "128"]
    words += ["--learning-rate", "1e-4"]
    words += ["--max-steps", str(min(UPDATES, setting.trial or UPDATES)), "--limit", str(setting.trial or 32 * UPDATES)]
    say("  training the model that predicts")
    subprocess.run(
        [sys.executable, "-m", "bertkit", *words, "--out", str(out), "--quiet"],
        check=True, cwd=ROOT, env=setting.environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return str(next(out.iterdir()))
