"""The turns of one side, inside its process: wait on stdin for a number of steps, report on stdout."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Job = dict[str, Any]
CHANNEL = os.fdopen(os.dup(1), "w")
"""Where replies go; what libraries print goes to stderr."""


class Enough(Exception):  # noqa: N818  # nothing is wrong
    """The last turn is over."""


class Turns:
    """The turns of this side: wait between them, and report the seconds of each, from its start to its last step."""

    def __init__(self, born: float) -> None:
        self.born = born
        self.first: float | None = None
        self.sizes: list[int] = []
        self.losses: list[Any] = []
        self.done = self.examples = 0
        self.began = 0.0

    def wait(self) -> None:
        """Wait for the next turn. Raises Enough if there is none."""
        wanted = int(sys.stdin.readline().strip() or 0)
        if not wanted:
            raise Enough
        self.sizes.append(wanted)
        self.done = self.examples = 0
        self.began = time.perf_counter()

    def step(self, examples: int, loss: Any = None) -> None:
        """Count a step; the last one of a turn ends it."""
        self.done += 1
        self.examples += examples
        if loss is not None:
            self.losses.append(loss)
        if self.first is None:
            self.first = time.monotonic() - self.born
        if self.done == self.sizes[-1]:
            settle()
            seconds = round(time.perf_counter() - self.began, 6)
            tell({"seconds": seconds, "examples": self.examples, "steps": self.done})
            self.wait()

    def report(self, tokens: Sequence[int] = ()) -> dict[str, Any]:
        """The final report: real tokens of each turn (from those by step), the last turn's mean loss, MiB of memory."""
        ends = [sum(self.sizes[: k + 1]) for k in range(len(self.sizes))]
        told: dict[str, Any] = {"first_step_seconds": round(self.first or 0.0, 3), **memory()}
        if tokens:
            told["tokens"] = [sum(tokens[start:end]) for start, end in pairwise([0, *ends])]
        if self.losses:
            last = [float(loss) for loss in self.losses[-self.sizes[-1] :]]
            told["loss"] = round(sum(last) / len(last), 6)
        return told


def tell(reply: dict[str, Any]) -> None:
    """Write one line to the process that started this one."""
    CHANNEL.write(json.dumps(reply) + "\n")
    CHANNEL.flush()


def memory() -> dict[str, float]:
    """The peak resident memory so far, by the kernel's two counters, in MiB."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    held = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"vm_hwm_mib": round(held / 2**10, 1), "ru_maxrss_mib": round(most / 2**10, 1)}


def settle() -> None:
    """Wait until the accelerator is idle."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.synchronize()


def serve(job: Job, answer: Callable[[], list[str]], facts: dict[str, Any]) -> None:
    """Answer all rows once a step; at the end report the last answers, and `facts`."""
    turns, answers = Turns(job["born"]), list[str]()
    try:
        turns.wait()
        while True:
            answers = answer()
            turns.step(len(answers))
    except Enough:
        tell({**turns.report(), **facts, "answers": answers})
