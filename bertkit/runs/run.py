"""A run, in order: claim the folder - prepare model and rows - train - score - write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bertkit.data.encoding import counted, rows_cut
from bertkit.data.locate import TRAIN
from bertkit.data.splits import marks_of
from bertkit.errors import DivergedError, RequestError
from bertkit.files import atomic_folder, write_json
from bertkit.machine.devices import describe, resolved
from bertkit.machine.energy import EnergyMeter
from bertkit.machine.sync import run_on_first
from bertkit.models.load import save
from bertkit.models.lora import save_adapter
from bertkit.progress import Progress
from bertkit.result import Finished, Result, Scored, Training
from bertkit.runs.claim import Claim, claim
from bertkit.runs.failed_runs import failures_of
from bertkit.runs.failures import describing_failures
from bertkit.runs.floors import with_floors
from bertkit.runs.folder import ADAPTER, FAILED, MODEL, read_log, write_result
from bertkit.runs.lock import check_out
from bertkit.runs.prepare import Prepared, prepared
from bertkit.runs.provenance import versions
from bertkit.spec import RunOptions, Spec
from bertkit.training import checkpoint
from bertkit.training.pruning import Prune
from bertkit.training.train import NotFiniteError, train


def run(
    spec: Spec,
    options: RunOptions,
    progress: Progress | None = None,
    folder: Path | None = None,
    commits: Mapping[str, Any] | None = None,
    prune: Prune | None = None,
) -> Finished:
    """Train and score as `spec` says, in a folder below `options.out` named after it, or in `folder`.

    A stopped run is resumed, a finished one returned; RequestError if its rows or encoder changed. It uses the Hub
    commits it was started with, else `commits`, else the newest. `options.force` starts over and renames the old
    folder. `prune` ends a trial of a search, which has no other way to be run. Raises StoppedError after a signal,
    DivergedError for numbers that are not finite, and RequestError if another process is writing the folder.
    """
    progress = progress or Progress()
    if options.keep_adapter and not spec.recipe.lora:
        raise RequestError("--keep-adapter needs --lora")
    if spec.trial and prune is None:
        raise RequestError(f"{folder or spec.folder_name} is a trial of a search: the search's command continues it")
    check_out(options.out)
    with ExitStack() as stack:
        stack.callback(progress.close)
        claimed = claim(resolved(spec), options, progress, folder, commits, stack)
        if claimed.result is not None:
            return Finished(folder=claimed.folder, result=claimed.result, before=True)
        meter = EnergyMeter.start(gpu=claimed.spec.device != "cpu")
        with describing_failures(claimed.folder, lambda: claimed.stop.hint(None)):
            with prepared(claimed, prune) as ready:
                try:
                    training = train(ready.model, ready.features[TRAIN], ready.recipe, ready.session)
                    ready, selected = ready.finished(progress)
                    evaluations = ready.scoring.at_the_end(training.steps, claimed.folder, progress)
                    evaluations = with_floors(claimed, evaluations)
                except NotFiniteError as error:
                    raise _failed(claimed, error) from error
                result = _result(claimed, ready, training, evaluations, time.perf_counter() - claimed.began)
                result = replace(result, selected=selected, joules=meter.joules())
            result = replace(result, failures=run_on_first(lambda: failures_of(result, read_log(claimed.folder))))
            _write(claimed, ready, result)
    return Finished(folder=claimed.folder, result=result, before=False)


def _result(run: Claim, ready: Prepared, training: Training, evaluations: list[Scored], seconds: float) -> Result:
    return Result(
        spec=run.spec,
        evaluations=tuple(evaluations),
        rows=run.splits.counts(
            {name: rows_cut(part.all_features) for name, part in ready.features.items()},
            {name: counted(part.all_features) for name, part in ready.features.items()},
        ),
        training=training,
        device=describe(run.accelerator.device),
        precision=run.accelerator.mixed_precision.replace("no", "fp32"),
        encoder=ready.model.loaded.record,
        versions=versions(),
        marks=marks_of(run.spec, run.splits),
        seconds=round(seconds, 3),
    )


def _write(run: Claim, ready: Prepared, result: Result) -> None:
    """Write model (not of a trial) and result, each atomically; then remove the checkpoints."""
    if run.is_main:
        if not run.spec.trial:
            with atomic_folder(run.folder / MODEL) as temporary:
                save(ready.model.loaded, temporary)
        if run.options.keep_adapter:
            with atomic_folder(run.folder / ADAPTER) as temporary:
                save_adapter(ready.model.network, ready.model.loaded.record, temporary)
        write_result(run.folder, result)
        checkpoint.remove(run.folder)
    run.accelerator.wait_for_everyone()


def _failed(run: Claim, error: NotFiniteError) -> DivergedError:
    """Write failed.json with the ids of the update's rows; returns the error that names that file."""
    rows = run.splits.train
    assert rows
    if run.is_main:
        write_json(run.folder / FAILED, {**error.plain, "rows": rows.table[error.rows]["row_id"]})
    return DivergedError(f"{error}; its rows are in {run.folder / FAILED}")
