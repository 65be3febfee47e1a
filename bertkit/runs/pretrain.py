"""A pretraining run, in order: claim the folder - text, vocabulary, model - budget - train - measure - write."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import transformers

from bertkit.errors import RunError
from bertkit.files import atomic_folder, write_json
from bertkit.machine.devices import describe, processor
from bertkit.machine.memory import Guard
from bertkit.machine.sync import broadcast, run_on_all, run_on_first
from bertkit.pretraining import PretrainSpec
from bertkit.progress import Progress
from bertkit.result import Pretrained, PretrainResult, Training
from bertkit.runs.failures import check_room, describing_failures
from bertkit.runs.folder import FAILED, LOG, MODEL, RESULT, Log, back_up
from bertkit.runs.kept_models import KeptModels, log_spaced, remove_after
from bertkit.runs.lock import check_out
from bertkit.runs.measuring import AT_THE_END, ON_THE_WAY, Measuring
from bertkit.runs.pretrain_claim import PretrainClaim, claim_pretrain, resolved_pretrain
from bertkit.runs.pretrain_folder import write_pretrain_spec
from bertkit.runs.pretrain_model import PretrainParts, parts_of, save_model
from bertkit.runs.provenance import DECIDING, check_peers, check_resumable, saved_options, versions
from bertkit.spec import RunOptions, to_plain
from bertkit.training import checkpoint
from bertkit.training.budget import OtherTime, time_pace, updates_of
from bertkit.training.checkpointer import Checkpointer, CheckpointWriter
from bertkit.training.train import NotFiniteError, Session, train

LEARNS = 0.25
"""The share of the updates after which, at the latest, a model should have learnt more than word frequencies."""
MEASUREMENTS = 20
"""About how often the held-out text is measured during training, unless --eval-every says otherwise."""


@dataclass(frozen=True, kw_only=True)
class PretrainReady:
    """A run ready to train: its parts, the number of its updates, what the loop reports to."""

    parts: PretrainParts
    updates: int
    session: Session
    measuring: Measuring


def pretrain(
    spec: PretrainSpec, options: RunOptions, progress: Progress | None = None, folder: Path | None = None
) -> Pretrained:
    """Pretrain as `spec` says, in a folder below `options.out` named after it, or in `folder`.

    A stopped run is resumed, a finished one returned; RequestError if its corpus changed. `options.force` starts over
    and renames the old folder. Raises StoppedError after a signal, and RequestError if another process is writing the
    folder.
    """
    progress, began = progress or Progress(), time.perf_counter()
    check_out(options.out)
    with ExitStack() as stack:
        stack.callback(progress.close)
        claimed = claim_pretrain(resolved_pretrain(spec), options, progress, folder, stack)
        if claimed.result is not None:
            return Pretrained(folder=claimed.folder, result=claimed.result, before=True)
        with describing_failures(claimed.folder, lambda: claimed.stop.hint(None)):
            with _ready(claimed) as ready:
                try:
                    model, recipe = ready.parts.model, claimed.spec.recipe(ready.updates)
                    training = train(model, ready.parts.train, recipe, ready.session)
                except NotFiniteError as error:
                    raise _failed(claimed, error) from error
                result = _result(claimed, ready, training, began)
            _write(claimed, ready, result)
    return Pretrained(folder=claimed.folder, result=result, before=False)


@contextmanager
def _ready(run: PretrainClaim) -> Iterator[PretrainReady]:
    """The run, ready to train; on exit the log is flushed and a pending checkpoint written."""
    for line in run.text.counts.lines:
        run.progress.note(line)
    parts = run_on_all(lambda: parts_of(run))
    for line in parts.train.rows.notes:
        run.progress.note(line)
    facts = _facts(run, parts)
    first = broadcast(facts)
    run_on_all(lambda: check_peers(first, facts))
    if run.state:
        for line in check_resumable(run.state.facts, facts, run.folder, "pretrain"):
            run.progress.note(line)
        run.progress.note(f"resuming after update {run.state.step:,}")
    updates = run.updates or run_on_all(lambda: _updates(run, parts))
    run_on_first(lambda: _make_folder(run, parts, updates))
    with ExitStack() as stack:
        log = stack.enter_context(Log(run.folder / LOG, run.is_main, int(run.state.facts["log"]) if run.state else 0))
        measuring = Measuring(
            parts=parts, log=log, progress=run.progress, patience=max(run.spec.warmup, LEARNS) * updates
        )
        session = _session(run, parts, updates, measuring, facts, stack)
        transformers.set_seed(run.spec.seed + 1_000_003 * run.accelerator.process_index)
        yield PretrainReady(parts=parts, updates=updates, session=session, measuring=measuring)


def _session(
    run: PretrainClaim, parts: PretrainParts, updates: int, measuring: Measuring, facts: dict[str, Any],
    stack: ExitStack,
) -> Session:  # fmt: skip
    """What the loop reports to, measures with and saves with; a model that is kept before the first update is saved."""
    writer = CheckpointWriter(run.folder, run.progress.note) if run.is_main else None
    if writer:
        stack.callback(writer.close)
    every = run.spec.eval_every or max(1, updates // MEASUREMENTS)
    if parts.held_out is None or every > updates:
        why = "no text is held out" if parts.held_out is None else f"--eval-every {every:,} is beyond the last update"
        run.progress.note(f"{why}: whether the model learns is not watched")
    kept = KeptModels(
        run=run.folder,
        save=partial(save_model, parts.model.loaded, parts.config),
        updates=kept_updates(run.spec, updates),
        writes=run.is_main,
    )
    if not run.state:
        kept.offer(0, lambda: None)
    saved = {**facts, **saved_options(run.options)}
    return Session(
        log=measuring.log.write, progress=run.progress, seed=run.spec.seed, score=measuring.in_training,
        eval_every=every, keep=kept.offer,
        fast_dropout=run.spec.fast_dropout, guard=Guard(run.options.max_memory),
        checkpointer=Checkpointer(
            run.stop, run.state, writer, lambda: {**saved, "log": measuring.log.flushed()}, run.options.save_every
        ),
    )  # fmt: skip


def kept_updates(spec: PretrainSpec, updates: int) -> frozenset[int]:
    """After which of a run's updates its model is kept."""
    return log_spaced(updates) if spec.keep == "log" else frozenset()


