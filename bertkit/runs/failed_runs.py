"""Tell a failed run, which learnt nothing or lost what it had learnt, from one that is merely bad.

After Mosbach et al. 2021 (a run failed if it ends at or below the commonest label) and Dodge et al. 2020. The rules are
functions of the result and of the log's lines; n updates, losses (n,).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.result import Failure, Result, Scored
from bertkit.task import Recipe

Losses = NDArray[np.float64]

HARDLY = 0.05
"""Answers vary by less than this share of the golds' variation: hardly at all."""
LITTLE = 0.25
"""As HARDLY, where the training loss says too that nothing was learnt."""
FEW = 50
"""Updates below which a run is too short for more to be said of its answers than that all are the same."""
STARTING = 50
"""Updates that are the start of a long run, at most."""
FLAT_AFTER = 100
"""Updates below which nothing is said of its loss."""
FLAT = 0.02
"""The share by which a loss has to fall below where it starts, or below that of the label shares."""
LOST = 0.5
"""The share of the progress that a spike has to undo."""
SKIPPED = 0.1
"""The share of updates that fp16 may skip."""
ERRORS = 5.0
"""Standard errors by which two means of a loss have to differ, to be no fluctuation."""
SMALL = 0.1
"""A change of the loss that is less than this share of its start is small."""
HIGH_RATE, HIGH_RATE_OF_FEW = 3e-4, 3e-3
"""Learning rates above which a lower one is tried first: of all weights, and of a part of them or of random ones."""


def failures_of(result: Result, log: Sequence[Mapping[str, Any]]) -> tuple[Failure, ...]:
    """Why the run is taken for a failed one; () for a sound one. The same result and log give the same.

    log  the lines of log.jsonl: updates ("loss" and "gradient_norm", None where not finite) and scores
    """
    updates = [line for line in log if "loss" in line]
    losses, kept = _losses(updates), _losses(updates, until=result.selected.get("step"))
    flat = not result.spec.keep_head and _is_flat(result, losses)
    scored = [one for one in result.evaluations if one.metrics]
    reasons = [reason for one in scored for reason in _of_answers(one, result.training.steps, flat)]
    advice = _learn_more(result)
    found = [Failure(reason=reason, advice=advice) for reason in reasons]
    if flat and scored and not reasons and not _varies(scored) and not any(map(_beats_floor, scored)):
        found.append(Failure(reason="the training loss never left its start: the model learnt nothing", advice=advice))
    return (*found, *_spiked(kept), *_skipped(updates))


def _losses(updates: Sequence[Mapping[str, Any]], until: int | None = None) -> Losses:
    """The losses that are known, up to the update whose weights are kept."""
    taken = updates if until is None else [line for line in updates if line["step"] <= until]
    return np.array([line["loss"] for line in taken if line["loss"] is not None], float)


def _of_answers(scored: Scored, updates: int, flat: bool) -> list[str]:
    """What its answers say: they are all the same, or nearly, and no better than one answer for all rows."""
    details = scored.details
    if details.get("constant"):
        return [f"{scored.name}: every answer is the same: the model learnt nothing{_undefined(scored)}"]
    answers, golds = details.get("spread of answers"), details.get("spread of golds")
    if answers is None or not golds or updates < FEW or not _is_useless(scored, golds):
        return []
    if answers <= HARDLY * golds:
        return [f"{scored.name}: nearly every answer is the same, and the score no better than of one answer for all"]
    if flat and answers <= LITTLE * golds:
        return [f"{scored.name}: the training loss never left its start, and most answers are the same"]
    return []


def _undefined(scored: Scored) -> str:
    """What to add where answers are constant: the metrics that are shown as 0, not being defined; "" for none."""
    titles = {"matthews": "Matthews corr.", "pearson": "Pearson", "spearman": "Spearman"}
    zero = [title for name, title in titles.items() if name in scored.metrics and not scored.metrics[name].value]
    return f"; {', '.join(zero)}: not defined, shown as 0" if zero else ""


