"""The table of bertkit against a script on user files, from own_files.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import header_lines, row_line
from benchmarks.setting import Entry, read

KEPT = Path(__file__).parent / "own_files.json"
SIDES = ("bertkit", "script")


def table(path: Path = KEPT) -> str:
    """Every case, in Markdown; empty if nothing was measured."""
    kept = read(path)
    if not kept:
        return ""
    lines = header_lines(
        *("file", "rows", "metric", "seeds", "bertkit", "Trainer", "bertkit - Trainer [95 %]", "updates"),
        *("training, s", "times as fast [95 %]", "whole command, s", "times as fast [95 %]"),
    )
    lines += [_line(name, entry) for name, entry in kept.items()]
    sources = dict.fromkeys(f"`{entry['command']}`, {entry['date']}" for entry in kept.values())
    return "\n".join([*lines, "", *(f"{source}." for source in sources)])


def _line(name: str, entry: Entry) -> str:
    runs = list(entry["runs"].values())
    scores = [[100 * run[side]["score"] for run in runs] for side in SIDES]
    rows = entry["asked"]["rows"]
    times = [cell for key in ("training seconds", "seconds") for cell in _times(runs, key)]
    return row_line(
        *(name, f"{rows['train']:,} / {rows['dev']:,}", entry["asked"]["metric"][1], str(len(runs))),
        *(f"{np.mean(one):.1f} ± {np.std(one, ddof=1) if len(one) > 1 else 0:.1f}" for one in scores),
        _shown(interval(np.subtract(scores[0], scores[1])), "+.1f"),
        *(f"{runs[0]['bertkit']['updates']:,}", *times),
    )


def _times(runs: list[dict[str, Any]], key: str) -> tuple[str, str]:
    """Mean seconds of both sides, and the geometric mean of their ratio."""
    seconds = np.array([[run[side][key] for side in SIDES] for run in runs])
    mean, low, high = (float(np.exp(one)) for one in interval(np.log(seconds[:, 1] / seconds[:, 0])))
    return " / ".join(f"{one:.0f}" for one in seconds.mean(0)), _shown((mean, low, high), ".2f")


def interval(gaps: Any) -> tuple[float, float, float]:
    """The mean of paired differences, and its 95 % interval by Student's t over seeds; of one seed none (nan)."""
    from scipy.stats import t

    mean, n = float(np.mean(gaps)), len(gaps)
    if n < 2:
        return mean, float("nan"), float("nan")
    half = float(t.ppf(0.975, n - 1) * np.std(gaps, ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def _shown(found: tuple[float, float, float], form: str) -> str:
    mean, low, high = found
    return f"{mean:{form}}" if np.isnan(low) else f"{mean:{form}} [{low:{form}}, {high:{form}}]"