def _updates(run: PretrainClaim, parts: PretrainParts) -> int:
    """How many updates the budget buys: of a time, as the first process finds it."""
    spec, tokens = run.spec, run.spec.tokens_an_update
    if spec.budget.unit != "seconds":
        return updates_of(spec.budget, tokens)
    pace = broadcast(time_pace(parts.model, parts.train, spec.recipe(10**6), session_for(run)))
    updates = updates_of(spec.budget, tokens, pace, broadcast(measuring_time(run, parts)))
    run.progress.note(
        f"{pace.timed} updates took {pace.update:.3g} s each: {updates:,} updates, {updates * tokens:,} tokens, fit "
        f"into {spec.budget.amount:,.0f} s"
    )
    return updates


def session_for(run: PretrainClaim) -> Session:
    """What timed updates report to."""
    return Session(
        log=lambda line: None, progress=run.progress, seed=run.spec.seed, fast_dropout=run.spec.fast_dropout,
        guard=Guard(run.options.max_memory),
    )  # fmt: skip


def measuring_time(run: PretrainClaim, parts: PretrainParts) -> OtherTime:
    """Seconds that measuring the held-out text takes, by one measurement."""
    with Log(run.folder / LOG, False) as log:
        measuring = Measuring(parts=parts, log=log, progress=Progress(), patience=float("inf"))
        began = time.perf_counter()
        with parts.model.in_training():
            measuring.in_training(0)
    one, rows, last = time.perf_counter() - began, len(measuring.rows(ON_THE_WAY)), len(measuring.rows(AT_THE_END))
    every = run.spec.eval_every
    return OtherTime(
        an_update=one / every if every else 0.0,
        besides=(0.0 if every else MEASUREMENTS * one) + one * last / max(rows, 1),
    )


def _facts(run: PretrainClaim, parts: PretrainParts) -> dict[str, Any]:
    """What must be unchanged for a checkpoint to be resumed, and the device, which may change."""
    record, library = parts.model.loaded.record, versions()
    made = {"the spec": run.spec.digest, "the corpus": run.text.digest}
    made |= {f"the model's {part}": record[part] for part in ("tokenizer", "config")}
    made |= {name: library[name] for name in DECIDING}
    return {"made of": made, "device": f"{describe(run.accelerator.device)}{processor()}"}


def _make_folder(run: PretrainClaim, parts: PretrainParts, updates: int) -> None:
    for left in run.folder.glob(f"{checkpoint.CHECKPOINTS}/.*.tmp"):  # by a process that was killed
        shutil.rmtree(left)
    done = run.state.step if run.state else -1
    coming = sum(step > done for step in kept_updates(run.spec, updates))
    kept = 0 if run.options.force else checkpoint.size_of(run.folder)
    run.progress.note(check_room(run.folder, 4 * parts.model.loaded.record["parameters"], kept, coming))
    if run.options.force and run.folder.exists():
        run.progress.note(f"the old folder was renamed to {back_up(run.folder)}")
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / FAILED).unlink(missing_ok=True)
    for left in (run.folder / MODEL, *run.folder.glob(".*.tmp")):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    remove_after(run.folder, done)
    if run.updates is None:
        write_pretrain_spec(run.folder, run.spec, updates)


def _result(run: PretrainClaim, ready: PretrainReady, training: Training, began: float) -> PretrainResult:
    found = ready.measuring.at_the_end(training.steps)
    held_out = ready.parts.held_out
    return PretrainResult(
        spec=run.spec,
        measures=found.scores if found else {},
        unigram=found.unigram if found else None,
        rows={"train": len(ready.parts.train), "held-out": len(held_out) if held_out else 0},
        corpus={"digest": run.text.digest, **asdict(run.text.counts)},
        training=training,
        device=describe(run.accelerator.device),
        precision=run.accelerator.mixed_precision.replace("no", "fp32"),
        encoder=ready.parts.model.loaded.record,
        versions=versions(),
        seconds=round(time.perf_counter() - began, 3),
    )


def _write(run: PretrainClaim, ready: PretrainReady, result: PretrainResult) -> None:
    """Write model and result, each atomically; then remove the checkpoints."""
    if run.is_main:
        with atomic_folder(run.folder / MODEL) as temporary:
            save_model(ready.parts.model.loaded, ready.parts.config, temporary)
        write_json(run.folder / RESULT, to_plain(result))
        checkpoint.remove(run.folder)
    run.accelerator.wait_for_everyone()


def _failed(run: PretrainClaim, error: NotFiniteError) -> RunError:
    """Write failed.json with the rows of the update; returns the error that names that file."""
    if run.is_main:
        write_json(run.folder / FAILED, {**error.plain, "rows": error.rows})
    return RunError(f"{error}; its rows are in {run.folder / FAILED}")
