"""Time a few updates of a run's own schedule, and work out from them how long all of it takes.

U updates. Real updates, at a learning rate of almost 0: the model is not trained, and nothing of it is kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from bertkit.data.sampler import Indices, Schedule
from bertkit.heads.features import Features
from bertkit.machine.sync import broadcast
from bertkit.models.task_model import TaskModel
from bertkit.task import Recipe
from bertkit.training.micro_batches import split
from bertkit.training.optimizer import optimizer_of
from bertkit.training.train import Session, schedule_of
from bertkit.training.update import Updater, updater

WARMING, TIMED, LEAST = 2, 12, 4
"""Updates for warming up, those that are timed then, and how many of them at least, however slow they are."""
COUNTED = 100_000
"""Updates of a schedule that are counted; for a longer one the mean over these is extrapolated."""
SEEN = 100_000
"""Features whose words are in the sparse embedding while updates are timed, at most."""
RATE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many updates are timed after the warm-up, and the seconds after which no more are."""

    updates: int = TIMED
    patience: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What each update reads: its features, their real tokens, and the tokens it computes, padding counted; (U,)."""

    features: Indices
    tokens: Indices
    sizes: Indices


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A run's schedule, and the seconds that its updates take.

    updates, features, tokens  of the whole run, an update that a checkpoint holds too
    epoch_tokens               real tokens of one epoch
    training                   seconds of the updates that are left, the first being slower
    an_update                  seconds of one of them, on average
    timed                      how many updates were timed
    copying                    seconds in which the state is copied for a checkpoint
    """

    updates: int
    features: int
    tokens: int
    epoch_tokens: int
    training: float
    an_update: float
    timed: int
    copying: float

    def of(self, updates: int) -> Timed:
        """The same of so many updates from the first on, in place of the schedule's own."""
        more = updates / self.updates
        return replace(
            self, updates=updates, features=round(self.features * more), tokens=round(self.tokens * more),
            training=updates * self.an_update,
        )  # fmt: skip


def time_updates(
    model: TaskModel, features: Features, recipe: Recipe, session: Session, done: int = 0, effort: Effort | None = None
) -> Timed:
    """Time updates of the run's schedule, `done` updates of which are done already. The model's weights change."""
    effort = effort or Effort()
    schedule = schedule_of(features, recipe, model.layout, session.seed)
    work = work_of(schedule, features, padded=not model.layout.packed)
    more = schedule.updates / len(work.sizes)
    picked = chosen(work.sizes, min(done, len(work.sizes) - 1), effort.updates)
    parts = _parts_of(schedule, features, recipe, picked)
    session.progress.phase("timing", len(picked))
    optimizer = optimizer_of(model.network, recipe)
    with updater(model, optimizer, session.seed, session.fast_dropout, session.guard) as one:
        _see(one, schedule, features)
        every = _timed(one, [parts[k] for k in picked], recipe, session, effort.patience)
        began = time.perf_counter()
        one.state({}).copied()
        copying = time.perf_counter() - began
    sizes, seconds = work.sizes[picked[: len(every)]], np.array(every)
    fixed, each = fit(sizes[WARMING:], seconds[WARMING:])
    warming = max(float((seconds - fixed - each * sizes)[:WARMING].sum()), 0.0)
    left = max(schedule.updates - done, 0)
    mean = float(work.sizes[done:].mean() if done < len(work.sizes) else work.sizes.mean())
    an_update = fixed + each * mean
    return Timed(
        updates=schedule.updates,
        features=round(int(work.features.sum()) * more),
        tokens=round(int(work.tokens.sum()) * more),
        epoch_tokens=int(features.lengths.sum()),
        training=left * an_update + warming,
        an_update=an_update,
        timed=len(seconds) - WARMING,
        copying=copying,
    )


def work_of(schedule: Schedule, features: Features, padded: bool) -> Work:
    """What the first COUNTED updates of a schedule read."""
    found = []
    for _, micros in islice(schedule.micro_batches(), COUNTED):
        lengths = [features.lengths_of(micro) for micro in micros]
        tokens = sum(int(each.sum()) for each in lengths)
        whole = features.windows is None  # a window is shorter than the feature, and padded to its like
        sizes = [len(each) * int(each.max()) for each in lengths] if padded and whole else [tokens]
        found.append((sum(map(len, micros)), tokens, sum(sizes)))
    counts, tokens_, sizes_ = np.array(found, np.int64).T
    return Work(features=counts, tokens=tokens_, sizes=sizes_)


def chosen(sizes: Indices, done: int, count: int = TIMED) -> list[int]:
    """Which updates to time: first the median and the largest, to warm up, then `count` of every size, mixed."""
    ranked = done + np.argsort(sizes[done:], kind="stable")
    places = np.unique(np.linspace(0, len(ranked) - 1, count).round().astype(np.int64))
    ends, between = [places[0], places[-1]], places[1:-1]
    mixed = np.random.default_rng(0).permutation(between)
    return [int(ranked[k]) for k in (len(ranked) // 2, len(ranked) - 1, *ends, *mixed)]


def fit(sizes: Indices, seconds: NDArray[np.float64]) -> tuple[float, float]:
    """Seconds of an update, and of each of its tokens: least squares, neither below 0."""
    from scipy.optimize import nnls

    scale = float(sizes.max())
    (fixed, each), _ = nnls(np.stack([np.ones(len(sizes)), sizes / scale], 1), seconds)
    return float(fixed), float(each) / scale


def _parts_of(schedule: Schedule, features: Features, recipe: Recipe, picked: list[int]) -> dict[int, list[Features]]:
    """The micro-batches of these updates."""
    wanted = set(picked)
    return {
        k: [part for micro in micros for part in split(features.take(micro), recipe)]
        for k, (_, micros) in enumerate(islice(schedule.micro_batches(), max(picked) + 1))
        if k in wanted
    }


def _timed(
    one: Updater, updates: list[list[Features]], recipe: Recipe, session: Session, patience: float
) -> list[float]:
    """The seconds of each update, until the first process's patience is over."""
    seconds: list[float] = []
    start = time.perf_counter()
    for parts in updates:
        began = time.perf_counter()
        enough = len(seconds) >= WARMING + LEAST and began - start > patience
        if broadcast(enough):  # several processes stop after the same update
            break
        update = one.backward(parts)
        one.step(update.norm, recipe.max_grad_norm, RATE)
        seconds.append(time.perf_counter() - began)
        session.progress.advance(loss=update.loss)
    return seconds


def _see(one: Updater, schedule: Schedule, features: Features) -> None:
    """Look up the words that half of the run has seen: an update's time grows with their number."""
    if one.rows is None:
        return
    found, count = [], 0
    for _, micros in islice(schedule.micro_batches(), max(schedule.updates // 2, 1)):
        found += micros
        count += sum(map(len, micros))
        if count >= min(SEEN, len(features)):
            break
    ids = np.unique(features.take(np.unique(np.concatenate(found))).inputs["input_ids"].values)
    one.rows.look_up(torch.from_numpy(ids.astype(np.int64)))
