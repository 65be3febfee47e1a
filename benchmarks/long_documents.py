"""Do head and tail, or windows, beat truncation on long documents? 400 film reviews in five folds, each scored once.

    python -m benchmarks.long_documents --file ../shared/data/own/movie_reviews/movie_reviews.csv

Runs what `long_documents.json` lacks, prints a table and writes that file. Pang and Lee's reviews (2004) have 783
words on average. The recipe is the second: two passes in batches of eight left truncation to 256 tokens near chance
(214 of 400 right). No other was tried. A difference is paired: over the same 400 rows, with the interval of
10,000 bootstrap samples of them, and the p of McNemar's exact test. It leaves out how another seed would train.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import HERE
from benchmarks.setting import machine, versions
from bertkit.heads import Classification
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.runs.folder import PREDICTIONS
from bertkit.runs.run import run
from bertkit.sources import Source
from bertkit.spec import RunOptions, to_plain
from bertkit.task import Evaluation, Recipe, Task

KEPT = HERE / "long_documents.json"
FOLDS = 5
PLAN = tuple((long, length) for length in (128, 256, 512) for long in ("truncate", "head-tail", "windows"))
"""What is read of a review, and --max-length."""
NAMES = tuple(f"{long} {length}" for long, length in PLAN)
TASK = Task(
    name="movie_reviews",
    about="a long review -> positive or negative",
    head=Classification(labels=("negative", "positive")),
    source=Source(columns={"text": ("review",), "label": ("sentiment",)}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",)),),
    recipe=Recipe(epochs=10, batch_size=16, learning_rate=1e-4),
)
SAMPLES, SEED = 10_000, 20_190


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="a CSV with the columns review and sentiment")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the folds and the runs' folders go")
    parser.add_argument("--only", default=",".join(NAMES), help="of what to run, separated by commas: %(default)s")
    options = parser.parse_args()
    write_folds(options.file, options.runs)
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    for long, length in PLAN:
        name = f"{long} {length}"
        if name in options.only.split(",") and kept.get(name, {}).get("recipe") != to_plain(TASK.recipe):
            kept[name] = measure(long, length, options.runs)
            KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(table())


def write_folds(file: Path, runs: Path) -> None:
    """For each fold a folder with its rows as dev and all others as train, as many of each label in every fold."""
    from sklearn.model_selection import StratifiedKFold

    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for k, parts in enumerate(folds.split(rows, [row["sentiment"] for row in rows])):
        folder = fold(runs, k)
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in zip(("train", "dev"), parts, strict=True):
            lines = "".join(json.dumps(rows[i]) + "\n" for i in part)
            (folder / f"{name}.jsonl").write_text(lines, "utf-8")


def fold(runs: Path, k: int) -> Path:
    """The folder of a fold's rows."""
    return runs / "movie_reviews" / f"fold{k}"


def measure(long: Any, length: int, runs: Path) -> dict[str, Any]:
    """Train and score every fold; whether each row's answer is right ("1"), fold after fold."""
    right, seconds, tokens, cut = "", 0.0, 0, 0
    for k in range(FOLDS):
        flags = Flags(model="sample", data=str(fold(runs, k)), seed=42 + k, long=long, max_length=length)
        finished = run(spec_of(TASK, flags), RunOptions(out=runs))
        lines = (finished.folder / PREDICTIONS).read_text("utf-8").splitlines()
        right += "".join(str(int(line["answer"] == line["gold"])) for line in map(json.loads, lines))
        seconds += finished.result.training.seconds
        tokens += finished.result.training.tokens
        cut += finished.result.rows["dev"].cut
        print(long, length, f"fold {k}", f"{right.count('1')} of {len(right)} right", f"{seconds:.0f} s", flush=True)
    return {
        "right": right, "cut": cut, "training tokens": tokens, "training seconds": round(seconds),
        "recipe": to_plain(TASK.recipe), "machine": machine(), "versions": versions(),
    }  # fmt: skip


def paired(first: str, second: str) -> tuple[float, float, float, float]:
    """Accuracy of `first` minus that of `second` on the same rows, its 95 % interval, and McNemar's exact p."""
    from scipy.stats import binomtest

    gaps = np.array(list(first), int) - np.array(list(second), int)
    draws = np.random.default_rng(SEED).integers(0, len(gaps), (SAMPLES, len(gaps)))
    low, high = np.quantile(gaps[draws].mean(1), (0.025, 0.975))
    better, worse = int((gaps > 0).sum()), int((gaps < 0).sum())
    p = binomtest(better, better + worse).pvalue if better + worse else 1.0
    return float(gaps.mean()), float(low), float(high), float(p)


def table() -> str:
    """Every setting's accuracy, and its difference from truncation to as many tokens and to 512, in Markdown.

    Empty if nothing was measured.
    """
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    if not kept:
        return ""
    lines = ["| --long | --max-length | accuracy | rows cut | - truncate, as many tokens | - truncate 512 | seconds |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for name, one in kept.items():
        long, length = name.split()
        others = (f"truncate {length}", "truncate 512")
        gaps = [_gap(one, kept.get(other)) if name != other else "" for other in others]
        accuracy = 100 * one["right"].count("1") / len(one["right"])
        cells: Sequence[str] = (long, length, f"{accuracy:.1f}", str(one["cut"]), *gaps, str(one["training seconds"]))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _gap(one: dict[str, Any], other: dict[str, Any] | None) -> str:
    if other is None:
        return ""
    gap, low, high, p = paired(one["right"], other["right"])
    return f"{100 * gap:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}], p {p:.3f}".replace("p 0.000", "p < 0.001")


if __name__ == "__main__":
    main()
