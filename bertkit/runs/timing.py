"""Time the parts of a run before its first update: a few updates, a batch of each evaluation, one save."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bertkit.data.cache import temporary_folder
from bertkit.data.locate import TRAIN
from bertkit.data.rows import Rows
from bertkit.data.sampler import by_length
from bertkit.data.splits import SELECTION
from bertkit.evaluation.inference import BUDGET, predict
from bertkit.evaluation.score import Answered, score
from bertkit.heads.features import Features
from bertkit.machine.memory import Guard
from bertkit.models.finish import finished
from bertkit.models.load import save
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.runs.claim import Claim
from bertkit.task import Evaluation, Recipe
from bertkit.training.timed import Effort, Timed, time_updates
from bertkit.training.train import Session

PREDICTED = 16_384
"""Tokens of an evaluation that are predicted to time it."""
WARMING = 1_024


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Seconds of a run's parts.

    training  of its updates
    once      of the first passes of the evaluations, in which more is done than in later ones
    at_end    of all evaluations at the end
    each      of those of one time during training
    saving    of the model
    """

    training: Timed
    once: float
    at_end: float
    each: float
    saving: float


def time_parts(
    run: Claim, model: TaskModel, features: Mapping[str, Features], recipe: Recipe, done: int = 0,
    effort: Effort | None = None,
) -> Timings:  # fmt: skip
    """Time the parts of a run of which `done` updates are done already. The model's weights change."""
    session = Session(
        log=lambda line: None, progress=run.progress, seed=run.spec.seed, fast_dropout=run.spec.fast_dropout,
        guard=Guard(run.options.max_memory),
    )  # fmt: skip
    training = time_updates(model, features[TRAIN], recipe, session, done, effort)
    once, at_end, each = _evaluations(run, model, features)
    return Timings(training=training, once=once, at_end=at_end, each=each, saving=_saving(model))


def _evaluations(run: Claim, model: TaskModel, features: Mapping[str, Features]) -> tuple[float, ...]:
    """Seconds of the first pass alone, of all evaluations at the end, and of those of one time during training."""
    once = at_end = each = 0.0
    for one in run.spec.task.evaluations:
        rows = run.splits.evaluations[one.name]
        if isinstance(rows, Rows):
            first, whole = _pass(model, one, rows, features[one.name])
            once, at_end = once + first, at_end + whole
            each += whole if one in run.spec.task.scored and not one.at_end else 0.0
    if run.splits.selection:
        _, whole = _pass(model, run.spec.task.scored[0], run.splits.selection, features[SELECTION])
        at_end += 2 * whole
        each += whole if run.spec.recipe.keeps_best else 0.0
    return once, at_end, each


def _pass(model: TaskModel, evaluation: Evaluation, rows: Rows, features: Features) -> tuple[float, float]:
    """Seconds of a few rows, with what is done only once, and of all rows, as far as the tokens of some tell."""

    def timed(tokens: int) -> tuple[float, int]:
        began = time.perf_counter()
        last = min(int(np.searchsorted(np.cumsum(features.lengths), tokens)), len(features) - 1)
        count = int(features.row[last]) + 1
        part = features.take(np.arange(np.searchsorted(features.row, count)))
        columns = rows.table[:count]
        answered = Answered(model.head, evaluation)
        answered.add(columns, model.head.decode(columns, part, predict(model, part, Progress()), model.window))
        score(model.head, answered)
        return time.perf_counter() - began, _tokens(part, model)

    first, _ = timed(WARMING)
    seconds, tokens = timed(PREDICTED)
    return first, seconds * _tokens(features, model) / tokens


def _tokens(features: Features, model: TaskModel) -> int:
    """Tokens that predicting the features computes, padding counted."""
    if model.layout.packed:
        return int(features.lengths.sum())
    batches = by_length(features.lengths, BUDGET)
    return sum(len(batch) * int(features.lengths[batch].max()) for batch in batches)


def _saving(model: TaskModel) -> float:
    """Seconds in which the model is saved."""
    with temporary_folder("plan") as folder:
        began = time.perf_counter()
        with finished(model) as whole:
            save(whole.loaded, folder)
        return time.perf_counter() - began


def clock(seconds: float) -> str:
    """A time as text: 4.2 s, 3 min 20 s, 5 h 10 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"
