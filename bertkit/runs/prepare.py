"""Prepare a claimed run: load the model, start encoding, create the folder, open the log."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import transformers

from bertkit.data.encoding import Encoded, Worker, blocks_of, key_of
from bertkit.data.locate import TRAIN
from bertkit.data.rows import Rows
from bertkit.data.splits import SELECTION, marks_of
from bertkit.errors import DataError
from bertkit.files import write_lines
from bertkit.machine.devices import describe, processor
from bertkit.machine.memory import Guard
from bertkit.machine.sync import broadcast, run_on_all, run_on_first
from bertkit.models.finish import finish
from bertkit.models.load import Loaded
from bertkit.models.task_model import TaskModel, task_model
from bertkit.progress import Progress
from bertkit.runs.best_model import Best, stale_best
from bertkit.runs.budget import fitted
from bertkit.runs.claim import Claim
from bertkit.runs.failures import check_room
from bertkit.runs.folder import ADAPTER, FAILED, LOG, MODEL, SKIPPED, Log, back_up, write_spec
from bertkit.runs.initial import initial
from bertkit.runs.provenance import check_peers, check_resumable, facts_of, saved_options, versions
from bertkit.runs.scoring import Scoring
from bertkit.runs.selecting import Selecting, finished_selecting
from bertkit.spec import Spec
from bertkit.task import Recipe
from bertkit.training import checkpoint
from bertkit.training.checkpointer import Checkpointer, CheckpointWriter
from bertkit.training.pruning import Prune, Pruning, Stopping
from bertkit.training.train import Session, schedule_of


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What training and scoring need.

    features  of the train rows, of each evaluation by its name, and of the "selection" rows if there are some
    """

    model: TaskModel
    features: dict[str, Encoded]
    recipe: Recipe
    session: Session
    scoring: Scoring
    selecting: Selecting | None = None

    def finished(self, progress: Progress) -> tuple[Prepared, dict[str, Any]]:
        """The same with the trained model as it is saved, and what was selected."""
        model, selected = finish(self.model), dict[str, Any]()
        if self.selecting:
            model, selected = finished_selecting(self.selecting, self.session.stopping, model, progress)
        return replace(self, model=model, scoring=replace(self.scoring, model=model)), selected


@contextmanager
def prepared(run: Claim, prune: Prune | None = None) -> Iterator[Prepared]:
    """The run, ready to train; on exit the log is flushed and a pending checkpoint written.

    Raises RequestError if a stopped run cannot be resumed, or if there is too little disk space.
    """
    counts = run.splits.counts({})
    notes = [f"{name}: {note}" for name, count in counts.items() for note in count.notes]
    for line in dict.fromkeys([*marks_of(run.spec, run.splits), *notes, *run.splits.head.loss_notes]):
        run.progress.note(line)
    model, facts = loaded_for(run)
    first = broadcast(facts)
    run_on_all(lambda: check_peers(first, facts))
    run_on_all(lambda: check_fit(model, run.splits.rows))
    recipe = replace(run.spec.recipe, window=model.window)
    with Worker() as worker, ExitStack() as stack:
        features = encoded_for(run, model, worker)
        updates = _updates(run, model, features, recipe) if run.spec.budget else None
        recipe = replace(recipe, max_steps=updates or recipe.max_steps)
        run_on_first(lambda: _make_folder(run, model.loaded, updates))
        log = stack.enter_context(Log(run.folder / LOG, run.is_main, int(run.state.facts["log"]) if run.state else 0))
        best = Best(run.folder, run.state.facts["best"] if run.state else None) if run.options.keep_best else None
        scoring = Scoring(task=run.spec.task, splits=run.splits, features=features, model=model, log=log, best=best)
        rows, selecting = run.splits.selection, None
        if rows:
            selecting = Selecting(spec=run.spec, rows=rows, features=features[SELECTION], model=model, log=log)
        stopping = _stopping(run, selecting, features[TRAIN], prune) if selecting else None
        checkpointer = _checkpointer(run, {**facts, **saved_options(run.options)}, scoring, stopping, stack)
        transformers.set_seed(run.spec.seed + 1_000_003 * run.accelerator.process_index)
        run.progress.phase("tokenising", 1)
        session = Session(
            log=log.write, progress=run.progress, seed=run.spec.seed, score=scoring.in_training,
            eval_every=run.spec.eval_every, stopping=stopping, fast_dropout=run.spec.fast_dropout,
            checkpointer=checkpointer, guard=Guard(run.options.max_memory),
        )  # fmt: skip
        yield Prepared(
            model=model, features=features, recipe=recipe, session=session, scoring=scoring, selecting=selecting
        )


def check_fit(model: TaskModel, parts: Mapping[str, Rows]) -> None:
    """Raise DataError for a row that must not be cut, and does not fit the model's window."""
    for name, rows in parts.items():
        try:
            model.head.check_fit(blocks_of(rows.table), model.loaded.tokenizer, model.window)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None


