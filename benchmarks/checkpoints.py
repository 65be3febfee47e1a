"""The cost of a checkpoint: updates while one is written, against the updates in between."""

from __future__ import annotations

from typing import Any

from benchmarks.setting import BATCH, LEARNING_RATE, Setting, say
from benchmarks.sides import ask
from bertkit.training.checkpointer import INTERVAL

TASK = "sst2"
BLOCK = 40
"""Half the updates between two checkpoints: long enough for one to be on the disk."""


def measure(setting: Setting) -> None:
    """Measure and keep the cost of three checkpoints a round."""
    say(f"checkpoints, {setting.model}")
    saves = 3 * setting.rounds
    asked = {
        "model": setting.asked_model, "data": setting.data, "batch_size": BATCH, "learning_rate": LEARNING_RATE,
        "max_length": 128, "max_steps": 2 * BLOCK * (saves + 1), "limit": setting.trial,
    }  # fmt: skip
    job = {"job": "checkpoints", "task": TASK, "asked": asked, "block": BLOCK, "out": str(setting.folder / "kept")}
    told = ask(job, setting.folder, setting.environment)
    seconds = told["seconds"]
    setting.keep(f"checkpoints/{setting.model}", entry(setting.model, seconds, told["mib"]))


def entry(model: str, seconds: list[float], mib: float) -> dict[str, Any]:
    """The extra seconds of each checkpoint, one every 2 * BLOCK updates, from the seconds of every update."""
    blocks = [sum(seconds[start : start + BLOCK]) for start in range(0, len(seconds) - BLOCK + 1, BLOCK)]
    pairs = list(zip(blocks[2::2], blocks[3::2], strict=True))  # before the first there was none
    return {
        "part": "checkpoints", "model": model, "mib": mib, "interval": INTERVAL,
        "excess": [round(during - after, 4) for during, after in pairs],
        "updates_per_second": round(len(seconds) / sum(seconds), 3),
    }  # fmt: skip
