"""How many updates a budget buys: of a time, from a few timed updates before the first."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np

from bertkit.errors import RequestError
from bertkit.machine.sync import broadcast
from bertkit.models.trainable import Trainable
from bertkit.pretraining import Budget
from bertkit.task import Recipe
from bertkit.training.micro_batches import split
from bertkit.training.optimizer import optimizer_of
from bertkit.training.train import FeatureSource, Session, schedule_of
from bertkit.training.update import updater

MOST = 40
"""Updates that are timed at most."""
RATE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds of an update (the mean), and how many were timed."""

    update: float
    timed: int


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Updates before timing begins, how many are timed then at least, and seconds after which that is enough."""

    warming: int = 3
    least: int = 5
    patience: float = 15.0


@contextmanager
def unchanged(model: Trainable) -> Iterator[None]:
    """What is trained inside leaves no trace: the model's weights, and fp16's scale, are afterwards what they were."""
    before = copy.deepcopy(model.network.state_dict())
    scaler = getattr(model.accelerator, "scaler", None)
    scale = copy.deepcopy(scaler.state_dict()) if scaler is not None else {}
    yield
    model.network.load_state_dict(before)
    if scaler is not None:
        scaler.load_state_dict(scale)


def time_pace(
    model: Trainable, source: FeatureSource, recipe: Recipe, session: Session, timing: Timing = Timing()
) -> Pace:
    """Time the first updates of a run; the model is `unchanged`."""
    schedule = schedule_of(source, recipe, model.layout, session.seed)
    optimizer = optimizer_of(model.network, recipe)
    seconds: list[float] = []
    session.progress.phase("timing", timing.warming + MOST)
    start = time.perf_counter()
    with (
        unchanged(model),
        updater(model, optimizer, session.seed, session.fast_dropout, session.guard) as one,
    ):
        for epoch, micros in islice(schedule.micro_batches(), timing.warming + MOST):
            began = time.perf_counter()
            enough = len(seconds) >= timing.warming + timing.least and began - start > timing.patience
            if broadcast(enough):  # several processes stop after the same update
                break
            parts = [part for micro in micros for part in split(source.take(micro, epoch), recipe)]
            update = one.backward(parts)
            one.step(update.norm, recipe.max_grad_norm, RATE)
            seconds.append(time.perf_counter() - began)
            session.progress.advance(loss=update.loss)
    timed = seconds[timing.warming :] or seconds
    return Pace(update=float(np.mean(timed)), timed=len(timed))


@dataclass(frozen=True, kw_only=True)
class OtherTime:
    """Seconds of a run that are no updates: with each update, on average, and in all besides; `what` they go to."""

    an_update: float = 0.0
    besides: float = 0.0
    what: str = "measuring"

    def of(self, updates: int) -> float:
        """In a run of so many updates."""
        return self.besides + updates * self.an_update


def updates_of(budget: Budget, tokens: int, pace: Pace | None = None, other: OtherTime | None = None) -> int:
    """How many updates of so many `tokens` the budget buys, at least one.

    A budget of time needs the `pace`, and the other time is part of it. Raises RequestError where that leaves nothing.
    """
    if budget.unit == "steps":
        return max(1, round(budget.amount))
    if budget.unit == "tokens":
        return max(1, round(budget.amount / tokens))
    assert pace
    rest = other or OtherTime()
    each = pace.update + rest.an_update
    if budget.amount <= rest.besides + each:
        parts = f"an update takes {_shown(each)}, and {rest.what} {_shown(rest.besides)}"
        raise RequestError(f"--budget {budget.amount:g}s: {parts}; give more")
    return max(1, round((budget.amount - rest.besides) / each))


def _shown(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:,.0f} s"