def _updates(run: Claim, model: TaskModel, features: dict[str, Encoded], recipe: Recipe) -> int:
    """How many updates the run's budget buys: as it was started with, else as its timed parts tell."""
    if run.updates is not None:
        return run.updates
    found, budget = fitted(run, model, features, recipe), run.spec.budget
    assert budget
    run.progress.note(found.line(budget))
    return found.updates


def _stopping(run: Claim, selecting: Selecting, features: Encoded, prune: Prune | None) -> Stopping | None:
    """What prunes a trial, else what stops a run early."""
    if prune is None:
        return selecting.stopping()
    recipe, layout = run.spec.recipe, selecting.model.layout
    return Pruning(
        score=selecting.score, prune=prune, updates=lambda: schedule_of(features, recipe, layout, run.spec.seed).updates
    )


def loaded_for(run: Claim) -> tuple[TaskModel, dict[str, Any]]:
    """The run's encoder with its head, before training, and the facts that a checkpoint records.

    Raises RequestError if the run's checkpoint cannot be resumed with them.
    """
    loaded = run_on_all(lambda: initial(run.source, run.splits.head))
    for line in loaded.notes:
        run.progress.note(line)
    model = task_model(loaded, run.splits.head, run.spec, run.accelerator, typed_length(run.spec))
    facts = _facts(run, loaded)
    if run.state:
        for line in check_resumable(run.state.facts, facts, run.folder):
            run.progress.note(line)
        run.progress.note(f"resuming after update {run.state.step:,}")
    return model, facts


def _facts(run: Claim, loaded: Loaded) -> dict[str, Any]:
    device = f"{describe(run.accelerator.device)}{processor()}"
    return facts_of(run.spec, run.splits, loaded.record, versions(), device)


def typed_length(spec: Spec) -> bool:
    """Whether --max-length was given: a recipe's own gives way to a model that sees less."""
    recipes = (spec.task.recipe, spec.task.sample_recipe)
    return spec.recipe.window.max_length not in {recipe.window.max_length for recipe in recipes}


def encoded_for(run: Claim, model: TaskModel, worker: Worker) -> dict[str, Encoded]:
    """The features of every split, encoded in the background, the train rows first."""
    loaded = model.loaded

    def encoded(rows: Rows, then: tuple[Encoded, ...] = ()) -> Encoded:
        key = key_of(model.head, rows, loaded.record["tokenizer"], model.window)
        return Encoded(model.head, rows.table, loaded.tokenizer, model.window, worker=worker, then=then, key=key)

    others = {name: encoded(rows) for name, rows in run.splits.rows.items() if name != TRAIN}
    assert run.splits.train
    return {TRAIN: encoded(run.splits.train, tuple(others.values())), **others}


def _checkpointer(
    run: Claim, facts: dict[str, Any], scoring: Scoring, stopping: Stopping | None, stack: ExitStack
) -> Checkpointer:
    writer = CheckpointWriter(run.folder, run.progress.note) if run.is_main else None
    if writer:
        stack.callback(writer.close)

    def now() -> dict[str, Any]:
        selected = {"stopping": stopping.facts()} if stopping else {}
        return {**facts, **selected, "log": scoring.log.flushed(), "best": scoring.best.kept if scoring.best else None}

    tensors = stopping.tensors if stopping else dict
    return Checkpointer(run.stop, run.state, writer, now, run.options.save_every, tensors)


def room_for(run: Claim, loaded: Loaded) -> str:
    """How much disk space the run needs at most, and how much is free. Raises RequestError if that is too little."""
    return check_room(run.folder, 4 * loaded.record["parameters"], kept_bytes(run))


def kept_bytes(run: Claim) -> int:
    """Bytes of the checkpoints that the run's folder holds, and that are removed with those to come."""
    return 0 if run.options.force else checkpoint.size_of(run.folder)


def _make_folder(run: Claim, loaded: Loaded, updates: int | None) -> None:
    for left in run.folder.glob(f"{checkpoint.CHECKPOINTS}/.*.tmp"):  # by a process that was killed
        shutil.rmtree(left)
    run.progress.note(room_for(run, loaded))
    if run.options.force and run.folder.exists():
        run.progress.note(f"the old folder was renamed to {back_up(run.folder)}")
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / FAILED).unlink(missing_ok=True)
    best = stale_best(run.folder, run.state.facts["best"] if run.state else None)
    for left in (run.folder / MODEL, run.folder / ADAPTER, *best, *run.folder.glob(".*.tmp")):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    skipped = [
        {"split": name, "file": one.file, "place": one.place, "why": one.why}
        for name, rows in run.splits.rows.items()
        for one in rows.skipped
    ]
    if skipped:
        write_lines(run.folder / SKIPPED, skipped)
    if (run.source.data, run.source.model) == (run.spec.data, run.spec.model):  # else it was started in another folder
        commits = {"model": loaded.record["commit"], "datasets": run.splits.commits}
        write_spec(run.folder, run.spec, commits, saved_options(run.options), updates)
