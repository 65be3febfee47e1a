"""Kill runs and resume them until they are finished; `make torture` counts the outcomes.

Every command runs in a process forked from one that has imported everything and started no thread; it is killed at
a moment chosen beforehand, by itself, with SIGKILL: inside an update, a save, an evaluation or the final write, or
after so many milliseconds wherever it is.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from moments import ASKING, FAULTS, MOMENTS, Fault, Moment, armed, counting, faulty

HEADS = {"classification": "sst2", "regression": "stsb", "tagging": "ud_en_ewt", "span": "squad"}
FLAGS = (
    "--device cpu --limit 12 --batch-size 2 --gradient-accumulation 2 --epochs 3 --eval-every 4 --save-every 2 --quiet"
)
"""Three updates an epoch, nine in all; scored on the way, and kept in the middle of epochs."""

Report = tuple[dict[str, int], list[str]]

LONGEST = 120
"""Seconds of a command, after which it hangs."""
PATIENCE = 15
"""Seconds that a process waits for another."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended: its exit code, or less the signal's number, and what it said."""

    code: int
    said: str


def forked(
    typed: list[str], before: Callable[[], None] = lambda: None, processes: int = 1, rank: int = 0
) -> list[Ended]:
    """`bertkit TYPED` in processes forked from this one, as a launcher would start them; `rank` does `before` first."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread does not survive a fork"
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile()) for _ in range(processes)]
        port = free_port() if processes > 1 else 0
        pids = []
        for k in range(processes):
            pids.append(os.fork())
            if pids[-1] == 0:
                if processes > 1:
                    os.environ.update(LOCAL_RANK=str(k), RANK=str(k), WORLD_SIZE=str(processes), **_meeting(port))
                _command(typed, before if k == rank else lambda: None, said[k].fileno())
        codes = _waited(pids)
        for file in said:
            file.seek(0)
        return [
            Ended(code=code, said=file.read().decode("utf-8", "replace"))
            for code, file in zip(codes, said, strict=True)
        ]


def _meeting(port: int) -> dict[str, str]:
    return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "BERTKIT_PEER_TIMEOUT": str(PATIENCE)}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _command(typed: list[str], before: Callable[[], None], said: int) -> NoReturn:
    """The rest of a forked process."""
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        before()
        from bertkit.cli import main

        main(typed)
    except SystemExit as leaving:
        sys.stdout.flush()
        os._exit(int(leaving.code or 0))
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(70)


def _waited(pids: list[int]) -> list[int]:
    """Their exit codes. Raises AssertionError if they hang."""
    until, codes = time.monotonic() + LONGEST, dict[int, int]()
    while time.monotonic() < until:
        for pid in set(pids) - set(codes):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                codes[pid] = os.waitstatus_to_exitcode(status)
        if len(codes) == len(pids):
            return [codes[pid] for pid in pids]
        time.sleep(0.005)
    for pid in set(pids) - set(codes):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    raise AssertionError(f"a command hung for {LONGEST} s")


def ready() -> None:
    """Import everything; the one thread is this."""
    os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    os.environ["TORCH_CPP_LOG_LEVEL"] = "FATAL"  # as the command line has it, before torch is imported
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # pyarrow's allocator would start one
    from transformers import (
        AutoModelForQuestionAnswering,
        AutoModelForSequenceClassification,
        AutoModelForTokenClassification,
    )

    import bertkit.cli
    import bertkit.evaluation.hf_metrics
    import bertkit.runs.run

    assert AutoModelForQuestionAnswering and AutoModelForSequenceClassification and AutoModelForTokenClassification
    assert bertkit.cli and bertkit.runs.run and bertkit.evaluation.hf_metrics


@dataclass(frozen=True, kw_only=True)
class Victim:
    """What is killed: a short run on the sample, by one of HEADS and an encoder, in so many processes."""

    kind: str
    encoder: Path
    processes: int
    cache: Path

    def __call__(self, out: Path, before: Callable[[], None] = lambda: None, rank: int = 0) -> list[Ended]:
        """Run it below `out`."""
        os.environ["BERTKIT_CACHE"] = str(self.cache)
        asked = ["--sample", "--model", str(self.encoder), *FLAGS.split(), "--out", str(out)]
        return forked(["finetune", HEADS[self.kind], *asked], before, self.processes, rank)

    def finish(self, out: Path) -> None:
        """Run it to its end."""
        ended = self(out)
        assert not any(one.code for one in ended), ended


def outcome(out: Path) -> dict[str, Any]:
    """What must be the same: the bytes of model and predictions, the scores, and the steps of the log."""
    (folder,) = (path for path in out.iterdir() if not path.name.startswith("."))
    files = ("model/model.safetensors", "predictions.jsonl")
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    result = json.loads((folder / "result.json").read_text("utf-8"))
    left = sorted(path.name for path in folder.iterdir())
    return {
        **{name: (folder / name).read_bytes() for name in files},
        "log": [{name: value for name, value in line.items() if name != "seconds"} for line in log],
        "evaluations": result["evaluations"],
        "files": left,
    }


def survives(victim: Victim, out: Path, moments: list[Moment]) -> int:
    """Run it, ended at each of the moments, then to its end; how often it was ended."""
    ends = 0
    for moment in moments:
        ended = victim(out, armed(moment), moment.rank)
        if not any(one.code for one in ended):  # it was done before
            break
        ends += 1
        hit = ended.pop(moment.rank)
        assert _as_asked(moment, hit), f"{moment}: {hit}"
        for other in ended:  # it was left alone, or stopped as well, or done
            assert other.code in (0, 1, 128 + moment.signal), f"{moment}: {other}"
            assert other.said.count("\n") <= 1 and "Traceback" not in other.said, f"{moment}: {other}"
    victim.finish(out)
    return ends


def _as_asked(moment: Moment, hit: Ended) -> bool:
    """Whether the process ended as the signal has it, with the line that says how to resume."""
    if moment.signal == signal.SIGKILL or hit.code == -moment.signal:  # before the run began, the system ends it
        return hit.code == -moment.signal
    if hit.said == "Interrupted.\n" or (moment.rank and not hit.said):  # the first process speaks for all
        return hit.code == 128 + moment.signal
    way = "bertkit resume" in hit.said or "no run was started" in hit.said
    right = hit.said.count("\n") == 1 and way and moment.signal.name in hit.said
    return right and hit.code == 128 + moment.signal


def stands(victim: Victim, out: Path, fault: Fault, met: Path) -> bool:
    """Run it under a fault, then to its end; whether the fault ended it. It must say so, and why, in one line."""
    ended = victim(out, faulty(fault, met))
    for one in ended:
        lines = [line for line in one.said.splitlines() if line.startswith("Error: ")]
        assert one.code in (0, 1, 2) and "Traceback" not in one.said, f"{fault}: {one}"
        assert len(lines) == (one.code != 0), f"{fault}: {one}"
    assert not ended[0].code or os.strerror(getattr(errno, fault.error)) in ended[0].said, f"{fault}: {ended[0]}"
    victim.finish(out)
    return ended[0].code != 0


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
        try:
            if isinstance(one, Fault):
                met = out.with_suffix(".met")
                count["ended by a fault"] += stands(cold, out, one, met)
                count["faults met"] += met.exists()
            else:
                more = [Moment.drawn(draws, processes=victim.processes) for _ in range(draws.randint(0, 2))]
                count["ended by a signal"] += survives(cold if k % 5 == 4 else victim, out, [one, *more])
            count["survived"] += 1
            found = outcome(out)
            differ = [name for name in wanted if found[name] != wanted[name]]
            count["identical"] += not differ
            assert not differ, f"{differ} differ"
        except AssertionError as error:
            lost.append(f"{one}: {error}")
            print(f"lost: {lost[-1]}", file=sys.stderr)
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(cold.cache, ignore_errors=True)
    return dict(count), lost


def rounds_of(options: argparse.Namespace, victim: Victim, folder: Path, draws: random.Random) -> list[Moment | Fault]:
    """What happens to one head's runs."""
    drawn = partial(Moment.drawn, draws, processes=victim.processes)
    killed = [drawn(MOMENTS[k % len(MOMENTS)]) for k in range(options.kills)]
    asked = [drawn(sent=ASKING[k % len(ASKING)]) for k in range(options.signals)]
    faults = Fault.every(places(victim, folder), draws)
    return [*killed, *asked, *(faults if options.faults is None else draws.sample(faults, options.faults))]


