"""The flags of the encoder's kit: the loss, what is trained and how fast, LoRA, early stopping. Light."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from bertkit.errors import RequestError
from bertkit.request.option import KIT, Option
from bertkit.task import LossName, Selected, Task


@dataclass(frozen=True, kw_only=True)
class KitFlags:
    """The flags of the encoder and of the loss, as given; None is the recipe's default."""

    class_weights: Annotated[
        str | None,
        Option(
            "--class-weights",
            KIT,
            "Weights of labels in the loss, as a=1,b=3 (others 1), or balanced: by how rare each is in the train rows.",
            only="finetune",
        ),
    ] = None
    loss: Annotated[
        LossName | None,
        Option("--loss", KIT, "Loss over labels; focal weighs rows that are already right less.", only="finetune"),
    ] = None
    focal_gamma: Annotated[
        float | None, Option("--focal-gamma", KIT, "Exponent of --loss focal. [default: 2]", only="finetune")
    ] = None
    label_smoothing: Annotated[
        float | None,
        Option(
            "--label-smoothing --label-smoothing-factor",
            KIT,
            "Share of a gold label's probability that is spread over all labels.",
            only="finetune",
        ),
    ] = None
    freeze: Annotated[
        str | None,
        Option(
            "--freeze",
            KIT,
            "Do not train: 'embeddings'; N for embeddings and the first N layers; 'all' for everything below the head.",
            only="finetune",
        ),
    ] = None
    layer_decay: Annotated[
        float | None,
        Option(
            "--layer-decay --llrd",
            KIT,
            "Multiply the learning rate by this for each layer below the head.",
            only="finetune",
        ),
    ] = None
    reinit_layers: Annotated[
        int | None, Option("--reinit-layers", KIT, "Draw the top N layers at random again.", only="finetune")
    ] = None
    lora: Annotated[
        int | None,
        Option(
            "--lora --lora-r",
            KIT,
            "Train LoRA matrices of this rank and the head, not the encoder; they are merged on save.",
            only="finetune",
        ),
    ] = None
    lora_alpha: Annotated[
        float | None, Option("--lora-alpha", KIT, "Scale of LoRA, over its rank. [default: 2 x rank]", only="finetune")
    ] = None
    early_stopping: Annotated[
        int | None,
        Option(
            "--early-stopping --early-stopping-patience",
            KIT,
            "Stop after N evaluations (--eval-every) without a better score on rows held out of train for it, and keep "
            "the best model.",
            only="finetune",
        ),
    ] = None
    select: Annotated[
        Selected | None,
        Option(
            "--select",
            KIT,
            "Keep the last weights, or those that scored best (--eval-every) on rows held out of train for it. "
            "[default: last]",
            only="finetune",
        ),
    ] = None
    threshold: Annotated[
        str | None,
        Option(
            "--threshold",
            KIT,
            "Multi-label: probability from which a label is given; auto chooses it on rows held out of train for it. "
            "[default: 0.5]",
            only="finetune",
        ),
    ] = None
    calibrate: Annotated[
        bool,
        Option(
            "--calibrate",
            KIT,
            "Fit a temperature of the probabilities on rows held out of train for it, for predict --calibrated.",
            only="finetune",
        ),
    ] = False


def kit_of(flags: KitFlags) -> dict[str, Any]:
    """The recipe's fields of which flags were given as text. Raises RequestError."""
    auto = "auto" if flags.threshold == "auto" else None
    found = {"class_weights": _weights(flags.class_weights), "freeze": _frozen(flags.freeze), "threshold": auto}
    return {**found, "calibrate": flags.calibrate or None}


def with_threshold(task: Task, typed: str | None) -> Task:
    """The task, its head with the threshold that was typed as a number. Raises RequestError."""
    if typed is None or typed == "auto":
        return task
    task.head.check_loss_flag("threshold", task.name)
    try:
        return replace(task, head=task.head.with_threshold(float(typed)))
    except ValueError:
        raise RequestError(f"--threshold {typed}: it must be auto, or a probability such as 0.5") from None


def _weights(typed: str | None) -> Any:
    """ "balanced", or the weights by label: `a=1,b=3`, or in JSON where a label has a comma."""
    if typed is None or typed == "balanced":
        return typed
    wrong = RequestError(f"--class-weights {typed}: it must be balanced, or weights such as good=1,bad=3")
    try:
        parts = json.loads(typed) if typed.startswith("{") else [one.rpartition("=") for one in typed.split(",")]
        pairs = parts.items() if isinstance(parts, Mapping) else [(name.strip(), weight) for name, _, weight in parts]
        found = {name: float(weight) for name, weight in pairs}
    except (ValueError, TypeError):
        raise wrong from None
    if not found or "" in found:
        raise wrong
    if len(found) < len(pairs):
        raise RequestError(f"--class-weights {typed}: it names a label twice")
    return found


def _frozen(typed: str | None) -> str | int | None:
    if typed is None or typed in ("embeddings", "all"):
        return typed
    if not typed.isdecimal():
        raise RequestError(f"--freeze {typed}: it must be embeddings, all, or a number of layers")
    return int(typed)
