"""Save checkpoints between updates when one is due, and stop after a signal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bertkit.machine.signals import Stop, StopRequested
from bertkit.training.checkpoint import State, checkpoints_in, remove, write
from bertkit.training.update import Updater

WORTH = 10.0
"""A checkpoint is written at the end of training if the last one is older than this, in seconds."""


class Checkpointer:
    """Resumes a run, and saves or stops it between updates. Without a `writer` it only stops.

    state  the checkpoint that the run resumes from, if any
    facts  what a checkpoint holds besides the training loop's own facts, and `tensors` besides its tensors
    every  updates between two checkpoints; None lets the writer decide by time
    """

    def __init__(
        self,
        stop: Stop | None = None,
        state: State | None = None,
        writer: CheckpointWriter | None = None,
        facts: Callable[[], Mapping[str, Any]] = dict,
        every: int | None = None,
        tensors: Callable[[], Mapping[str, Tensor]] = dict,
    ) -> None:
        self.stop = stop or Stop()
        self.state = state
        self.writer = writer
        self.facts = facts
        self.every = every
        self.tensors = tensors
        self._began = time.monotonic()

    def between(self, loop: Updater, facts: Mapping[str, Any], last: bool) -> None:
        """Write a checkpoint if one is due, and stop if a signal came. Every process calls this after every update.

        Raises StopRequested, once the state is on the disk, if any process received a signal.
        """
        due, asked = self._agreed(loop, int(facts["step"]), last)
        if due or asked:
            state = loop.state({**facts, **self.facts()})
            state.tensors.update(self.tensors())
            if self.writer:
                self.writer.save(state)
            self._began = time.monotonic()
        if asked:
            if self.writer:
                self.writer.wait()
                self.stop.saved = self.writer.written
            self.stop.asked = asked
            raise StopRequested

    def _agreed(self, loop: Updater, step: int, last: bool) -> tuple[bool, int]:
        """Whether to save, decided by the writing process, and the signal that any process received, or 0."""
        worth = last and time.monotonic() - self._began > WORTH
        is_time = step % self.every == 0 if self.every else self.writer is not None and self.writer.due
        due = self.writer is not None and (is_time or worth)
        asked = self.stop.asked or 0
        if loop.accelerator.num_processes == 1:
            return due, asked
        both = torch.tensor([float(due), float(asked)], device=loop.accelerator.device)
        every = loop.accelerator.gather(both[None])
        return bool(every[:, 0].any()), int(every[:, 1].max())


INTERVAL = 120.0
"""Seconds between two checkpoints, at least."""


SHARE = 0.01
"""The share of a run's time that writing checkpoints may take: after a slow one the next waits longer."""


class CheckpointWriter:
    """Writes a run's checkpoints in the background, one at a time, and removes older ones.

    If a write fails, the previous checkpoint stays, and `warn` is called with one line.

    written  the update of the last checkpoint written
    """

    def __init__(self, run: Path, warn: Callable[[str], None], interval: float = INTERVAL) -> None:
        self.run = run
        self.warn = warn
        self.interval = interval
        self.written: int | None = None
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._last = time.monotonic()
        self._wait = interval

    @property
    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        busy = self._writing is not None and not self._writing.done()
        return time.monotonic() - self._last >= self._wait and not busy

    def save(self, state: State) -> None:
        """Write the state in the background; returns once its tensors are copied. Waits for a write in progress."""
        self.wait()
        began = time.monotonic()
        copied = state.copied()
        self._writing = self._thread.submit(self._write, copied, began)
        self._last = time.monotonic()

    def wait(self) -> None:
        """Wait until nothing is being written."""
        if self._writing is not None:
            self._writing.result()

    def close(self) -> None:
        """Wait, and end the thread."""
        self.wait()
        self._thread.shutdown()

    def _write(self, state: State, began: float) -> None:
        try:
            remove(self.run, keep=write(self.run, state))
            self.written = state.step
        except OSError as error:
            kept = checkpoints_in(self.run)
            last = f"the one of update {int(kept[-1].name[5:])} is kept" if kept else "there is no earlier one"
            self.warn(f"the checkpoint of update {state.step} could not be written ({error.strerror}): {last}")
        self._wait = max(self.interval, (time.monotonic() - began) / SHARE)
