"""Memory and seconds of bertkit's own command against the number of rows, their length, and the model."""

from __future__ import annotations

import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.setting import BATCH, ROOT, Setting, say

EVERY = 0.05
"""Seconds between two samples of a process's memory."""
LIKE_SST2 = (5, 22)
"""Tokens of a row, uniformly distributed: 13.5 on average, as in SST-2 with special tokens."""
DEV_ROWS = 64
FILE = "rows.csv"


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run to measure; `tokens` are the least and the most tokens of a row.

    own  whether the rows are one user file, of which some are held out for scoring
    """

    rows: int
    tokens: tuple[int, int] = LIKE_SST2
    model: str = "minilm"
    updates: int
    own: bool = False

    @property
    def name(self) -> str:
        """A short description, for progress."""
        length = "like SST-2" if self.tokens == LIKE_SST2 else f"{self.tokens[0]} tokens"
        return f"{self.model}, {self.rows:,} rows{' of one file' * self.own}, {length}, {self.updates} updates"


def memory(setting: Setting, models: dict[str, str]) -> None:
    """The same updates on few rows and on a hundred times as many."""
    _measure(setting, models, "memory", [Point(rows=n, updates=300) for n in _scaled(setting, 20_000, 2_000_000)])


def file(setting: Setting, models: dict[str, str]) -> None:
    """`finetune FILE` on few rows and on a hundred times as many."""
    points = [Point(rows=n, updates=60, own=True) for n in _scaled(setting, 20_000, 2_000_000)]
    _measure(setting, models, "file", points)


def growth(setting: Setting, models: dict[str, str]) -> None:
    """Rows, length and model, changed one at a time."""
    points = [Point(rows=n, updates=60) for n in _scaled(setting, 20_000, 200_000, 2_000_000)]
    (some,) = _scaled(setting, 2_000)
    points += [Point(rows=some, tokens=(n, n), updates=25) for n in (16, 64, 256, 512)]
    points += [Point(rows=some, tokens=(n, n), model="bert-base", updates=25) for n in (16, 64)]
    _measure(setting, models, "growth", points)


def _scaled(setting: Setting, *rows: int) -> list[int]:
    """The numbers of rows; far fewer in a trial."""
    return [count if setting.trial is None else setting.trial * (1 + k) for k, count in enumerate(rows)]


def _measure(setting: Setting, models: dict[str, str], part: str, points: list[Point]) -> None:
    found = []
    for k, point in enumerate(points):
        if setting.trial is not None:
            point = replace(point, updates=min(point.updates, setting.trial))
        folder = setting.folder / f"{part}-{k}"
        say(f"{part}: {point.name}")
        write_rows(setting.encoder, folder / "data", point)
        seen = watched(setting, folder, models[point.model], point)
        found.append({"model": point.model, "rows": point.rows, "tokens": point.tokens, **seen})
        say(f"  peak {found[-1]['peak_anon_mib']:.0f} MiB, {found[-1]['seconds_per_update']:.3f} s an update")
        shutil.rmtree(folder)
    setting.keep(part, {"part": part, "batch_size": BATCH, "points": found})


def write_rows(encoder: Path, folder: Path, point: Point) -> None:
    """Rows of whole words of the vocabulary, drawn at random: in the Hub's columns, or as a CSV file with ids."""
    folder.mkdir(parents=True)
    vocabulary = (encoder / "vocab.txt").read_text("utf-8").split("\n")
    words = [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2]
    draws = random.Random(0)

    def texts(count: int) -> Iterator[str]:
        return (" ".join(draws.choices(words, k=draws.randint(*point.tokens) - 2)) for _ in range(count))

    if point.own:
        with (folder / FILE).open("w", encoding="utf-8") as file:
            file.write("id,text,label\n")
            for k, text in enumerate(texts(point.rows)):
                file.write(f"row{k},{text},{'negative' if k % 2 else 'positive'}\n")
        return
    for name, count in (("train", point.rows), ("dev", DEV_ROWS)):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for k, text in enumerate(texts(count)):
                file.write(json.dumps({"sentence": text, "label": k % 2}) + "\n")


def watched(setting: Setting, folder: Path, model: str, point: Point) -> dict[str, Any]:
    """Run bertkit's command in a fresh process and sample its memory: the peaks in MiB, and the seconds.

    The peaks are of RssAnon (/proc/PID/status): its own memory, without memory-mapped files.
    """
    what = [str(folder / "data" / FILE)] if point.own else ["sst2", "--data", str(folder / "data")]
    words = ["finetune", *what, "--model", model, "--max-steps", str(point.updates)]
    words += ["--batch-size", str(BATCH), "--max-length", str(max(128, point.tokens[1])), "--out", str(folder / "out")]
    caches = {"BERTKIT_CACHE": str(folder / "rows")}
    peaks = {"before": 0.0, "training": 0.0}
    training_began: float | None = None
    log = folder / "stderr"
    with log.open("w") as errors:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "bertkit", *words, "--quiet"],
            stdout=subprocess.DEVNULL, stderr=errors, cwd=ROOT, env={**setting.environment, **caches},
        )  # fmt: skip
        try:
            while process.poll() is None:
                if training_began is None and any((folder / "out").glob("*/log.jsonl")):
                    training_began = time.monotonic()
                phase = "before" if training_began is None else "training"
                peaks[phase] = max(peaks[phase], _anonymous(process.pid))
                time.sleep(EVERY)
        finally:
            process.kill()
    if process.returncode or training_began is None:
        raise SystemExit(f"{point.name} failed:\n{log.read_text('utf-8', 'replace')[-3000:]}")
    return {
        "updates": point.updates,
        "peak_before_training_anon_mib": round(peaks["before"], 1),
        "peak_training_anon_mib": round(peaks["training"], 1),
        "peak_anon_mib": round(max(peaks.values()), 1),
        "seconds_to_training": round(training_began - began, 2),
        "seconds_per_update": _seconds_per_update(folder / "out"),
    }


def _anonymous(process: int) -> float:
    """RssAnon in MiB; 0 once the process has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 2**10 for line in lines if line.startswith("RssAnon")), 0.0)


def _seconds_per_update(out: Path) -> float:
    """The median over a run's updates, without the first six."""
    lines = [json.loads(line) for line in next(out.glob("*/log.jsonl")).read_text("utf-8").splitlines()]
    ends: list[float] = [line["seconds"] for line in lines if "seconds" in line]
    each = [after - before for before, after in pairwise(ends)]
    return round(statistics.median(each[5:] or each), 4)
