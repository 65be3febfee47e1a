"""What each flag of the encoder's kit does to a score, on one real task: three seeds with it, and three without.

    python -m benchmarks.kit --data ../shared/data --runs runs

Runs what `kit.json` lacks, writes that file and prints a table. It shows what a flag costs and that it works, not that
it helps: rows and updates are few, and no value was searched for. Runs that are stopped continue.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.report import header_lines, row_line
from benchmarks.results import HERE
from benchmarks.setting import machine, versions

KEPT = HERE / "kit.json"
SEEDS = 3
COLA = "cola --data DATA --model sample --limit 4000 --epochs 2 --lr 1e-4"
EMOTIONS = (
    "--train-file DATA/own/goemotions/train.tsv --dev-file DATA/own/goemotions/dev.tsv --head multi-label "
    "--model sample --limit 12000 --epochs 1 --lr 1e-4"
)
RUNS = {
    COLA: (
        "",
        "--class-weights balanced",
        "--loss focal",
        "--label-smoothing 0.1",
        "--freeze embeddings",
        "--freeze 3",
        "--freeze all --lr 1e-3",
        "--layer-decay 0.9",
        "--reinit-layers 1",
        "--lora 8 --lr 1e-3",
        "--early-stopping 3 --eval-every 25",
    ),
    EMOTIONS: ("", "--threshold auto"),
}
"""What is trained, and the flags that are added; the first of each is the plain recipe."""


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="the folder of the datasets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs' folders go")
    options = parser.parse_args()
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    for base, several in RUNS.items():
        for flags in several:
            typed = f"bertkit finetune {base} {flags}".strip() + f" --seeds {SEEDS}"
            if typed not in kept:
                kept[typed] = {**measure(typed, options), "base": base, "flags": flags}
                KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
                print(f"{typed}: {kept[typed]['scores']}", file=sys.stderr)
    print(table())


def measure(typed: str, options: argparse.Namespace) -> dict[str, Any]:
    """The headline scores of the seeds, and what was trained."""
    command = typed.replace("DATA", options.data).split()[1:]
    done = subprocess.run(
        [sys.executable, "-m", "bertkit", *command, "--out", str(options.runs), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    heads = [next(iter(one["evaluations"][0]["metrics"].items())) for one in results]
    return {
        "metric": heads[0][0],
        "scores": [score["value"] for _, score in heads],
        "updates": [one["training"]["steps"] for one in results],
        "machine": machine(),
        "versions": versions(),
    }


def table() -> str:
    """Every flag's mean and standard deviation, in Markdown; empty if nothing was measured."""
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    if not kept:
        return ""
    lines = []
    for base in RUNS:
        found = [one for one in kept.values() if one["base"] == base]
        if not found:
            continue
        lines += [f"`bertkit finetune {base} FLAGS --seeds {SEEDS}`:", ""]
        lines += header_lines("FLAGS", found[0]["metric"], "updates")
        for one in found:
            score = f"{100 * mean(one['scores']):.1f} ± {100 * stdev(one['scores']):.1f}"
            updates = " / ".join(dict.fromkeys(f"{steps:,}" for steps in one["updates"]))
            lines.append(row_line(f"`{one['flags']}`" if one["flags"] else "none", score, updates))
        lines.append("")
    return "\n".join(lines).strip()


if __name__ == "__main__":
    main()
