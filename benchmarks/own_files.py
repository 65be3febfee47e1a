"""bertkit against a script with transformers' Trainer on three user files: scores and times, in turns.

    python -m benchmarks.own_files --data ../shared/data             run what own_files.json lacks, print the table
    python -m benchmarks.own_files --data ../shared/data --trial     a few rows and two updates: nothing is kept

Both sides read the same written-out train and dev files, and have the same encoder, recipe and seeds. Each run is a
process of its own with empty caches; the side that goes first alternates. The script is benchmarks/own_script.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.own_rows import CASES, Case, write_files
from benchmarks.own_table import KEPT, SIDES, table
from benchmarks.setting import ROOT, Entry, command, machine, read, say, versions

FIRST_SEED = 42


@dataclass(frozen=True, kw_only=True)
class Place:
    """A case's files, what both sides are given beside the recipe, and where their runs go."""

    case: Case
    files: Path
    encoder: str
    precision: str
    max_steps: int | None
    folder: Path


def main() -> None:
    """Run what is missing, then print the table."""
    options = _options()
    if not options.table:
        with tempfile.TemporaryDirectory(prefix="bertkit-own-") as folder:
            out = Path(folder) / "trial.json" if options.trial else options.out
            measure(options, out, Path(folder))
            print(table(out))
    else:
        print(table(options.out))


def measure(options: argparse.Namespace, out: Path, folder: Path) -> None:
    """Measure every seed of every case that `out` lacks; each pair is kept as soon as it is there."""
    from bertkit.encoders import sample_folder
    from bertkit.machine.devices import resolve_device, resolve_precision

    encoder, precision = options.encoder or str(sample_folder()), resolve_precision(resolve_device("auto"), "auto")
    for name in options.only:
        case = replace(CASES[name], epochs=options.epochs or CASES[name].epochs)
        rows = write_files(case, Path(options.data), folder / name, options.rows or case.rows, options.dev_rows)
        place = Place(
            case=case, files=folder / name, encoder=encoder, precision=precision,
            max_steps=2 if options.trial else None, folder=folder / f"{name}-runs",
        )  # fmt: skip
        asked = {**json.loads(json.dumps(asdict(case))), "rows": rows, "precision": precision}
        for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
            kept = read(out)
            entry = kept.get(name, {})
            runs = entry["runs"] if entry.get("asked") == asked else {}
            if str(seed) not in runs:
                runs[str(seed)] = pair(name, seed, place)
                kept[name] = _entry(asked, runs, options)
                out.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def _entry(asked: dict[str, Any], runs: dict[str, Any], options: argparse.Namespace) -> Entry:
    typed = command(sys.argv[1:], options.data, "own_files")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "command": typed, "asked": asked, "runs": runs,
        "machine": machine(), "versions": versions(),
    }  # fmt: skip


def pair(name: str, seed: int, place: Place) -> dict[str, Any]:
    """Both sides with one seed, one after the other."""
    sides: dict[str, Callable[[int, Path, Place], dict[str, Any]]] = {"bertkit": _bertkit, "script": _script}
    found: dict[str, Any] = {"load before": round(os.getloadavg()[0], 1)}
    for side in SIDES if seed % 2 == 0 else SIDES[::-1]:
        folder = place.folder / f"{side}-{seed}"
        folder.mkdir(parents=True)
        found[side] = sides[side](seed, folder, place)
        say(f"{name} seed {seed} {side}: {found[side]}")
    updates = {found[side]["updates"] for side in SIDES}
    if len(updates) > 1:
        raise SystemExit(f"{name}: the sides made {updates} updates")
    return found


def _bertkit(seed: int, folder: Path, place: Place) -> dict[str, Any]:
    """`bertkit finetune FOLDER`, to its end."""
    case = place.case
    flags = [*case.flags, *_recipe(seed, place), "--precision", place.precision, "--out", str(folder / "runs")]
    seconds, printed = _run(["bertkit", "finetune", str(place.files), *flags, "--json"], folder)
    told = json.loads(printed)
    (scored,) = told["evaluations"]
    dev = told["rows"]["dev"]
    return {
        "score": scored["metrics"][case.metric[0]]["value"], "training seconds": told["training"]["seconds"],
        "updates": told["training"]["steps"], "seconds": seconds,
        "rows": {split: told["rows"][split]["used"] for split in ("train", "dev")},
        "dev rows cut": dev["cut"], "counted": dev["counted"],
    }  # fmt: skip


def _script(seed: int, folder: Path, place: Place) -> dict[str, Any]:
    """The script, to its end."""
    files = [str(place.files / f"{split}{place.case.suffix}") for split in ("train", "dev")]
    flags = [
        *place.case.script_flags,
        *_recipe(seed, place),
        "--out",
        str(folder),
        *(["--bf16"] if place.precision == "bf16" else []),
    ]
    seconds, _ = _run(["benchmarks.own_script", place.case.head, *files, *flags], folder)
    told: dict[str, Any] = json.loads((folder / "scores.json").read_text("utf-8"))
    return {**told, "seconds": seconds}


def _recipe(seed: int, place: Place) -> list[str]:
    """The flags that both sides have."""
    case = place.case
    length = {"max-steps": place.max_steps} if place.max_steps else {"epochs": case.epochs}
    values = {
        "model": place.encoder, "seed": seed, **length, "batch-size": case.batch_size, "lr": case.learning_rate,
        "warmup": case.warmup, "weight-decay": case.weight_decay, "max-length": case.max_length,
    }  # fmt: skip
    return [part for name, value in values.items() for part in (f"--{name}", str(value))]


def _run(module: Sequence[str], folder: Path) -> tuple[float, str]:
    """Seconds of `python -m MODULE ...` and what it printed. Exits with the end of its messages if it fails."""
    caches = {"BERTKIT_CACHE": folder / "rows", "HF_DATASETS_CACHE": folder / "datasets"}
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **{name: str(path) for name, path in caches.items()}}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *module], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{module[0]} failed:\n{done.stderr[-3000:]}")
    return round(time.perf_counter() - began, 2), done.stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="the folder of the datasets")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES), help=",".join(CASES))
    parser.add_argument("--rows", type=int, help="train rows of each file, in place of its own")
    parser.add_argument("--dev-rows", type=int, default=2_000, help="dev rows of each file, at most")
    parser.add_argument("--epochs", type=float, help="in place of each file's own")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--encoder", help="a folder, in place of MiniLM-L6's")
    parser.add_argument("--trial", action="store_true", help="few rows, two updates, one seed: no measurement")
    parser.add_argument("--out", type=Path, default=KEPT, help="the file of measurements")
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    options = parser.parse_args()
    if options.trial:
        options.rows, options.dev_rows, options.seeds = 120, 40, 1
    return options


if __name__ == "__main__":
    main()