def places(victim: Victim, folder: Path) -> dict[str, int]:
    """How often a run writes, renames and flushes."""
    folder.mkdir(parents=True)
    victim = replace(victim, cache=folder / "cache")
    assert not any(one.code for one in victim(folder / "run", counting(folder)))
    return {kind: (folder / kind).stat().st_size for kind in FAULTS}


def main() -> None:
    """Count, print, and fail if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", default=",".join(HEADS))
    parser.add_argument("--processes", type=int, default=1, help="of each run")
    parser.add_argument("--kills", type=int, default=200, help="killed runs of each head")
    parser.add_argument("--signals", type=int, default=40, help="runs of each head that are asked to stop")
    parser.add_argument("--faults", type=int, help="runs of each head that meet one; else at every place, twice")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts, lost = {}, []
    with tempfile.TemporaryDirectory(prefix="bertkit-torture-") as name:
        made = f"import tiny, pathlib; tiny.make('bert', pathlib.Path({name!r}) / 'encoder')"
        subprocess.run([sys.executable, "-c", made], check=True, cwd=Path(__file__).parent)
        ready()
        for kind in options.heads.split(","):
            draws, began = random.Random(f"{options.seed} {kind}"), time.monotonic()
            encoder, cache = Path(name, "encoder"), Path(name, "cache")
            victim = Victim(kind=kind, encoder=encoder, processes=options.processes, cache=cache)
            rounds = rounds_of(options, victim, Path(name, kind, "places"), draws)
            counts[kind], more = counted(victim, Path(name, kind), rounds, draws)
            lost += [f"{kind}, {line}" for line in more]
            took = f"{(time.monotonic() - began) / 60:.0f} min"
            print(f"{kind}: {counts[kind]}, lost {len(more)}, {took}", file=sys.stderr)
    print(json.dumps({"counts": counts, "lost": lost}, indent=1))
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
