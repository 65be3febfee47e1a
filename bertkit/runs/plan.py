"""`finetune --dry-run`: what a run would cost in updates, memory, disk space and time. Nothing is written in --out."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from bertkit.data.encoding import Worker
from bertkit.machine.devices import resolved
from bertkit.progress import Progress
from bertkit.runs.budget import Fitted, fitted
from bertkit.runs.claim import Claim, look_at
from bertkit.runs.failures import describing_failures, room, size
from bertkit.runs.lock import check_out
from bertkit.runs.prepare import encoded_for, kept_bytes, loaded_for, room_for
from bertkit.runs.timing import clock, time_parts
from bertkit.spec import RunOptions, Spec
from bertkit.training.checkpointer import INTERVAL
from bertkit.training.timed import Timed


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a plan: the updates that are done already, all of them if it is finished."""

    folder: Path
    seed: int
    finished: bool
    done: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the runs that are not finished would cost; numbers are of one run but for `seconds` and `disk`.

    updates, rows, tokens  of the whole run; `rows` counts a row once an epoch (for windows of documents: a window)
    batch         rows of an update at most; None where it is given in tokens
    batch_tokens  tokens of a batch at most, if it is given in tokens
    memory        bytes of this process at most, device_memory of a CUDA device
    disk          bytes that all the runs need at most while they are trained
    seconds       of what is left of all the runs, by part
    timed         updates that were timed
    notes         lines for the user
    """

    task: str
    runs: tuple[PlannedRun, ...]
    updates: int = 0
    rows: int = 0
    tokens: int = 0
    tokens_per_epoch: int = 0
    batch: int | None = None
    batch_tokens: int | None = None
    memory: int = 0
    device_memory: int = 0
    disk: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    timed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Seconds of everything."""
        return sum(self.seconds.values())

    @property
    def plain(self) -> dict[str, Any]:
        """The plan for JSON."""
        runs = [{**vars(run), "folder": str(run.folder)} for run in self.runs]
        seconds = {**{part: round(value, 3) for part, value in self.seconds.items()}, "total": round(self.total, 3)}
        return {**vars(self), "runs": runs, "seconds": seconds, "notes": list(self.notes)}

    @property
    def lines(self) -> list[str]:
        """The plan for 80 columns; a folder's name may be longer."""
        found = [f"seed {one.seed} finished before, costs nothing: {one.folder}" for one in self.runs if one.finished]
        found += [
            f"seed {one.seed} was stopped after update {one.done:,} of {self.updates:,}; the time is that of the rest"
            for one in self.runs
            if one.done and not one.finished
        ]
        return [*found, *self._costs, *self.notes] if self.updates else found

    @property
    def _costs(self) -> list[str]:
        many = sum(not one.finished for one in self.runs)
        each = f" for each of {many} runs" if many > 1 else ""
        batch = f"{self.batch:,} rows an update" if self.batch else f"at most {self.batch_tokens:,} tokens a batch"
        device = f", {size(self.device_memory)} on the device" if self.device_memory else ""
        parts = [f"{part} {clock(value)}" for part, value in self.seconds.items()]
        return [
            f"updates  {self.updates:,}{each}, {batch}",
            f"rows     {self.rows:,} over all epochs",
            f"tokens   {self.tokens:,} over all epochs, {self.tokens_per_epoch:,} in one",
            f"memory   up to {size(self.memory)}{device}",
            f"disk     up to {size(self.disk)}",
            f"time     about {clock(self.total)} on this machine, from {self.timed} timed updates",
            f"         {', '.join(parts[:3])}",
            f"         {', '.join(parts[3:])}",
        ]