def _is_useless(scored: Scored, spread: float) -> bool:
    """Whether a score is not above that of one answer for all rows; False if no metric tells."""
    for name, score in scored.metrics.items():
        if name in ("matthews", "pearson", "spearman"):
            return score.low <= 0
        if name in ("accuracy", "tag_accuracy", "multilabel_exact"):
            return score.value <= 1 - spread
    return False


def _varies(scored: Sequence[Scored]) -> bool:
    """Whether answers are known to vary: a model at chance whose answers differ has learnt something, if badly."""
    return any("spread of answers" in one.details for one in scored)


def _beats_floor(scored: Scored) -> bool:
    """Whether its first score is above every floor that it has; True where there is none to say so."""
    metric, score = next(iter(scored.metrics.items()))
    return all(score.value > floor.metrics[metric] for floor in scored.floors)


def _is_flat(result: Result, losses: Losses) -> bool:
    """Whether the loss ends no lower than it starts, and than that of answering with the label shares."""
    if len(losses) < FLAT_AFTER:
        return False
    width = max(20, len(losses) // 5)
    start, end = _start(losses), float(losses[-width:].mean())
    shares = next((one.details.get("loss of shares") for one in result.evaluations if one.metrics), None)
    if shares is not None and _is_plain(result.spec.recipe):
        start = min(start, float(shares))
    return end >= (1 - FLAT) * start


def _start(losses: Losses) -> float:
    """Where a loss starts: the mean of the first tenth of it, of 50 at most, before a long run has learnt much."""
    return float(losses[: min(max(10, len(losses) // 10), STARTING)].mean())


def _is_plain(recipe: Recipe) -> bool:
    """Whether its loss is the cross entropy, or the squared error, alone."""
    return recipe.loss == "cross-entropy" and recipe.class_weights is None and not recipe.label_smoothing


def _spiked(losses: Losses) -> list[Failure]:
    """Whether the loss rose, lost at least half of what it had fallen, and ended there; or doubled."""
    width = max(20, len(losses) // 10)
    if len(losses) < FLAT_AFTER:
        return []
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    least = int(smooth.argmin())
    low, end, start = float(smooth[least]), float(smooth[-1]), _start(losses)
    fluctuation = ERRORS * float(np.sqrt((losses[-width:].var() + losses[least : least + width].var()) / width))
    least_change = max(fluctuation, SMALL * start)
    undone = start - low > least_change and end - low > max(least_change, LOST * (start - low))
    if not undone and end - max(low, start) < max(fluctuation, start):
        return []
    reason = f"the training loss rose from {low:.3f} to {end:.3f} and did not come back"
    return [Failure(reason=reason, advice="a lower --lr, or a longer --warmup")]


def _skipped(updates: Sequence[Mapping[str, Any]]) -> list[Failure]:
    """Whether many updates were skipped because their loss or gradient was not finite."""
    count = sum(line["loss"] is None or line.get("gradient_norm", 0.0) is None for line in updates)
    if count <= max(20, SKIPPED * len(updates)):  # the scaler of fp16 finds its scale in some 10
        return []
    reason = f"{count:,} of {len(updates):,} updates were skipped: their loss or gradient was not finite"
    return [Failure(reason=reason, advice="--precision bf16 or fp32, or a lower --lr")]


def _learn_more(result: Result) -> str:
    """What to try where nothing was learnt."""
    recipe, steps = result.spec.recipe, result.training.steps
    few = recipe.lora is not None or recipe.freeze == "all" or result.spec.scratch
    tips = []
    if high := recipe.learning_rate > (HIGH_RATE_OF_FEW if few else HIGH_RATE):
        tips.append(f"a lower --lr (here {recipe.learning_rate:g}; 2e-5 to 1e-4 is usual)")
    if steps < 2 * FLAT_AFTER:
        tips.append(f"more updates (--epochs; here {steps:,})")
    if not high and steps >= FEW:
        tips.append(f"{'another' if few else 'a lower'} --lr (here {recipe.learning_rate:g})")
        tips += ["a longer --warmup, such as 0.1"] if recipe.warmup < 0.1 else ["another --seed"]
    return ", ".join(tips[:-1]) + (", or " if len(tips) > 1 else "") + tips[-1]
