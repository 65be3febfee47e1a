"""A run's folder, claimed: this process alone writes it, and knows what is in it."""

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
from bertkit.machine.sync import all_do, first_does
from bertkit.progress import Watch
from bertkit.result import Result
from bertkit.runs.failures import resume_hint
from bertkit.runs.folder import begun, begun_commits, begun_with, located, read_result
from bertkit.runs.lock import one_writer
from bertkit.runs.provenance import carried, check_unchanged
from bertkit.spec import RunOptions, Spec
from bertkit.training import checkpoint
from bertkit.training.checkpoint import State


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that this process may write.

    source  the spec with its paths and the Hub's commits as they are to be read here
    result  of the run, if it is finished already
    state   of its newest checkpoint, if it was stopped
    """

    spec: Spec
    source: Spec
    folder: Path
    options: RunOptions
    watch: Watch
    accelerator: Accelerator
    stop: Stop
    splits: Splits
    result: Result | None
    state: State | None

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return bool(self.accelerator.is_main_process)


def claim(
    spec: Spec,
    options: RunOptions,
    watch: Watch,
    folder: Path | None,
    commits: Mapping[str, Any] | None,
    stack: ExitStack,
) -> Claim:
    """Claim the run's folder until `stack` is closed; a signal then ends the process with StoppedError.

    A finished run, and one that was stopped, count only if rows and encoder are still the same bytes. Raises
    RequestError that names what changed, or who is writing the folder.
    """
    source = located(folder, spec) if folder else spec
    folder = folder or options.out / spec.folder_name
    force = options.force
    accelerator = make_accelerator(spec.device, spec.precision)
    stop = stack.enter_context(Stop(partial(resume_hint, folder, force, begun(folder) if force else None)))
    first_does(lambda: stack.enter_context(one_writer(folder)))
    made_of = first_does(lambda: (not force and begun_commits(folder)) or commits or {})
    source = all_do(lambda: begun_with(source, made_of))
    result = None if force else first_does(lambda: read_result(folder))
    splits = all_do(lambda: read_splits(source))
    state = None
    if result is not None:
        all_do(lambda: check_unchanged(result, splits, source, folder))
        first_does(lambda: checkpoint.remove(folder))  # if it was killed when all else was done
    elif not force:
        state = first_does(lambda: checkpoint.newest(folder, watch.note))
    return Claim(
        spec=spec, source=source, folder=folder, options=carried(options, state), watch=watch,
        accelerator=accelerator, stop=stop, splits=splits, result=result, state=state,
    )  # fmt: skip
