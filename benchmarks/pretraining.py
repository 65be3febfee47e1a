"""Pretraining by masked words against transformers' Trainer: the same rows, shape, vocabulary and batches, in turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.setting import Setting, say
from benchmarks.sides import Job, ask, take_turns

SHAPES = {"tiny": (2, 128), "mini": (4, 256), "6/384/12": (6, 384)}
"""Layers and hidden size of each shape that is measured, by the name that --shape takes."""
VOCABULARY = 8192
LENGTH, BATCH, MASKED = 128, 16, 0.15
"""Tokens of a row, rows of a batch, share of tokens that are predicted, on every side."""


@dataclass(frozen=True, kw_only=True)
class MlmPeer:
    """A way to train with Trainer and DataCollatorForLanguageModeling.

    arguments  TrainingArguments that differ from their defaults
    dropout    the model's; None is BERT's own, as run_mlm.py makes a model from a config
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    dropout: float | None = None


PEERS = {"run_mlm.py": MlmPeer(), "tuned": MlmPeer(arguments={"bf16": True}, dropout=0.0)}


def measure(setting: Setting) -> None:
    """Measure every shape against every peer, on all cores and on one thread; keep each result once it is there."""
    for shape in setting.shapes:
        for threads in setting.threads:
            say(f"pretraining {shape}, {threads or 'all'} threads")
            setting.keep(f"pretraining/{shape}/{threads or 'all'}", _compare(setting, shape, threads))


def _compare(setting: Setting, shape: str, threads: int | None) -> dict[str, Any]:
    """One shape against every peer, with the peak before and after."""
    folder = setting.folder / f"pretraining-{shape.replace('/', '-')}-{threads or 'all'}"
    folder.mkdir()
    environment = setting.environment | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    layers, hidden = SHAPES[shape]
    updates = setting.warm_up + setting.steps * setting.rounds
    corpus = str(Path(setting.data) / "lm" / "gutenberg-en")
    asked = {
        "shape": shape, "vocab_size": VOCABULARY, "max_length": LENGTH, "batch_size": BATCH, "mlm_probability": MASKED,
        "held_out": "0",
    }  # fmt: skip
    given = ask(
        {"job": "blocks", "corpus": corpus, "asked": asked, "wanted": BATCH * updates, "folder": str(folder / "made")},
        folder,
        environment,
    )
    jobs: dict[str, Job] = {
        name: {
            "job": "mlm", "model": given["model"], "features": given["features"], "batch_size": BATCH,
            "updates": updates, "arguments": peer.arguments, "dropout": peer.dropout, "probability": MASKED,
            "out": str(folder / f"trainer-{len(name)}"),
        }
        for name, peer in PEERS.items()
    }  # fmt: skip
    out = str(folder / "runs")
    jobs["bertkit"] = {"job": "pretrain", "corpus": corpus, "asked": asked, "updates": updates, "out": out}
    products = [(hidden, hidden), (hidden, 4 * hidden), (4 * hidden, hidden)]
    peak_job = {"job": "peak", "shapes": products, "rows": BATCH * LENGTH}
    before = ask(peak_job, folder, environment)
    sides = take_turns(
        jobs, folder, environment, rounds=setting.rounds, steps=setting.steps, warm_up=setting.warm_up
    )  # fmt: skip
    after = ask(peak_job, folder, environment)
    return {
        "part": "pretraining", "shape": shape, "layers": layers, "hidden": hidden, "threads": threads,
        "batch_size": BATCH, "max_length": LENGTH, "vocabulary": VOCABULARY, "steps": setting.steps,
        "rounds": setting.rounds, "warm_up": setting.warm_up, "rows": given["rows"],
        "flop_per_token": flop_per_token(layers, hidden), "sides": sides,
        "peak_gflops": {precision: {"before": before[precision], "after": after[precision]} for precision in before},
    }  # fmt: skip


def flop_per_token(layers: int, hidden: int) -> float:
    """Of one update, by token: three times the forward pass, with the output layer at the predicted tokens alone.

    Forward: two for each weight of the linear layers, 4 T H for the attention's two products over T tokens, and for
    a predicted token two for each weight of the head's linear layer and of the output layer.
    """
    encoder = layers * (2 * 12 * hidden**2 + 4 * LENGTH * hidden)
    return 3 * (encoder + MASKED * 2 * (hidden**2 + hidden * VOCABULARY))
