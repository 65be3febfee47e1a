"""Kill runs and resume them until they are finished; `make torture` counts the outcomes.

Every command runs in a process forked from one that has imported everything and started no thread; it is killed at
a moment chosen beforehand, by itself, with SIGKILL: inside an update, a save, an evaluation or the final write, or
after so many milliseconds wherever it is. What is then typed is the same command and `bertkit resume RUN` in turn.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from moments import ASKING, FAULTS, Fault, Moment, armed, counting, faulty
from victim import KINDS, Ended, Victim, begun, encoder_in, outcome, ready

Report = tuple[dict[str, int], list[str]]


@dataclass(kw_only=True)
class Again:
    """Runs a victim again: by its own command and by `bertkit resume` in turn; by its command while nothing is begun.

    resume  whether the next is by `bertkit resume`
    count   how often each was typed, and in which moment processes were ended
    """

    resume: bool
    count: Counter[str]

    def by_resume(self, out: Path) -> bool:
        """Whether it is `bertkit resume` this time."""
        resume, self.resume = self.resume and begun(out) is not None, not self.resume
        self.count["bertkit resume" if resume else "the same command again"] += 1
        return resume


def survives(victim: Victim, out: Path, moments: list[Moment], again: Again) -> None:
    """Run it, ended at each of the moments, then to its end."""
    for k, moment in enumerate(moments):
        ended = victim(out, armed(moment), moment.rank, resume=k > 0 and again.by_resume(out))
        if not any(one.code for one in ended):  # it was done before, or no such moment came any more
            assert k or moment.kind == "anywhere", f"{moment} never came"
            break
        again.count["ended by a signal"] += 1
        again.count[f"in: {moment.kind}"] += 1
        hit = ended.pop(moment.rank)
        assert _as_asked(moment, hit), f"{moment}: {hit}"
        for other in ended:  # it was left alone, or stopped as well, or done: then it has printed its score
            assert other.code in (0, 1, 128 + moment.signal), f"{moment}: {other}"
            assert "Traceback" not in other.said, f"{moment}: {other}"
            assert not other.code or other.said.count("\n") <= 1, f"{moment}: {other}"
    victim.finish(out, again.by_resume(out))


def _as_asked(moment: Moment, hit: Ended) -> bool:
    """Whether the process ended as the signal has it, with the line that says how to resume."""
    if moment.signal == signal.SIGKILL or hit.code == -moment.signal:  # before the run began, the system ends it
        return hit.code == -moment.signal
    if hit.said == "Interrupted.\n" or (moment.rank and not hit.said):  # the first process speaks for all
        return hit.code == 128 + moment.signal
    way = "bertkit resume" in hit.said or "the run was not started" in hit.said
    right = hit.said.count("\n") == 1 and way and moment.signal.name in hit.said
    return right and hit.code == 128 + moment.signal


def stands(victim: Victim, out: Path, fault: Fault, met: Path, again: Again) -> None:
    """Run it under a fault, then to its end. If the fault ended it, it must say so, and why, in one line."""
    ended = victim(out, faulty(fault, met))
    for one in ended:
        lines = [line for line in one.said.splitlines() if line.startswith("Error: ")]
        assert one.code in (0, 1, 2) and "Traceback" not in one.said, f"{fault}: {one}"
        assert len(lines) == (one.code != 0), f"{fault}: {one}"
    assert not ended[0].code or os.strerror(getattr(errno, fault.error)) in ended[0].said, f"{fault}: {ended[0]}"
    again.count["ended by a fault"] += ended[0].code != 0
    again.count["faults met"] += met.exists()
    victim.finish(out, again.by_resume(out))


# All of it, counted.


def counted(victim: Victim, folder: Path, rounds: list[Moment | Fault], draws: random.Random) -> Report:
    """A run under each of the rounds: how many survived, were identical, and what was lost."""
    count: Counter[str] = Counter()
    lost: list[str] = []
    victim.finish(folder / "never")
    wanted = outcome(folder / "never")
    for k, one in enumerate(rounds):
        out = folder / str(k)
        cold = replace(victim, cache=out.with_suffix(".cache"))
        count["runs"] += 1
        again = Again(resume=draws.random() < 0.5, count=count)
        try:
            if isinstance(one, Fault):
                stands(cold, out, one, out.with_suffix(".met"), again)
            else:
                more = [
                    Moment.drawn(draws, victim.moments, processes=victim.processes) for _ in range(draws.randint(0, 2))
                ]
                survives(cold if k % 5 == 4 else victim, out, [one, *more], again)
            count["survived"] += 1
            found = outcome(out)
            differ = [name for name in wanted if found.get(name) != wanted[name]]
            count["identical"] += not differ
            assert not differ, f"{differ} differ"
        except AssertionError as error:
            lost.append(f"{one}: {error}")
            print(f"lost: {lost[-1]}", file=sys.stderr)
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(cold.cache, ignore_errors=True)
    return dict(count), lost


def rounds_of(options: argparse.Namespace, victim: Victim, folder: Path, draws: random.Random) -> list[Moment | Fault]:
    """What happens to one kind of runs; of each kind of moment, the first is the last that comes.

    With flags a run may be shorter, as with early stopping: then all are drawn.
    """
    drawn, kinds = partial(Moment.drawn, draws, victim.moments, processes=victim.processes), tuple(victim.moments)
    killed = [drawn(kinds[k % len(kinds)]) for k in range(options.kills)]
    if not options.flags:
        killed[: len(kinds)] = [replace(one, count=victim.moments[one.kind]) for one in killed[: len(kinds)]]
    asked = [drawn(sent=ASKING[k % len(ASKING)]) for k in range(options.signals)]
    faults = Fault.every(places(victim, folder), draws)
    return [*killed, *asked, *(faults if options.faults is None else draws.sample(faults, options.faults))]


def places(victim: Victim, folder: Path) -> dict[str, int]:
    """How often a run writes, renames and flushes."""
    folder.mkdir(parents=True)
    victim = replace(victim, cache=folder / "cache")
    ended = victim(folder / "run", counting(folder))
    assert not any(one.code for one in ended), ended
    return {kind: (folder / kind).stat().st_size for kind in FAULTS}


def main() -> None:
    """Count, print, and fail if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", default=",".join(KINDS), help="kinds of runs: heads, and objectives of pretraining")
    parser.add_argument("--processes", type=int, default=1, help="of each run")
    parser.add_argument("--kills", type=int, default=200, help="killed runs of each kind")
    parser.add_argument("--signals", type=int, default=40, help="runs of each kind that are asked to stop")
    parser.add_argument("--faults", type=int, help="runs of each kind that meet one; else at every place, twice")
    parser.add_argument("--flags", default="", help="of bertkit finetune or pretrain")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts, lost = {}, []
    with tempfile.TemporaryDirectory(prefix="bertkit-torture-") as name:
        ready()
        encoder_in(Path(name, "encoder"))
        for kind in options.heads.split(","):
            draws, began = random.Random(f"{options.seed} {kind}"), time.monotonic()
            encoder, cache = Path(name, "encoder"), Path(name, "cache")
            victim = Victim(kind=kind, encoder=encoder, processes=options.processes, cache=cache, flags=options.flags)
            rounds = rounds_of(options, victim, Path(name, kind, "places"), draws)
            counts[kind], more = counted(victim, Path(name, kind), rounds, draws)
            lost += [f"{kind}, {line}" for line in more]
            took = f"{(time.monotonic() - began) / 60:.0f} min"
            print(f"{kind}: {counts[kind]}, lost {len(more)}, {took}", file=sys.stderr)
    print(json.dumps({"counts": counts, "lost": lost}, indent=1))
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
