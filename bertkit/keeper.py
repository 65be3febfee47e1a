"""Between two updates: keep the run if it is time to, and stop if somebody asked for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from bertkit.checkpoint import State, Writer
from bertkit.loop import Loop
from bertkit.stop import Asked, Stop

WORTH = 10.0
"""Seconds of training that are kept at its end, before what comes after it."""


class Keeper:
    """Where a run goes on from, and what is done between its updates. Without a `writer` it only stops.

    state  the run as it was kept, if it was
    facts  what a checkpoint holds beside the loop's own
    every  updates between two checkpoints; None goes by the writer's clock
    """

    def __init__(
        self,
        stop: Stop | None = None,
        state: State | None = None,
        writer: Writer | None = None,
        facts: Callable[[], Mapping[str, Any]] = dict,
        every: int | None = None,
    ) -> None:
        self.stop = stop or Stop()
        self.state = state
        self.writer = writer
        self.facts = facts
        self.every = every
        self._began = time.monotonic()

    def between(self, loop: Loop, facts: Mapping[str, Any], last: bool) -> None:
        """Keep the run after an update. Every process calls this after every update.

        Raises Asked, once the state is on the disk, if any of them was asked to stop.
        """
        due, asked = self._agreed(loop, int(facts["step"]), last)
        if due or asked:
            state = loop.state({**facts, **self.facts()})
            if self.writer:
                self.writer.save(state)
            self._began = time.monotonic()
        if asked:
            if self.writer:
                self.writer.wait()
                self.stop.kept = self.writer.kept
            self.stop.asked = asked
            raise Asked

    def _agreed(self, loop: Loop, step: int, last: bool) -> tuple[bool, int]:
        """Whether to keep the state, as the process that writes says; the signal that asked any of them to stop."""
        worth = last and time.monotonic() - self._began > WORTH
        time_has_come = step % self.every == 0 if self.every else self.writer is not None and self.writer.due
        due = self.writer is not None and (time_has_come or worth)
        asked = self.stop.asked or 0
        if loop.accelerator.num_processes == 1:
            return due, asked
        both = torch.tensor([float(due), float(asked)], device=loop.accelerator.device)
        every = loop.accelerator.gather(both[None])
        return bool(every[:, 0].any()), int(every[:, 1].max())
