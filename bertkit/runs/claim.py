"""Claim a run's folder: lock it, and read what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from bertkit.data.splits import Splits, read_splits
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.machine.signals import Stop
from bertkit.machine.sync import run_on_all, run_on_first
from bertkit.progress import Progress
from bertkit.result import Result
from bertkit.runs.failures import resume_hint
from bertkit.runs.folder import located, pinned_to, read_result, recorded_commits, start_id
from bertkit.runs.lock import one_writer
from bertkit.runs.provenance import check_unchanged, restored_options
from bertkit.spec import RunOptions, Spec
from bertkit.training import checkpoint
from bertkit.training.checkpoint import State


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that this process may write.

    source  the spec with its paths resolved and Hub revisions pinned, for reading rows and encoder
    result  the run's result, if it is finished
    state   its newest checkpoint, if it was stopped
    """

    spec: Spec
    source: Spec
    folder: Path
    options: RunOptions
    progress: Progress
    accelerator: Accelerator
    stop: Stop
    splits: Splits
    result: Result | None
    state: State | None

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.accelerator.is_main_process)


def claim(
    spec: Spec,
    options: RunOptions,
    progress: Progress,
    folder: Path | None,
    commits: Mapping[str, Any] | None,
    stack: ExitStack,
) -> Claim:
    """Claim the run's folder until `stack` is closed; a signal then ends the process with StoppedError.

    Raises RequestError if rows or encoder of a finished run changed, or if another process is writing the folder.
    """
    source = located(folder, spec) if folder else spec
    folder = folder or options.out / spec.folder_name
    force = options.force
    accelerator = make_accelerator(spec.device, spec.precision)
    stop = stack.enter_context(Stop(partial(resume_hint, folder, force, start_id(folder) if force else None)))
    run_on_first(lambda: stack.enter_context(one_writer(folder)))
    pinned = run_on_first(lambda: (not force and recorded_commits(folder)) or commits or {})
    source = run_on_all(lambda: pinned_to(source, pinned))
    result = None if force else run_on_first(lambda: read_result(folder))
    splits = run_on_all(lambda: read_splits(source))
    state = None
    if result is not None:
        run_on_all(lambda: check_unchanged(result, splits, source, folder))
        run_on_first(lambda: checkpoint.remove(folder))  # if it was killed when all else was done
    elif not force:
        state = run_on_first(lambda: checkpoint.newest(folder, progress.note))
    return Claim(
        spec=spec, source=source, folder=folder, options=restored_options(options, state), progress=progress,
        accelerator=accelerator, stop=stop, splits=splits, result=result, state=state,
    )  # fmt: skip
