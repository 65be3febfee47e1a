"""The loop: batches of features in, a trained model out. The order of things is all here, in the open.

N processes share each global batch; their gradients add up to that of one process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from bertkit import batches
from bertkit.errors import RunError
from bertkit.features import Features
from bertkit.heads import Head
from bertkit.loss import loss as loss_of
from bertkit.model import Loaded, forward, readable_inputs
from bertkit.result import Training
from bertkit.task import Recipe
from bertkit.watch import Watch

Score = Callable[[int], None]
"""Scores the model as it is after so many updates."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many updates there are, and how many micro-batches make one."""

    features: int
    recipe: Recipe

    @property
    def updates_per_epoch(self) -> int:
        """Micro-batches of an epoch, put together to updates; the last may have fewer."""
        return math.ceil(math.ceil(self.features / self.recipe.batch_size) / self.recipe.gradient_accumulation)

    @property
    def updates(self) -> int:
        """All updates of the run."""
        exact = round(self.recipe.epochs * self.updates_per_epoch, 6)  # 0.55 * 100 is a little over 55
        return self.recipe.max_steps or max(1, math.ceil(exact))

    def micro_batches(self, lengths: batches.Indices, seed: int) -> Iterator[list[batches.Indices]]:
        """For each update of the run its micro-batches, over all processes."""
        done = epoch = 0
        while True:
            ordered = batches.order(lengths, self.recipe.batch_size, seed, epoch)
            for start in range(0, len(ordered), self.recipe.gradient_accumulation):
                if done == self.updates:
                    return
                yield ordered[start : start + self.recipe.gradient_accumulation]
                done += 1
            epoch += 1


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
    features: Features,
    recipe: Recipe,
    seed: int,
    accelerator: Accelerator,
    log: Callable[[dict[str, Any]], None],
    watch: Watch,
    score: Score | None = None,
    eval_every: int | None = None,
) -> Training:
    """Train `loaded.model` in place by `recipe`. Raises RunError where the loss is no number."""
    plan = Plan(features=len(features), recipe=recipe)
    optimizer = optimizer_of(loaded.model, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_of(step, plan.updates, recipe.warmup))
    model, optimizer = accelerator.prepare(loaded.model, optimizer)
    for wrapped in ("forward", "_original_forward"):  # accelerate's: autocast is entered in _part, and there alone
        vars(loaded.model).pop(wrapped, None)
    loop = _Loop(model=model, head=head, features=features, pad=loaded.pad, accelerator=accelerator)
    watch.phase("training", plan.updates)
    began, examples, tokens, last = time.perf_counter(), 0, 0, math.nan
    model.train()
    for step, micros in enumerate(plan.micro_batches(features.lengths, seed), 1):
        rate = schedule.get_last_lr()[0]
        last = loop.backward(micros)
        if not math.isfinite(last):
            raise RunError(f"the loss became {last} at update {step} (learning rate {rate:.2e}); try a lower --lr")
        norm = accelerator.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        seen = sum(len(micro) for micro in micros)
        examples += seen
        tokens += sum(int(features.lengths[micro].sum()) for micro in micros)
        seconds = time.perf_counter() - began
        log({"step": step, "examples": examples, "tokens": tokens, "loss": last, "learning_rate": rate,
             "gradient_norm": float(norm), "seconds": round(seconds, 3)})  # fmt: skip
        watch.advance(loss=last, examples=seen)
        if score and eval_every and step % eval_every == 0 and step < plan.updates:
            score(step)
            model.train()
    seconds = time.perf_counter() - began
    return Training(steps=plan.updates, examples=examples, tokens=tokens, seconds=seconds, loss=last)


@dataclass(frozen=True, kw_only=True)
class _Loop:
    """What every update needs."""

    model: Any
    head: Head
    features: Features
    pad: int
    accelerator: Accelerator

    def backward(self, micros: list[batches.Indices]) -> float:
        """Leave the gradient of the mean loss over `micros` in the model; return that loss.

        The mean is over rows, or over words for tagging, of the whole update, however it was cut up.
        """
        total = max(1, sum(batches.count(self.features, micro) for micro in micros))
        loss = torch.zeros((), device=self.accelerator.device)
        for k, micro in enumerate(micros):
            last = k == len(micros) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.model):
                part = self._part(micro) / total
                # DistributedDataParallel takes the mean over processes: the parts are to be added up
                self.accelerator.backward(part * self.accelerator.num_processes)
            loss += part.detach()
        return float(self.accelerator.reduce(loss, reduction="sum"))

    def _part(self, micro: batches.Indices) -> Tensor:
        """The summed loss of this process' part of a micro-batch; 0, still with a gradient, if it has none."""
        mine = batches.share(micro, self.accelerator.process_index, self.accelerator.num_processes)
        batch = batches.collate(self.features, mine if len(mine) else micro[:1], self.pad)
        batch = batch.to(self.accelerator.device)
        with self.accelerator.autocast():
            logits = forward(self.model, self.head, batch, self._readable)
        assert batch.targets is not None
        return loss_of(self.head, logits, batch.targets, batch.mask) * float(len(mine) > 0)

    @property
    def _readable(self) -> set[str]:
        return readable_inputs(self.accelerator.unwrap_model(self.model))
