"""Claim a run's folder: lock it, and read what it holds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
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
from bertkit.runs.folder import (
    located,
    pinned_to,
    read_result,
    recorded_commits,
    recorded_options,
    recorded_updates,
    start_id,
)
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
    updates the number of updates it was started with, if it has a budget and was started
    began   when it began, of time.perf_counter()
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
    updates: int | None = None
    began: float = field(default_factory=time.perf_counter)

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
    run = _unread(spec, source, options, progress, folder or options.out / spec.folder_name)
    before = start_id(run.folder) if options.force else None
    stop = stack.enter_context(Stop(partial(resume_hint, run.folder, options.force, before)))
    run_on_first(lambda: stack.enter_context(one_writer(run.folder)))
    found = _read(replace(run, stop=stop), commits)
    if found.result is not None:
        run_on_first(lambda: checkpoint.remove(found.folder))  # if it was killed when all else was done
    return found


def look_at(spec: Spec, options: RunOptions, progress: Progress, commits: Mapping[str, Any] | None) -> Claim:
    """The run as `claim` finds it, but not claimed: nothing is written or locked. Raises RequestError as `claim`."""
    return _read(_unread(spec, spec, options, progress, options.out / spec.folder_name), commits)


def _unread(spec: Spec, source: Spec, options: RunOptions, progress: Progress, folder: Path) -> Claim:
    """The run before anything of it was read: it has no rows."""
    nothing = Splits(head=spec.task.head, train=None, evaluations={}, published={})
    return Claim(
        spec=spec, source=source, folder=folder, options=options, progress=progress, stop=Stop(), splits=nothing,
        accelerator=make_accelerator(spec.device, spec.precision), result=None, state=None,
    )  # fmt: skip


def _read(run: Claim, commits: Mapping[str, Any] | None) -> Claim:
    """The run with its rows, and its result or newest checkpoint, if it has one."""
    folder, force = run.folder, run.options.force
    pinned = run_on_first(lambda: (not force and recorded_commits(folder)) or commits or {})
    source = run_on_all(lambda: pinned_to(run.source, pinned))
    result = None if force else run_on_first(lambda: read_result(folder))
    splits = run_on_all(lambda: read_splits(source))
    state = None
    if result is not None:
        run_on_all(lambda: check_unchanged(result, splits, source, folder))
    elif not force:
        state = run_on_first(lambda: checkpoint.newest(folder, run.progress.note))
    recorded = {} if force else run_on_first(lambda: recorded_options(folder))
    options = restored_options(run.options, state, recorded)
    updates = None if force or not run.spec.budget else run_on_first(lambda: recorded_updates(folder))
    return replace(run, source=source, options=options, splits=splits, result=result, state=state, updates=updates)
