"""Start-up time: from the start of a process to the end of its first update, page cache warm, in turns."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.setting import BATCH, ROOT, Setting, say

Seconds = dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line, and whether its cached rows are removed before it starts."""

    words: list[str]
    uncached: bool = False


def measure(setting: Setting) -> None:
    """Measure the first update and the help page, and keep both."""
    folder = setting.folder / "startup"
    folder.mkdir()
    seconds = rounds(setting, commands(setting), lambda name, command: first_update(setting, name, command))
    setting.keep("startup/first update", {"part": "startup", "rounds": setting.rounds, "seconds": seconds})
    pages = {
        "bertkit --help": Command(words=["-m", "bertkit", "--help"]),
        "import typer, rich": Command(words=["-c", "import typer, rich"]),
    }
    seconds = rounds(setting, pages, lambda _, command: whole(setting, command))
    setting.keep("startup/help", {"part": "startup", "rounds": setting.rounds, "seconds": seconds})


def commands(setting: Setting) -> dict[str, Command]:
    """The commands that run a first update on SST-2, by their names in the table."""
    train = Path(setting.data) / "glue" / "SST-2" / "train.tsv"
    files = [str(train), str(train.with_name("dev.tsv")), str(setting.encoder), str(BATCH)]
    words = ["finetune", "sst2", "--data", setting.data, "--model", setting.asked_model, "--max-steps", "1"]
    bertkit = ["-m", "benchmarks.first_bertkit", *words, "--batch-size", str(BATCH)]
    bertkit += ["--max-length", "128", "--out", str(setting.folder / "startup" / "runs")]
    glue = ["-m", "benchmarks.first_glue", *files, str(setting.folder / "startup" / "trainer")]
    return {
        "bertkit": Command(words=bertkit),
        "bertkit, rows never read before": Command(words=bertkit, uncached=True),
        "shortest script": Command(words=["-m", "benchmarks.first_plain", *files]),
        "run_glue": Command(words=glue),
        "run_glue, rows never read before": Command(words=glue, uncached=True),
    }


def rounds(setting: Setting, of: dict[str, Command], clock: Callable[[str, Command], float]) -> Seconds:
    """The seconds of each command in each round, after one warm-up round; the command that goes first rotates."""
    names = list(of)
    seconds: Seconds = {name: [] for name in names}
    for k in range(-1, setting.rounds):
        first = max(k, 0) % len(names)
        for name in [*names[first:], *names[:first]]:
            took = clock(name, of[name])
            say(f"startup: {name}: {took:.2f} s{' (warm-up)' if k < 0 else ''}")
            if k >= 0:
                seconds[name].append(took)
    return seconds


def first_update(setting: Setting, name: str, command: Command) -> float:
    """Seconds from the start of the process to the end of its first update, whose time it prints."""
    folder = setting.folder / "startup"
    caches = folder / ("uncached" if command.uncached else "kept")
    if command.uncached:
        shutil.rmtree(caches, ignore_errors=True)
    shutil.rmtree(folder / "runs", ignore_errors=True)
    own = {"BERTKIT_CACHE": str(caches / "rows"), "HF_DATASETS_CACHE": str(caches / "datasets")}
    log = folder / "log"
    with log.open("w") as errors:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, *command.words],
            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env={**setting.environment, **own}, check=False,
        )  # fmt: skip
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"{name} failed:\n{log.read_text('utf-8', 'replace')[-3000:]}")
    return round(float(done.stdout.split()[-1]) - began, 3)


def whole(setting: Setting, command: Command) -> float:
    """Seconds from the start of the process to its end."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, *command.words], cwd=ROOT, env=setting.environment, stdout=subprocess.DEVNULL, check=True
    )
    return round(time.monotonic() - began, 3)
