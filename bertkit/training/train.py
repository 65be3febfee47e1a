"""The training loop: batches of features in, a trained model out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from bertkit.data.sampler import Indices, Schedule
from bertkit.errors import DivergedError
from bertkit.heads.features import Features
from bertkit.machine.memory import Guard
from bertkit.models.layout import BatchLayout
from bertkit.models.trainable import Trainable
from bertkit.progress import Progress
from bertkit.result import Training
from bertkit.task import Recipe
from bertkit.training.checkpointer import Checkpointer
from bertkit.training.early_stopping import BEST
from bertkit.training.micro_batches import split
from bertkit.training.optimizer import optimizer_of, rate_of
from bertkit.training.pruning import Stopping
from bertkit.training.update import Update, Updater, updater

SKIPPED = 40
"""Updates in a row that fp16 may skip: its scaler halves the scale of 2**16 after each."""


class NotFiniteError(DivergedError):
    """The loss or the gradient norm of an update is non-finite, in fp32 too; the weights are unchanged.

    rows  the rows of the update, by their index
    """

    def __init__(self, step: int, rate: float, update: Update, rows: list[int]) -> None:
        what = f"the loss is {update.loss}" if not math.isfinite(update.loss) else f"the gradient norm is {update.norm}"
        super().__init__(f"update {step} failed: {what} (learning rate {rate:.2e}); try a lower --lr")
        self.plain = {"step": step, "learning_rate": rate, "loss": str(update.loss), "norm": str(update.norm)}
        self.rows = rows


class FeatureLengths(Protocol):
    """How many features there are, and how long each is."""

    def __len__(self) -> int: ...
    def lengths_of(self, features: Indices) -> Indices: ...


class FeatureSource(FeatureLengths, Protocol):
    """Features taken by the batch, as they are in an epoch: of rows still being encoded, or of a corpus."""

    def take(self, features: Indices, epoch: int) -> Features: ...


@dataclass(frozen=True, kw_only=True)
class Session:
    """What a training loop reports to, scores with and saves with, and the seed of its random numbers.

    log           receives a record of each update
    score         evaluates the model, every `eval_every` updates; it is given their number
    keep          is called after each update, and may save the model; it is given the number of updates, and what
                  brings the model's weights up to date
    stopping      ends training early, and selects the final model; or prunes a trial
    seed          of dropout and of the rows' order
    fast_dropout  whether dropout on a CPU uses kernels/dropout.py in place of torch
    checkpointer  resumes, saves and stops the run
    guard         the memory limit
    """

    log: Callable[[dict[str, Any]], None]
    progress: Progress
    seed: int
    score: Callable[[int], None] | None = None
    eval_every: int | None = None
    keep: Callable[[int, Callable[[], object]], None] | None = None
    stopping: Stopping | None = None
    fast_dropout: bool = True
    checkpointer: Checkpointer = field(default_factory=Checkpointer)
    guard: Guard = field(default_factory=Guard)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Training so far: updates, rows and real tokens seen, seconds, and the last update's loss."""

    step: int = 0
    examples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = math.nan

    def after(self, parts: list[Features], loss: float, seconds: float) -> Sums:
        """The sums after one more update, on `parts`."""
        return Sums(
            step=self.step + 1,
            examples=self.examples + sum(map(len, parts)),
            tokens=self.tokens + sum(int(part.lengths.sum()) for part in parts),
            seconds=seconds,
            loss=loss,
        )


def schedule_of(source: FeatureLengths, recipe: Recipe, layout: BatchLayout, seed: int) -> Schedule:
    """Which features make which update."""
    return Schedule(
        order=layout.cut(recipe, seed),
        features=len(source),
        lengths=source.lengths_of,
        epochs=recipe.epochs,
        accumulation=recipe.gradient_accumulation,
        given_updates=recipe.max_steps,
    )


