"""Runs that are killed, and continued until they are done; `make torture` counts what comes of them.

Every command runs in a process forked from one that has imported everything and started no thread; it is killed at
a moment chosen beforehand, by itself, with SIGKILL: inside an update, a save, an evaluation or the final write, or
after so many milliseconds wherever it is.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moments import ASKING, MOMENTS, Fault, Moment, armed, faulty

HEADS = {"classification": "sst2", "regression": "stsb", "tagging": "ud_en_ewt", "span": "squad"}
FLAGS = (
    "--device cpu --limit 12 --batch-size 2 --gradient-accumulation 2 --epochs 3 --eval-every 4 --save-every 2 --quiet"
)
"""Three updates an epoch, nine in all; scored on the way, and kept in the middle of epochs."""

Report = tuple[dict[str, int], list[str]]

LONGEST = 120
"""Seconds of a command, after which it hangs."""


def forked(typed: list[str], before: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """`bertkit TYPED` in a process forked from this one, after `before`; its exit code, or -9, and what it said."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread does not survive a fork"
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
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
        code = _waited(pid)
        said.seek(0)
        return code, said.read().decode("utf-8", "replace")


def _waited(pid: int) -> int:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"a command hung for {LONGEST} s")


def ready() -> None:
    """Import everything; the one thread is this."""
    os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # pyarrow's allocator would start one
    from transformers import (
        AutoModelForQuestionAnswering,
        AutoModelForSequenceClassification,
        AutoModelForTokenClassification,
    )

    import bertkit.cli
    import bertkit.modules
    import bertkit.run

    assert AutoModelForQuestionAnswering and AutoModelForSequenceClassification and AutoModelForTokenClassification
    assert bertkit.cli and bertkit.run and bertkit.modules


def typed(kind: str, encoder: Path, out: Path) -> list[str]:
    """A short run on the sample."""
    return ["finetune", HEADS[kind], "--sample", "--model", str(encoder), *FLAGS.split(), "--out", str(out)]


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


def survives(command: list[str], moments: list[Moment]) -> int:
    """Run the command, ended at each of the moments, then to its end; how often it was ended."""
    ended = 0
    for moment in moments:
        code, text = forked(command, armed(moment))
        if code == 0:  # it was done before
            break
        ended += 1
        if moment.signal == signal.SIGKILL:
            assert code == -signal.SIGKILL, f"{moment}: exit code {code}\n{text}"
        elif code != -moment.signal and text != "Interrupted.\n":  # before the run began, the system ends the process
            lines = text.splitlines()
            assert code == 128 + moment.signal, f"{moment}: exit code {code}\n{text}"
            assert len(lines) == 1 and "bertkit resume" in lines[0] and moment.signal.name in lines[0], text
    code, text = forked(command)
    assert code == 0, f"exit code {code}\n{text}"
    return ended


def stands(command: list[str], fault: Fault, met: Path) -> bool:
    """Run the command under a fault, then to its end; whether the fault ended it. It must say so in one line."""
    code, text = forked(command, faulty(fault, met))
    assert code in (0, 1, 2), f"{fault}: exit code {code}\n{text}"
    assert "Traceback" not in text, text
    lines = [line for line in text.splitlines() if line.startswith("Error: ")]
    assert len(lines) == (code != 0), f"{fault}: {text}"
    code, text = forked(command)
    assert code == 0, f"exit code {code}\n{text}"
    return bool(lines)


# All of it, counted.


def counted(encoder: Path, folder: Path, kind: str, rounds: list[Moment | Fault], draws: random.Random) -> Report:
    """One head's run under each of the rounds: how many survived, were identical, and what was lost."""
    count: Counter[str] = Counter()
    lost: list[str] = []
    never = folder / kind / "never"
    survives(typed(kind, encoder, never), [])
    wanted = outcome(never)
    for k, one in enumerate(rounds):
        out = folder / kind / str(k)
        command = typed(kind, encoder, out)
        count["runs"] += 1
        try:
            if isinstance(one, Fault):
                met = out.with_suffix(".met")
                count["ended by a fault"] += stands(command, one, met)
                count["faults met"] += met.exists()
            else:
                more = [Moment.drawn(draws) for _ in range(draws.randint(0, 2))]
                count["ended by a signal"] += survives(command, [one, *more])
            count["survived"] += 1
            found = outcome(out)
            differ = [name for name in wanted if found[name] != wanted[name]]
            count["identical"] += not differ
            if differ:
                lost.append(f"{kind}, {one}: {differ} differ")
        except AssertionError as error:
            lost.append(f"{kind}, {one}: {error}")
    return dict(count), lost


def rounds_of(options: argparse.Namespace, draws: random.Random) -> list[Moment | Fault]:
    """What happens to the runs of one head."""
    killed = [Moment.drawn(draws, MOMENTS[k % len(MOMENTS)]) for k in range(options.kills)]
    asked = [Moment.drawn(draws, sent=ASKING[k % len(ASKING)]) for k in range(options.signals)]
    return [*killed, *asked, *(Fault.drawn(draws) for _ in range(options.faults))]


def main() -> None:
    """Count, print, and fail if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", default=",".join(HEADS))
    parser.add_argument("--kills", type=int, default=200, help="killed runs of each head")
    parser.add_argument("--signals", type=int, default=40, help="runs of each head that are asked to stop")
    parser.add_argument("--faults", type=int, default=100, help="runs of each head that meet a fault")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts, lost = {}, []
    with tempfile.TemporaryDirectory(prefix="bertkit-torture-") as name:
        os.environ["BERTKIT_CACHE"] = f"{name}/cache"
        made = f"import tiny, pathlib; tiny.make('bert', pathlib.Path({name!r}) / 'encoder')"
        subprocess.run([sys.executable, "-c", made], check=True, cwd=Path(__file__).parent)
        ready()
        for kind in options.heads.split(","):
            draws = random.Random(f"{options.seed} {kind}")
            rounds = rounds_of(options, draws)
            counts[kind], more = counted(Path(name, "encoder"), Path(name), kind, rounds, draws)
            lost += more
            print(f"{kind}: {counts[kind]}, lost {len(more)}", file=sys.stderr)
    print(json.dumps({"counts": counts, "lost": lost}, indent=1))
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