def plan(specs: Sequence[Spec], options: RunOptions, progress: Progress) -> Plan:
    """What the runs of these specs, which differ in their seed, would cost: the first that is not finished is timed.

    Its rows are read and tokenised, which the cache keeps. Several processes are planned as one. Raises as a run does.
    """
    check_out(options.out)
    began = time.perf_counter()
    runs, first = [], None
    for spec in map(resolved, specs):
        found = look_at(spec, options, progress, None)
        done = found.result.training.steps if found.result else found.state.step if found.state else 0
        runs.append(PlannedRun(folder=found.folder, seed=spec.seed, finished=found.result is not None, done=done))
        if first is None and found.result is None:
            first, reading = found, time.perf_counter() - began
    nothing = Plan(task=specs[0].task.name, runs=tuple(runs))
    if first is None:
        return nothing
    with describing_failures(first.folder, lambda: ""):
        return _timed(nothing, first, reading)


def _timed(nothing: Plan, run: Claim, reading: float) -> Plan:
    """The plan, by timing `run`, whose rows were read in `reading` seconds."""
    began = time.perf_counter()
    model, _ = loaded_for(run)
    loading = reading + time.perf_counter() - began
    done = run.state.step if run.state else 0
    if run.state:
        run.state.release()
    room_for(run, model.loaded)
    recipe = replace(run.spec.recipe, window=model.window)
    recipe = replace(recipe, max_steps=run.updates or recipe.max_steps)
    transformers.set_seed(run.spec.seed)
    with Worker() as worker:
        run.progress.phase("tokenising", 1)
        encoded = encoded_for(run, model, worker)
        fits = fitted(run, model, encoded, recipe) if run.spec.budget and not run.updates else None
        features = {name: one.all_features for name, one in encoded.items()}
        timings = fits.timings if fits else time_parts(run, model, features, recipe, done)
    timed = timings.training.of(fits.updates) if fits else timings.training
    left = [timed.updates - one.done for one in nothing.runs if not one.finished]
    parts = [_seconds(run, timed, count, timings.each) for count in left]
    fixed = {"loading": fits.spent if fits else loading, "saving": timings.saving}
    fixed["evaluation"] = timings.at_end + (0.0 if fits else timings.once)
    names = ("loading", "training", "evaluation", "checkpoints", "saving")
    weights = 4 * model.loaded.record["parameters"]
    kept = weights * (2 if run.options.keep_best else 1)
    stopping = weights if recipe.keeps_best else 0
    return replace(
        nothing,
        updates=timed.updates, rows=timed.features, tokens=timed.tokens, tokens_per_epoch=timed.epoch_tokens,
        batch=None if recipe.batch_tokens else recipe.batch_size * recipe.gradient_accumulation,
        batch_tokens=recipe.batch_tokens,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + stopping,
        device_memory=torch.cuda.max_memory_allocated() if run.accelerator.device.type == "cuda" else 0,
        disk=room(weights, kept_bytes(run)) + (len(left) - 1) * kept,
        seconds={name: sum(fixed.get(name, 0.0) + part.get(name, 0.0) for part in parts) for name in names},
        timed=timed.timed, notes=_notes(run.spec, fits),
    )  # fmt: skip


def _seconds(run: Claim, timed: Timed, left: int, each: float) -> dict[str, float]:
    """The seconds of the last `left` updates, with the evaluations between them, of `each` seconds."""
    spec, updates = run.spec, timed.updates
    done, every = updates - left, spec.eval_every
    scored = (updates - 1) // every - done // every if every else 0
    timed_left = max(timed.updates - (run.state.step if run.state else 0), 1)
    training = timed.training * left / timed_left
    between = run.options.save_every
    saved = updates // between - done // between if between else int((training + scored * each) // INTERVAL)
    return {"training": training, "evaluation": max(scored, 0) * each, "checkpoints": saved * timed.copying}


def _notes(spec: Spec, fits: Fitted | None) -> tuple[str, ...]:
    notes = [f"{fits.epochs:.3g} epochs fit into --budget {clock(spec.budget)}"] if fits and spec.budget else []
    if spec.processes > 1:
        notes.append(f"memory and time are those of one process, not of {spec.processes}")
    if spec.recipe.early_stopping:
        notes.append("--early-stopping may end training earlier")
    return tuple(notes)
