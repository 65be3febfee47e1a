"""Take turns: each side is a process that waits on a pipe during the other sides' turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.setting import ROOT, say

Job = dict[str, Any]


@dataclass(kw_only=True)
class Side:
    """One side: its reports of each turn and of the whole."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    turns: list[dict[str, Any]] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, name: str, job: Job, folder: Path, environment: Mapping[str, str]) -> Side:
        """Start a process that does `job` (see worker.py) and waits for its first turn."""
        log = folder / f"{job['job']}.log"
        line = json.dumps({**job, "born": time.monotonic()})
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", line],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=dict(environment),
            )
        return cls(name=name, process=process, log=log)

    def turn(self, steps: int) -> dict[str, Any]:
        """Run `steps` steps; returns the side's report of them."""
        self._send(steps)
        return self.reply()

    def end(self) -> None:
        """End the side's process and read its final report."""
        self._send(0)
        self.told = self.reply()
        for turn, tokens in zip(self.turns, self.told.pop("tokens", [])[-len(self.turns) :], strict=False):
            turn["tokens"] = tokens
        self.process.wait()

    def reply(self) -> dict[str, Any]:
        """The next line the process writes. Exits with the end of its log if there is none."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} failed:\n{self.log.read_text('utf-8', 'replace')[-3000:]}")
        told: dict[str, Any] = json.loads(line)
        return told

    @property
    def computed(self) -> float:
        """CPU seconds of its process so far, in all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _send(self, steps: int) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `reply` says why

    def plain(self) -> dict[str, Any]:
        """The measurements to keep."""
        return {"turns": self.turns, **self.told}


def ask(job: Job, folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The report of a process that has no turns, when its job is done."""
    with _ended([Side.start(str(job["job"]), job, folder, environment)]) as (side,):
        return side.reply()


def take_turns(
    jobs: Mapping[str, Job],
    folder: Path,
    environment: Mapping[str, str],
    *,
    rounds: int,
    steps: int,
    warm_up: int,
) -> dict[str, dict[str, Any]]:
    """All sides by name, after `rounds` rounds in which each has one turn of `steps` steps.

    They are started one after the other, each with its warm-up turn alone on the machine. The side that goes
    first rotates from round to round.
    """
    sides: list[Side] = []
    with _ended(sides):
        for name, job in jobs.items():
            say(f"  {name}: warm-up")
            place = folder / f"side-{len(sides)}"
            place.mkdir(parents=True, exist_ok=True)
            sides.append(Side.start(name, job, place, environment))
            sides[-1].turn(warm_up)
        for k in range(rounds):
            _wait_until_idle(sides)
            first = k % len(sides)
            for side in [*sides[first:], *sides[:first]]:
                side.turns.append(side.turn(steps))
                rate = side.turns[-1]["examples"] / side.turns[-1]["seconds"]
                say(f"  round {k + 1} of {rounds}: {side.name}: {rate:.1f} examples/s")
        for side in sides:
            side.end()
    return {side.name: side.plain() for side in sides}


def _wait_until_idle(sides: Sequence[Side]) -> None:
    """Wait until no side uses the CPU. Exits if one still does after two minutes."""
    for _ in range(240):
        before = [side.computed for side in sides]
        time.sleep(0.5)
        if all(side.computed - then <= 0.02 for side, then in zip(sides, before, strict=True)):
            return
    raise SystemExit("a side still uses the CPU outside its turn")


@contextmanager
def _ended(sides: Sequence[Side]) -> Iterator[Sequence[Side]]:
    """Kill these processes on the way out, also after an error."""
    try:
        yield sides
    finally:
        for side in sides:
            side.process.kill()
            side.process.wait()
