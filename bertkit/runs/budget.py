"""How many updates of a run fit into its --budget: from its parts, which are timed before the first update."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bertkit.data.encoding import Encoded
from bertkit.data.locate import TRAIN
from bertkit.errors import RequestError
from bertkit.machine.sync import run_on_all, run_on_first
from bertkit.models.task_model import TaskModel
from bertkit.pretraining import Budget
from bertkit.runs.claim import Claim
from bertkit.runs.floors import floors_of_run
from bertkit.runs.timing import Timings, clock, time_parts
from bertkit.task import Recipe
from bertkit.training.budget import OtherTime, Pace, unchanged, updates_of
from bertkit.training.checkpointer import INTERVAL
from bertkit.training.timed import Effort
from bertkit.training.train import schedule_of

MOST = 10
"""The updates of a run are at most so many times those of its recipe, however much time is left."""
TIMED, PATIENCE = 40, 0.04
"""Updates that are timed, and the share of the budget after which no more are."""
STATE = 3
"""A checkpoint is that many times the size of the saved model: AdamW keeps two numbers for each weight."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What fits into a budget.

    updates  of the run
    epochs   that these are
    spent    seconds from the start of the run until its parts were timed
    timings  of these parts
    capped   whether more would fit than MOST allows
    """

    updates: int
    epochs: float
    spent: float
    timings: Timings
    capped: bool

    def line(self, seconds: float) -> str:
        """What was decided, for the user."""
        digits = 0 if self.epochs >= 10 else 1
        epochs = f"{self.epochs:.{digits}f} epochs" if self.epochs >= 1 else f"{self.epochs:.2f} of an epoch"
        update, last = self.timings.training, self.timings.at_end + self.timings.saving
        more = f"; more would fit, but {MOST} times the recipe's epochs are the most" if self.capped else ""
        return (
            f"{self.updates:,} updates ({epochs}) fit into {clock(seconds)}: an update takes {update.an_update:.3g} s "
            f"({update.timed} timed), loading took {clock(self.spent)}, and the last evaluation and saving take "
            f"{clock(last)}{more}"
        )


def fitted(run: Claim, model: TaskModel, features: Mapping[str, Encoded], recipe: Recipe) -> Fitted:
    """Time the run's parts, and say how many updates fit into its budget; the model is unchanged.

    The floors are computed first: the run finds them in the cache. Every process calls this and gets the same.
    Raises RequestError where not one update fits.
    """
    budget = run.spec.budget
    assert budget
    _check_left(run, budget)
    run.progress.phase("tokenising", 1)
    whole = {name: one.all_features for name, one in features.items()}
    run_on_first(lambda: floors_of_run(run))
    _check_left(run, budget)
    effort = Effort(updates=TIMED, patience=PATIENCE * budget)
    with unchanged(model):
        timings = run_on_all(lambda: time_parts(run, model, whole, recipe, effort=effort))
    once = replace(recipe, epochs=1, max_steps=None)
    epoch = schedule_of(whole[TRAIN], once, model.layout, run.spec.seed).updates
    return run_on_first(lambda: _fitted(run, timings, epoch, budget))


def _fitted(run: Claim, timings: Timings, epoch: int, budget: float) -> Fitted:
    training = timings.training
    spent = time.perf_counter() - run.began
    pace, other = Pace(update=training.an_update, timed=training.timed), _other_time(run, timings, spent)
    updates = updates_of(Budget(unit="seconds", amount=budget), 1, pace, other)
    most = MOST * training.updates
    return Fitted(
        updates=min(updates, most), epochs=min(updates, most) / epoch, spent=spent, timings=timings,
        capped=updates > most,
    )  # fmt: skip


def _other_time(run: Claim, timings: Timings, spent: float) -> OtherTime:
    """The seconds that are no updates: what is over already, evaluations, checkpoints, and saving."""
    every, between, update = run.spec.eval_every, run.options.save_every, timings.training.an_update
    each = timings.each + (timings.saving if run.options.keep_best else 0.0)
    copies = 1 / between if between else update / INTERVAL
    last = max(STATE * timings.saving - timings.at_end, 0.0)  # it is written while the model is scored
    return OtherTime(
        an_update=(each / every if every else 0.0) + copies * timings.training.copying,
        besides=spent + timings.at_end + timings.saving + last,
        what=f"loading, which took {clock(spent)}, evaluation and saving",
    )


def _check_left(run: Claim, budget: float) -> None:
    """Raise RequestError where the budget is over before an update was timed."""
    spent = run_on_first(lambda: time.perf_counter() - run.began)
    if spent >= budget:
        raise RequestError(f"--budget {budget:g}s: loading alone took {spent:.2g} s; give more")
