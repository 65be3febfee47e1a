"""Claim a pretraining run's folder: lock it, read its text, and what it holds."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from accelerate import Accelerator

from bertkit.data.corpus import CorpusText, corpus_text
from bertkit.errors import RequestError
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.machine.devices import resolve_device, resolve_precision
from bertkit.machine.signals import Stop
from bertkit.machine.sync import run_on_all, run_on_first
from bertkit.pretraining import PretrainSpec
from bertkit.progress import Progress
from bertkit.result import PretrainResult
from bertkit.runs.failures import resume_hint
from bertkit.runs.folder import start_id
from bertkit.runs.lock import one_writer
from bertkit.runs.pretrain_folder import located_pretrain, read_pretrain_result, recorded_updates
from bertkit.runs.provenance import restored_options
from bertkit.spec import RunOptions
from bertkit.training import checkpoint
from bertkit.training.checkpoint import State


@dataclass(frozen=True, kw_only=True)
class PretrainClaim:
    """A pretraining run that this process may write.

    located  the spec with its relative paths resolved, for reading the corpus and a tokenizer
    text     its corpus
    updates  the number of updates it was started with, if it was
    result   its result, if it is finished
    state    its newest checkpoint, if it was stopped
    """

    spec: PretrainSpec
    located: PretrainSpec
    folder: Path
    options: RunOptions
    progress: Progress
    accelerator: Accelerator
    stop: Stop
    text: CorpusText
    updates: int | None
    result: PretrainResult | None
    state: State | None

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.accelerator.is_main_process)


def resolved_pretrain(spec: PretrainSpec) -> PretrainSpec:
    """The spec with "auto" resolved for this machine. Raises RequestError."""
    device = resolve_device(spec.device)
    return replace(spec, device=device, precision=resolve_precision(device, spec.precision))


def claim_pretrain(
    spec: PretrainSpec, options: RunOptions, progress: Progress, folder: Path | None, stack: ExitStack
) -> PretrainClaim:
    """Claim the run's folder until `stack` is closed; a signal then ends the process with StoppedError.

    Raises RequestError if the corpus of a finished run changed, or if another process is writing the folder.
    """
    place = folder or options.out / spec.folder_name
    accelerator = make_accelerator(spec.device, spec.precision)
    before = start_id(place) if options.force else None
    stop = stack.enter_context(Stop(partial(resume_hint, place, options.force, before)))
    run_on_first(lambda: stack.enter_context(one_writer(place)))
    result = None if options.force else run_on_first(lambda: read_pretrain_result(place))
    found = run_on_first(lambda: located_pretrain(place, spec)) if folder else spec
    text = run_on_all(lambda: corpus_text(found.corpus, progress, spec.objective.held_out_documents))
    state, updates = None, None
    if result is not None:
        if result.corpus["digest"] != text.digest:
            raise RequestError(f"the corpus changed since {place} finished; rerun with --force")
        run_on_first(lambda: checkpoint.remove(place))  # if it was killed when all else was done
    elif not options.force:
        state = run_on_first(lambda: checkpoint.newest(place, progress.note))
        updates = run_on_first(lambda: recorded_updates(place))
    return PretrainClaim(
        spec=spec, located=found, folder=place, options=restored_options(options, state), progress=progress,
        accelerator=accelerator, stop=stop, text=text, updates=updates, result=result, state=state,
    )  # fmt: skip
