"""The short table of speed in the README: medians and ranges from the files of measurements.

`bench.json` holds every turn measured on the first machine; `second_machine.json` the ratios on a second machine of the
same kind, whose matrix product is half as fast.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import KEPT, header_lines, opponent, rates, ratio, row_line
from benchmarks.setting import Entry, read

SECOND = Path(__file__).parent / "second_machine.json"
TRAINED = {"sst2": "train on SST-2", "mnli": "train on MNLI", "ud_en_ewt": "train on UD EWT", "squad": "train on SQuAD"}
Bounds = tuple[float, float, float]
"""A median and the bounds of its 90 % interval."""


def table(path: Path = KEPT, second: Path = SECOND) -> str:
    """The README's table of speed, in Markdown: at most eight lines, the first two of them its header."""
    kept = read(path)
    lines = header_lines("what", "against", "times as fast", "machine 1 [90 %]", "machine 2 [90 %]", "command")
    lines += [_training(kept[f"training/{task}/minilm/tuned"], second) for task in TRAINED]
    return "\n".join([*lines, _prediction(kept["prediction/mnli/minilm"]), _startup(kept["startup/first update"])])


def second_table(path: Path = SECOND) -> str:
    """The ratios on the second machine, in Markdown, with bertkit's share of that machine's peak."""
    kept = _second(path)
    lines = header_lines("task", "times as fast [90 %]", "of the peak")
    lines += [
        row_line(task, _bounds(tuple(one["times"])), f"{one['peak_percent']} %") for task, one in kept["ratios"].items()
    ]
    return "\n".join([*lines, "", f"`{kept['command']}`."])


def _second(path: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return kept


def _training(entry: Entry, second: Path) -> str:
    """One task's training against the tuned Trainer, on as many machines as measured it."""
    task = entry["task"]
    first = ratio(rates(entry["sides"]["default"]), rates(entry["sides"]["peer"]))
    other = _second(second)["ratios"].get(task)
    against = opponent(entry["peer"], entry["kind"])
    return _line(TRAINED[task], against, first, tuple(other["times"]) if other else None, _command(entry, task))


def _prediction(entry: Entry) -> str:
    best = next(side for name, side in entry["sides"].items() if "best" in name)
    first = ratio(rates(entry["sides"]["bertkit"]), rates(best))
    return _line("predict MNLI, fp32", f"pipeline, batches of {best['batch_size']}", first, None, _command(entry, ""))


def _startup(entry: Entry) -> str:
    first = ratio(entry["seconds"]["run_glue"], entry["seconds"]["bertkit"])
    return _line("start to first update", "run_glue.py", first, None, _command(entry, ""))


def _line(what: str, against: str, first: Bounds, second: Bounds | None, command: str) -> str:
    medians = sorted({f"{one[0]:.2f}" for one in (first, second) if one})
    there = _bounds(second) if second else "not measured"
    return row_line(what, against, " to ".join(medians), _bounds(first), there, f"`{command}`")


def _command(entry: Entry, task: str) -> str:
    """The shortest command that measures this line."""
    peers = f" --peers {entry['peer']} --only {task}" if task else ""
    only = f" --only {entry['task']}" if entry["part"] == "prediction" else ""
    return f"python -m benchmarks.bench --data DATA --parts {entry['part']}{peers}{only}"


def _bounds(found: tuple[float, ...]) -> str:
    median, low, high = found
    return f"{median:.2f} [{low:.2f}, {high:.2f}]"