def train(model: Trainable, source: FeatureSource, recipe: Recipe, session: Session) -> Training:
    """Train `model` in place by `recipe`, from the checkpointer's state if it has one.

    Raises NotFiniteError if a loss is non-finite, RunError if one row does not fit into memory, and StopRequested (a
    KeyboardInterrupt) after a signal, once the state is saved.
    """
    checkpointer = session.checkpointer
    schedule = schedule_of(source, recipe, model.layout, session.seed)
    updates = schedule.updates
    session.progress.note(_described(schedule, model, session.fast_dropout))
    session.progress.phase("training", updates)
    optimizer = optimizer_of(model.network, recipe)
    sums = Sums()
    with (
        updater(model, optimizer, session.seed, session.fast_dropout, session.guard) as one,
        checkpointer.stop.deferred(),
    ):
        if checkpointer.state:
            one.load_state(checkpointer.state)
            if session.stopping:
                session.stopping.load(checkpointer.state.facts["stopping"], checkpointer.state.under(BEST))
            checkpointer.state.release()
            sums = Sums(**{name: checkpointer.state.facts[name] for name in vars(sums)})
            session.progress.advance(sums.step, loss=sums.loss)
        began = time.perf_counter() - sums.seconds
        for epoch, micros in islice(schedule.micro_batches(), sums.step, None):
            if session.stopping and session.stopping.done:
                break
            parts = [part for micro in micros for part in split(source.take(micro, epoch), recipe)]
            step, rate = sums.step + 1, recipe.learning_rate * rate_of(sums.step, updates, recipe.warmup)
            update, exact = _backward(one, parts, step, rate, session.progress)
            one.step(update.norm, recipe.max_grad_norm, rate)
            sums = sums.after(parts, update.loss, time.perf_counter() - began)
            session.log({**vars(sums), "seconds": round(sums.seconds, 3), "learning_rate": rate,
                         "gradient_norm": update.norm, **({"precision": "fp32"} if exact else {})})  # fmt: skip
            session.progress.advance(loss=update.loss, examples=sum(map(len, parts)))
            ended = _evaluated(session, one, step, step == updates)
            checkpointer.between(one, vars(sums), last=ended)
    if session.stopping:
        session.stopping.restore(model.network)
    return Training(
        steps=sums.step, examples=sums.examples, tokens=sums.tokens, seconds=sums.seconds,
        loss=sums.loss if math.isfinite(sums.loss) else None,  # fp16 may skip the last update
        layout=model.layout.layout, order=model.layout.order, dropout="fast" if one.fast else "torch",
    )  # fmt: skip


def _evaluated(session: Session, one: Updater, step: int, last: bool) -> bool:
    """Evaluate and keep the model if it is time after `step` updates, the `last` or not; whether training ends."""
    scored = bool(session.score and session.eval_every and step % session.eval_every == 0 and not last)
    if session.score and scored:
        session.score(step)
    if session.stopping and session.stopping.due(step, last):
        session.stopping.offer(step, one.own_weights)
        scored = True
    if session.keep:
        session.keep(step, one.own_weights)
    if scored:
        one.network.train()
    return last or bool(session.stopping and session.stopping.done)


def _backward(one: Updater, parts: list[Features], step: int, rate: float, progress: Progress) -> tuple[Update, bool]:
    """The gradient of an update, and whether it had to be computed in fp32. Raises NotFiniteError."""
    mixed, pieces, before = one.accelerator.mixed_precision, one.pieces, one.rng_state()
    update = one.backward(parts)
    if one.pieces > pieces:
        progress.note(f"out of memory at update {step}: batches are split into {one.pieces} parts from here on")
    if update.finite or (mixed == "fp16" and one.skipped < SKIPPED):
        one.skipped = 0 if update.finite else one.skipped + 1
        return update, False
    again = update
    if mixed == "bf16":
        one.zero_grad()
        one.set_rng_state(before)
        again = one.backward(parts, exact=True)
    if not again.finite:
        raise NotFiniteError(step, rate, again, sorted({int(row) for part in parts for row in part.row}))
    progress.note(f"update {step}: non-finite in bf16 (loss {update.loss}, norm {update.norm}); recomputed in fp32")
    return again, True


def _described(schedule: Schedule, model: Trainable, fast_dropout: bool) -> str:
    """The training to come, in one line for the user."""
    order, accelerator = schedule.order, model.accelerator
    size = f"{order.size} rows" if order.tokens is None else f"at most {order.tokens:,} tokens"
    several = f", {schedule.accumulation} batches an update" if schedule.accumulation > 1 else ""
    ordered = "in random order" if model.layout.order == "random" else "of similar length"
    dropout = "" if fast_dropout and accelerator.device.type == "cpu" else " · torch's dropout"
    how = f"{model.layout.layout} · {accelerator.mixed_precision.replace('no', 'fp32')}{dropout}"
    return f"{schedule.updates:,} updates · batches of {size} {ordered}{several} · {how}"
