"""The training loop: batches of features in, a trained model out. The order of things is all here, in the open."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, Protocol

from accelerate import Accelerator

from bertkit.data.sampler import Indices, Schedule
from bertkit.errors import RunError
from bertkit.heads import Head
from bertkit.heads.features import Features
from bertkit.machine.memory import Guard
from bertkit.models.layout import Laid
from bertkit.models.load import Loaded
from bertkit.progress import Watch
from bertkit.result import Training
from bertkit.task import Recipe
from bertkit.training.checkpointer import Keeper
from bertkit.training.optimizer import optimizer_of, rate_of
from bertkit.training.update import Loop, Update, loop

SKIPPED = 40
"""Updates that fp16 may leave out one after another: its scaler halves the scale of 2**16 after each."""

Score = Callable[[int], None]
"""Scores the model as it is after so many updates."""


class NotFiniteError(RunError):
    """The loss or the gradient's norm of an update is no number, in fp32 too; the weights are as they were before.

    rows  the rows of the update, by their index
    """

    def __init__(self, step: int, rate: float, update: Update, rows: list[int]) -> None:
        what = f"the loss became {update.loss}" if not math.isfinite(update.loss) else f"its gradient is {update.norm}"
        super().__init__(f"update {step} failed: {what} (learning rate {rate:.2e}); try a lower --lr")
        self.plain = {"step": step, "learning_rate": rate, "loss": str(update.loss), "norm": str(update.norm)}
        self.rows = rows


class Source(Protocol):
    """Features that are given out by the batch: a Features, or one that is still being encoded."""

    def __len__(self) -> int: ...
    def take(self, features: Indices) -> Features: ...
    def lengths_of(self, features: Indices) -> Indices: ...


def schedule_of(source: Source, recipe: Recipe, laid: Laid, seed: int) -> Schedule:
    """Which features make which update."""
    return Schedule(
        order=laid.cut(recipe, seed),
        features=len(source),
        lengths=source.lengths_of,
        epochs=recipe.epochs,
        accumulation=recipe.gradient_accumulation,
        given_updates=recipe.max_steps,
    )


def train(
    loaded: Loaded,
    head: Head,
    source: Source,
    recipe: Recipe,
    laid: Laid,
    seed: int,
    accelerator: Accelerator,
    log: Callable[[dict[str, Any]], None],
    watch: Watch,
    score: Score | None = None,
    eval_every: int | None = None,
    drawn_fast: bool = True,
    keeper: Keeper | None = None,
    guard: Guard | None = None,
) -> Training:
    """Train `loaded.model` in place by `recipe`, from where `keeper` says.

    `score` is called every `eval_every` updates; `drawn_fast` has a CPU draw dropout by dropout.py. Raises
    NotFiniteError where the loss is no number, RunError where one row does not fit into memory, and Asked, once the
    state is kept, if somebody asked for an end.
    """
    keeper = keeper or Keeper()
    schedule = schedule_of(source, recipe, laid, seed)
    updates = schedule.updates
    watch.note(_in_words(schedule, laid, accelerator, drawn_fast))
    watch.phase("training", updates)
    sums = {"step": 0, "examples": 0, "tokens": 0, "seconds": 0.0, "loss": math.nan}
    optimizer = optimizer_of(loaded.model, recipe)
    guard = guard or Guard()
    with loop(loaded, head, laid, accelerator, optimizer, seed, drawn_fast, guard) as one, keeper.stop.gently():
        if keeper.state:
            one.go_on(keeper.state)
            keeper.state.release()
            sums = {name: keeper.state.facts[name] for name in sums}
            watch.advance(int(sums["step"]), loss=sums["loss"])
        done, began = int(sums["step"]), time.perf_counter() - sums["seconds"]
        for step, micros in enumerate(islice(schedule.micro_batches(), done, None), done + 1):
            parts = [source.take(micro) for micro in micros]
            rate = recipe.learning_rate * rate_of(step - 1, updates, recipe.warmup)
            update, exact = _learnt(one, parts, step, rate, watch)
            one.move(update.norm, recipe.max_grad_norm, rate)
            seen = sum(map(len, parts))
            sums = {
                "step": step,
                "examples": sums["examples"] + seen,
                "tokens": sums["tokens"] + sum(int(part.lengths.sum()) for part in parts),
                "loss": update.loss,
                "seconds": time.perf_counter() - began,
            }
            log({**sums, "seconds": round(sums["seconds"], 3), "learning_rate": rate, "gradient_norm": update.norm,
                 **({"precision": "fp32"} if exact else {})})  # fmt: skip
            watch.advance(loss=update.loss, examples=seen)
            if score and eval_every and step % eval_every == 0 and step < updates:
                score(step)
                one.loaded.model.train()
            keeper.between(one, sums, last=step == updates)
    return Training(
        steps=updates, examples=int(sums["examples"]), tokens=int(sums["tokens"]), seconds=sums["seconds"],
        loss=sums["loss"], layout=laid.layout, order=laid.order, dropout="fast" if one.fast else "torch",
    )  # fmt: skip


def _learnt(one: Loop, parts: list[Features], step: int, rate: float, watch: Watch) -> tuple[Update, bool]:
    """The gradient of an update, and whether it had to be computed in fp32. Raises NotFiniteError."""
    mixed, pieces, before = one.accelerator.mixed_precision, one.pieces, one.draws()
    update = one.learn(parts)
    if one.pieces > pieces:
        watch.note(f"out of memory at update {step}: batches are cut into {one.pieces} pieces from now on")
    if update.sound or (mixed == "fp16" and one.skipped < SKIPPED):
        one.skipped = 0 if update.sound else one.skipped + 1
        return update, False
    again = update
    if mixed == "bf16":
        one.forget()
        one.draw_from(before)
        again = one.learn(parts, exact=True)
    if not again.sound:
        raise NotFiniteError(step, rate, again, sorted({int(row) for part in parts for row in part.row}))
    watch.note(f"update {step} gave no number in bf16 (loss {update.loss}, norm {update.norm}): it was made in fp32")
    return again, True


def _in_words(schedule: Schedule, laid: Laid, accelerator: Accelerator, drawn_fast: bool) -> str:
    """What is going to be done, in one line."""
    order = schedule.order
    size = f"{order.size} rows" if order.tokens is None else f"at most {order.tokens:,} tokens"
    several = f", {schedule.accumulation} batches an update" if schedule.accumulation > 1 else ""
    ordered = "in random order" if laid.order == "random" else "of like length"
    dropout = "" if drawn_fast and accelerator.device.type == "cpu" else " · torch's dropout"
    precision = accelerator.mixed_precision.replace("no", "fp32")
    return f"{schedule.updates:,} updates · batches of {size} {ordered}{several} · {laid.layout} · {precision}{dropout}"
