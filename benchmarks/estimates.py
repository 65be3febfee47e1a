"""How far is the time of `finetune --dry-run` from the run's own? On a part of sst2, ud_en_ewt and squad.

    python -m benchmarks.estimates --data ../shared/data

Plans each run, then trains it, each in a process of its own, prints a table and writes `estimates.json`. Both times
are from the encoder's loading to the saved model; the plan's own tokenising fills the cache, so the run finds it done.
The run is trained into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.results import HERE
from benchmarks.setting import machine, versions

KEPT = HERE / "estimates.json"
RUNS = {
    "sst2": "--limit 16000 --epochs 1",
    "ud_en_ewt": "--limit 6000 --epochs 1",
    "squad": "--limit 1000 --epochs 1",
}
"""Each task's flags: a minute or more of training, and its evaluation."""
BUSY = 1.5
"""The load average above which nothing is measured: other programs would be timed too."""
PATIENCE = 180
"""Seconds in which it falls below that when nothing runs."""


def main() -> None:
    """Measure, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default="../shared/data", help="the folder of the datasets")
    parser.add_argument("--only", default=",".join(RUNS), help="the tasks, separated by commas")
    parser.add_argument("--trial", action="store_true", help="two updates each, on a busy machine too; nothing is kept")
    options = parser.parse_args()
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    for task in options.only.split(","):
        if not options.trial:
            wait()
        flags = "--limit 60 --max-steps 2" if options.trial else RUNS[task]
        kept[task] = measure(task, flags, options.data)
        if not options.trial:
            KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(table())


def wait() -> None:
    """Wait until the load of the last measurement has gone. Exits if other programs keep the machine busy."""
    for _ in range(PATIENCE):
        if os.getloadavg()[0] <= BUSY:
            return
        time.sleep(1)
    sys.exit(f"the load average is {os.getloadavg()[0]:.1f}: run it again when it is below {BUSY}")


def measure(task: str, flags: str, data: Path) -> dict[str, Any]:
    """The plan's seconds and bytes, and the run's."""
    with tempfile.TemporaryDirectory() as out:
        typed = ["finetune", task, "--data", str(data), "--model", "sample", *flags.split(), "--out", out]
        plan, planned_peak = said([*typed, "--dry-run"])
        result, peak = said(typed)
    return {
        "flags": flags, "updates": plan["updates"], "planned seconds": plan["seconds"],
        "seconds": result["seconds"], "training seconds": result["training"]["seconds"],
        "planned memory": plan["memory"], "memory": peak, "memory of the plan": planned_peak,
        "load": os.getloadavg()[0], "machine": machine(), "versions": versions(),
    }  # fmt: skip


def said(typed: list[str]) -> tuple[Any, int]:
    """What `bertkit TYPED --json` prints, and its process' peak of resident memory in bytes."""
    command = [sys.executable, "-m", "bertkit", *typed, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return json.loads(text), used.ru_maxrss * 1024


def table() -> str:
    """Planned and measured, in Markdown, the error being of the measured value; empty if nothing was measured."""
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    if not kept:
        return ""
    lines = ["| task | flags | updates | planned, s | measured, s | error | planned, MiB | measured, MiB |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for task, one in kept.items():
        planned, seconds = one["planned seconds"]["total"], one["seconds"]
        times = f"{planned:.0f} | {seconds:.0f} | {100 * (planned / seconds - 1):+.0f} %"
        memory = f"{one['planned memory'] >> 20:,} | {one['memory'] >> 20:,}"
        lines.append(f"| {task} | {one['flags']} | {one['updates']:,} | {times} | {memory} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
