"""The settings of every part of the benchmark: data, encoder, duration, output file."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
LIBRARIES = ("bertkit", "torch", "transformers", "tokenizers", "datasets", "accelerate")
LEARNING_RATE = 5e-5
BATCH = 32
"""Rows of a batch, on every side, by default."""

Entry = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The settings of one call of the benchmark.

    tasks       their names
    variants    bertkit's flags, as Flags has them, by the name in the table
    steps       updates of a turn; `grouped` where a turn is to be one whole bucket of lengths
    warm_up     updates before the first turn that counts
    shapes      of the models that are pretrained
    threads     of the processes that pretrain; None is one a core
    trial       rows and updates at most, if this is only a trial
    folder      for temporary files
    """

    data: str
    tasks: tuple[str, ...]
    model: str
    encoder: Path
    variants: dict[str, dict[str, Any]]
    peers: tuple[str, ...]
    steps: int
    grouped: int
    warm_up: int
    rounds: int
    shapes: tuple[str, ...]
    threads: tuple[int | None, ...]
    trial: int | None
    folder: Path
    out: Path
    command: str

    @property
    def asked_model(self) -> str:
        """The encoder as bertkit's --model names it."""
        return "sample" if self.model == "minilm" else str(self.encoder)

    @property
    def config(self) -> dict[str, int]:
        """The encoder's sizes."""
        config: dict[str, int] = json.loads((self.encoder / "config.json").read_text("utf-8"))
        return config

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process: no network, temporary caches."""
        caches = {"BERTKIT_CACHE": self.folder / "rows", "HF_DATASETS_CACHE": self.folder / "datasets"}
        return {**os.environ, "HF_HUB_OFFLINE": "1", **{name: str(path) for name, path in caches.items()}}

    def keep(self, key: str, entry: Entry) -> None:
        """Write a measurement to the file, in place of the one with the same key."""
        kept = read(self.out)
        record = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "command": self.command}
        kept[key] = {**record, **entry, "machine": machine(), "versions": versions()}
        self.out.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def read(path: Path) -> dict[str, Entry]:
    """All measurements by key; none if there is no such file."""
    if not path.is_file():
        return {}
    kept: dict[str, Entry] = json.loads(path.read_text("utf-8"))
    return kept


def command(arguments: Sequence[str], data: str, program: str = "bench") -> str:
    """The command as typed, without this machine's paths."""
    typed = re.sub(r" --out[ =]\S+", "", " " + " ".join(arguments))
    return f"python -m benchmarks.{program}" + typed.replace(data, "DATA")


def machine() -> dict[str, Any]:
    """The processor, its cores and instruction sets, and the memory in GiB."""
    lines = [line.split(":", 1) for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if ":" in line]
    facts = {name.strip(): value.strip() for name, value in lines}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": facts.get("model name", platform.machine()),
        "cores": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in facts.get("flags", "").split()],
        "memory_gib": round(memory / 2**30, 1),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that matter for speed, and bertkit's commit (`-dirty` if changed)."""
    found = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    described = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {**found, **({"commit": described.stdout.strip()} if described.returncode == 0 else {})}


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)
