"""Training against transformers' Trainer: the same rows, tokens, batch size and learning rate, in turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.setting import BATCH, LEARNING_RATE, Setting, say
from benchmarks.sides import Job, ask, take_turns

COMMON = {"max_length": 128, "batch_size": BATCH}
SIZES: Mapping[str, dict[str, int]] = {"squad": {"max_length": 384, "doc_stride": 128, "batch_size": 12}}
"""Sizes that differ from COMMON, as in the README of the peer's own example."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A way to train with Trainer.

    arguments  TrainingArguments that differ from their defaults
    padded     to the maximum length, before training
    grouped    a turn is to be one megabatch of transformers' LengthGroupedSampler, 50 batches sorted by length
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    padded: bool = False
    grouped: bool = False


PEERS = {
    "padded": Peer(padded=True),
    "dynamic": Peer(),
    "tuned": Peer(arguments={"train_sampling_strategy": "group_by_length", "bf16": True}, grouped=True),
}
"""run_glue.py and run_qa.py pad to the maximum by default; run_ner.py pads each batch to its longest."""


def measure(setting: Setting) -> None:
    """Measure every task against every peer, and keep each result as soon as it is there."""
    shapes = _shapes(setting.config)
    for task in setting.tasks:
        for name in setting.peers:
            say(f"training {task}, {setting.model}, against {name}")
            folder = setting.folder / f"training-{task}-{name}"
            folder.mkdir()
            before = ask({"job": "peak", "shapes": shapes}, folder, setting.environment)
            entry = compare(setting, task, name)
            after = ask({"job": "peak", "shapes": shapes}, folder, setting.environment)
            peak = {precision: {"before": before[precision], "after": after[precision]} for precision in before}
            setting.keep(f"training/{task}/{setting.model}/{name}", {**entry, "peak_gflops": peak})


def compare(setting: Setting, task: str, name: str) -> dict[str, Any]:
    """One task against one peer: every side's measurements."""
    peer, folder = PEERS[name], setting.folder / f"training-{task}-{name}"
    steps = setting.grouped if peer.grouped else setting.steps
    warm_up = steps if peer.grouped else setting.warm_up
    updates = warm_up + steps * setting.rounds
    sizes = SIZES.get(task, COMMON)
    batch = sizes["batch_size"]
    asked = {
        "model": setting.asked_model, "data": setting.data, "learning_rate": LEARNING_RATE,
        "warmup": 0.0, "weight_decay": 0.0, "max_steps": updates, **sizes,
    }  # fmt: skip
    given = ask(
        {"job": "features", "task": task, "asked": asked, "padded": peer.padded, "wanted": batch * updates,
         "unit": batch * (steps if peer.grouped else 1), "folder": str(folder / "features")},
        folder,
        setting.environment,
    )  # fmt: skip
    jobs: dict[str, Job] = {
        "peer": {
            **given, "job": "trainer", "encoder": str(setting.encoder), "features": str(folder / "features"),
            "padded": peer.padded, "arguments": peer.arguments, "batch_size": batch, "learning_rate": LEARNING_RATE,
            "updates": updates, "out": str(folder / "trainer"),
        }
    }  # fmt: skip
    for variant, flags in setting.variants.items():
        out = folder / f"runs-{len(jobs)}"
        asked_here = {**asked, "limit": given["limit"], **flags}
        jobs[variant] = {"job": "bertkit", "task": task, "asked": asked_here, "out": str(out)}
    sides = take_turns(
        jobs, folder, setting.environment, rounds=setting.rounds, steps=steps, warm_up=warm_up
    )  # fmt: skip
    return {
        "part": "training", "task": task, "model": setting.model, "peer": name, "kind": given["kind"],
        "batch_size": batch, "steps": steps, "rounds": setting.rounds, "warm_up": warm_up, "rows": given["limit"],
        "features": given["features"], "mean_length": given["mean_length"],
        "flop_per_token": flop_per_token(setting.config, given["mean_length"]),
        "variants": setting.variants, "sides": sides,
    }  # fmt: skip


def flop_per_token(config: Mapping[str, int], length: float) -> float:
    """Of training on one real token: three times the forward pass of the encoder's layers.

    Forward: two for each weight of the linear layers, and 4 T H for the attention's two products over T tokens,
    T being the mean length.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    weights = 4 * hidden**2 + 2 * hidden * inner
    return 3 * config["num_hidden_layers"] * (2 * weights + 4 * length * hidden)


def _shapes(config: Mapping[str, int]) -> list[tuple[int, int]]:
    """Of the linear layers of an encoder: (inputs, outputs)."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    return [(hidden, hidden), (hidden, inner), (inner, hidden)]
