"""The loop: batches of features in, a trained model out. The order of things is all here, in the open.

N processes share each global batch; their gradients add up to that of one process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from bertkit.batches import count
from bertkit.dropout import Masks, PlainMasks, fast_dropout
from bertkit.errors import RunError
from bertkit.features import Features
from bertkit.heads import Head
from bertkit.layouts import Laid
from bertkit.linear import fast_linear
from bertkit.lookup import TouchedRows, touched_rows
from bertkit.loss import loss as loss_of
from bertkit.model import Loaded, forward, readable_inputs
from bertkit.order import Indices, Schedule, share
from bertkit.result import Training
from bertkit.task import Recipe
from bertkit.unpadded import unpadded
from bertkit.watch import Watch

Score = Callable[[int], None]
"""Scores the model as it is after so many updates."""


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


def optimizer_of(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with bias correction; no decay on biases and norms (Devlin et al. 2019, appendix A.2)."""
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        bare = parameter.ndim < 2 or name.endswith("bias")
        (plain if bare else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def rate_of(step: int, updates: int, warmup: float) -> float:
    """The share of the peak rate at an update counted from 0: a rise over `warmup`, then a fall to 0."""
    rise = warmup * updates
    if step < rise:
        return (step + 1) / (rise + 1)
    return (updates - step) / max(1.0, updates - rise)


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
) -> Training:
    """Train `loaded.model` in place by `recipe`. Raises RunError where the loss is no number.

    `score` is called every `eval_every` updates; `drawn_fast` has a CPU draw dropout by dropout.py.
    """
    schedule = schedule_of(source, recipe, laid, seed)
    updates = schedule.updates
    optimizer = optimizer_of(loaded.model, recipe)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_of(step, updates, recipe.warmup))
    watch.note(_in_words(schedule, laid, accelerator, drawn_fast))
    watch.phase("training", updates)
    began, examples, tokens, last = time.perf_counter(), 0, 0, math.nan
    with _loop(loaded, head, laid, accelerator, optimizer, seed, drawn_fast) as loop:
        for step, micros in enumerate(schedule.micro_batches(), 1):
            parts = [source.take(micro) for micro in micros]
            rate = rates.get_last_lr()[0]
            last = loop.backward(parts)
            if not math.isfinite(last):
                raise RunError(f"the loss became {last} at update {step} (learning rate {rate:.2e}); try a lower --lr")
            norm = loop.update(recipe.max_grad_norm)
            rates.step()
            seen = sum(map(len, parts))
            examples += seen
            tokens += sum(int(part.lengths.sum()) for part in parts)
            seconds = time.perf_counter() - began
            log({"step": step, "examples": examples, "tokens": tokens, "loss": last, "learning_rate": rate,
                 "gradient_norm": norm, "seconds": round(seconds, 3)})  # fmt: skip
            watch.advance(loss=last, examples=seen)
            if score and eval_every and step % eval_every == 0 and step < updates:
                score(step)
                loop.model.train()
    seconds = time.perf_counter() - began
    return Training(
        steps=updates, examples=examples, tokens=tokens, seconds=seconds, loss=last, layout=laid.layout,
        order=laid.order, dropout="fast" if loop.fast else "torch",
    )  # fmt: skip


def _in_words(schedule: Schedule, laid: Laid, accelerator: Accelerator, drawn_fast: bool) -> str:
    """What is going to be done, in one line."""
    order = schedule.order
    size = f"{order.size} rows" if order.tokens is None else f"at most {order.tokens:,} tokens"
    several = f", {schedule.accumulation} batches an update" if schedule.accumulation > 1 else ""
    ordered = "in random order" if laid.order == "random" else "of like length"
    dropout = "" if drawn_fast and accelerator.device.type == "cpu" else " · torch's dropout"
    precision = accelerator.mixed_precision.replace("no", "fp32")
    return f"{schedule.updates:,} updates · batches of {size} {ordered}{several} · {laid.layout} · {precision}{dropout}"


@contextmanager
def _loop(
    loaded: Loaded,
    head: Head,
    laid: Laid,
    accelerator: Accelerator,
    optimizer: torch.optim.AdamW,
    seed: int,
    drawn_fast: bool,
) -> Iterator[_Loop]:
    """What every update needs; the model is as it was before once this is left."""
    fast = drawn_fast and accelerator.device.type == "cpu"
    masks = Masks(seed, accelerator.process_index) if fast else PlainMasks(seed)
    with ExitStack() as stack:
        if laid.packed:
            stack.enter_context(unpadded(loaded.model, head))
        if fast:
            stack.enter_context(fast_dropout(loaded.model, masks))
        stack.enter_context(fast_linear(loaded.model))
        rows = None
        if accelerator.device.type == "cpu" and accelerator.num_processes == 1:
            rows = stack.enter_context(touched_rows(loaded.model))
        model, optimizer = accelerator.prepare(loaded.model, optimizer)
        for wrapped in (
            "forward",
            "_original_forward",
        ):  # accelerate's: autocast is entered in _summed, and there alone
            vars(loaded.model).pop(wrapped, None)
        model.train()
        yield _Loop(
            model=model, loaded=loaded, head=head, laid=laid, accelerator=accelerator, optimizer=optimizer,
            masks=masks, fast=fast, rows=rows, readable=readable_inputs(loaded.model),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Loop:
    """What every update needs. `rows` collects the gradient of the word embeddings, where one process computes."""

    model: Any
    loaded: Loaded
    head: Head
    laid: Laid
    accelerator: Accelerator
    optimizer: Any
    masks: Masks
    fast: bool
    rows: TouchedRows | None
    readable: set[str]

    def backward(self, parts: list[Features]) -> float:
        """Leave the gradient of the mean loss over `parts` in the model; return that loss.

        The mean is over rows, or over words for tagging, of the whole update, however it was cut up.
        """
        total = max(1, sum(map(count, parts)))
        loss = torch.zeros((), device=self.accelerator.device)
        for k, part in enumerate(parts):
            last = k == len(parts) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.model):
                mean = self._summed(part) / total
                # DistributedDataParallel takes the mean over processes: the parts are to be added up
                self.accelerator.backward(mean * self.accelerator.num_processes)
            loss += mean.detach()
        return float(self.accelerator.reduce(loss, reduction="sum"))

    def _summed(self, part: Features) -> Tensor:
        """The summed loss of this process' share of a micro-batch; 0, still with a gradient, if it has none."""
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        mine = share(part.lengths, rank, processes)
        given = part.take(mine if len(mine) else np.zeros(1, np.int64)) if processes > 1 else part
        batch = self.laid.batch(given, self.loaded).to(self.accelerator.device)
        with self.accelerator.autocast():
            logits = forward(self.model, self.head, batch, self.readable, self.masks)
        assert batch.targets is not None
        return loss_of(self.head, logits, batch.targets, batch.mask) * float(len(mine) > 0)

    def update(self, most: float) -> float:
        """Move the weights by the gradient, cut to a norm of `most`; return the norm it had, and clear it."""
        self.accelerator.unscale_gradients()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        if self.rows:
            gathered = self.rows.gather()
            gradients = [g for g in gradients if g is not self.rows.table.weight.grad] + [gathered]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not norm <= most:  # what the norm's own function does, but for gradients it would multiply by 1
            torch._foreach_mul_(gradients, most / (norm + 1e-6))
        if self.rows:
            self.rows.spread(gathered)
        self.optimizer.step()
        for parameter in self.model.parameters():
            if not self.rows or parameter is not self.rows.table.weight:
                parameter.grad = None
        if self.rows:
            self.rows.clear()
        return float(norm)
