"""The published scores: `make results` runs those that are missing and writes the tables.

    python -m benchmarks.results --data ../shared/data        run every result that has no file yet

A result's file holds scores, spec, row counts, versions and seconds; none of the data's text.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.cli.screen import METRIC_TITLES

HERE = Path(__file__).parent
RESULTS = HERE / "results"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A line of the table: a task, the flags it is trained with, and how many seeds."""

    task: str
    flags: str
    seeds: int = 1

    def command(self, seed: int | None = None) -> str:
        """The command of one seed; without a seed, of all of them."""
        line = f"bertkit finetune {self.task} --data DATA --model sample {self.flags}"
        if seed is not None:
            return f"{line} --seed {seed}"
        return f"{line} --seeds {self.seeds}" if self.seeds > 1 else line

    def files(self) -> list[tuple[int, Path]]:
        """Each seed and its file."""
        return [(42 + k, RESULTS / f"{self.task}-s{42 + k}.json") for k in range(self.seeds)]


PLAN = (
    Planned(task="stsb", flags="--lr 1e-4 --epochs 4", seeds=3),
    Planned(task="ud_en_ewt", flags="--lr 2e-4 --epochs 2", seeds=3),
    Planned(task="wnli", flags="--lr 5e-5 --epochs 3", seeds=3),
    Planned(task="cola", flags="--lr 1e-4 --epochs 3", seeds=3),
    Planned(task="sst2", flags="--lr 5e-5 --epochs 2", seeds=3),
    Planned(task="qqp", flags="--lr 1e-4 --epochs 1", seeds=3),
    Planned(task="mnli", flags="--lr 1e-4 --epochs 1", seeds=3),
    Planned(task="qnli", flags="--lr 1e-4 --epochs 1", seeds=3),
    Planned(task="squad_v2", flags="--lr 1e-4 --epochs 2", seeds=3),
    Planned(task="squad", flags="--lr 1e-4 --epochs 1"),
    Planned(task="stance", flags="--lr 1e-4 --epochs 1", seeds=3),
    Planned(task="rte", flags="--lr 1e-4 --epochs 1", seeds=3),
    Planned(task="mrpc", flags="--lr 1e-4 --epochs 1", seeds=3),
)


def main() -> None:
    """Run every result that has no file yet."""
    options = arguments(__doc__)
    for planned in PLAN:
        for seed, path in planned.files():
            if not path.exists():
                print(planned.command(seed), flush=True)
                path.write_text(json.dumps(measure(planned, seed, options), indent=1) + "\n", "utf-8")


def arguments(description: str | None) -> argparse.Namespace:
    """The arguments of a program that runs what is missing."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data", help="the folder of the datasets")
    parser.add_argument("--runs", default="runs", help="where the runs' folders go")
    return parser.parse_args()


def measure(planned: Planned, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run one seed by its command; returns what is kept of its result."""
    words = planned.command(seed).replace("DATA", options.data).split()[1:]
    finished = subprocess.run(
        [sys.executable, "-m", "bertkit", *words, "--out", options.runs, "--json", "--quiet"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return kept(planned.command(seed), json.loads(finished.stdout.replace(options.data, "DATA")))


def kept(command: str, result: dict[str, Any]) -> dict[str, Any]:
    """A result without the run's folder."""
    return {"command": command, **{name: value for name, value in result.items() if name != "folder"}}


def table() -> str:
    """Every score of every result that is there, with its rows, seeds and command, in Markdown."""
    lines = ["| task | score (dev) | seeds | rows trained on | scored on | command |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for planned, results in _kept():
        first = results[0]
        scored = [e for e in first["evaluations"] if e["metrics"]]
        scores = "; ".join(_named(results, e, name) for e in scored for name in e["metrics"])
        rows = "; ".join(_rows(first["rows"][e["name"]]) for e in scored)
        trained = _rows(first["rows"]["train"])
        lines.append(f"| {planned.task} | {scores} | {len(results)} | {trained} | {rows} | `{planned.command()}` |")
    return "\n".join(lines)


README_TASKS = ("sst2", "mnli", "cola", "stsb", "ud_en_ewt", "squad", "rte")
"""The tasks in the README's table; all are in benchmarks/README.md."""


def short_table() -> str:
    """The README's table: the first metric of each of its tasks' results, and its command, in Markdown."""
    lines = ["| task | dev score | rows trained on | command |", "| --- | --- | --- | --- |"]
    for planned, results in _kept():
        if planned.task not in README_TASKS:
            continue
        first = next(e for e in results[0]["evaluations"] if e["metrics"])
        score = _named(results, first, next(iter(first["metrics"])))
        trained = _rows(results[0]["rows"]["train"])
        lines.append(f"| {planned.task} | {score} | {trained} | `{planned.command()}` |")
    return "\n".join(lines)


def _kept() -> list[tuple[Planned, list[dict[str, Any]]]]:
    """Every planned line with at least one result, and its results, a seed each."""
    found = []
    for planned in PLAN:
        results = [json.loads(path.read_text("utf-8")) for _, path in planned.files() if path.exists()]
        if results:
            found.append((planned, results))
    return found


def _named(results: list[dict[str, Any]], evaluation: dict[str, Any], metric: str) -> str:
    """A metric's name and score; the evaluation's name too, if it is not simply `dev`."""
    prefix = "" if evaluation["name"] == "dev" else f"{evaluation['name']} "
    return f"{prefix}{METRIC_TITLES[metric]} {_score([_value(r, evaluation['name'], metric) for r in results])}"


def _value(result: dict[str, Any], evaluation: str, metric: str) -> dict[str, float]:
    found: dict[str, float] = next(e for e in result["evaluations"] if e["name"] == evaluation)["metrics"][metric]
    return found


def _score(scores: Iterable[dict[str, float]]) -> str:
    """Mean ± sd over seeds; for one seed its 95 % interval over the rows."""
    scores = list(scores)
    values = [100 * score["value"] for score in scores]
    if len(values) > 1:
        return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
    return f"{values[0]:.1f} [{100 * scores[0]['low']:.1f}, {100 * scores[0]['high']:.1f}]"


def _rows(count: dict[str, Any]) -> str:
    """How many rows, of how many published; or of which documents, where the split was cut from dev."""
    if " documents of " in count["origin"]:
        return f"{count['used']:,} ({count['origin'].partition(' documents of ')[0]} dev documents)"
    if count["published"] and count["used"] != count["published"]:
        return f"{count['used']:,} of {count['published']:,}"
    return f"{count['used']:,}"


if __name__ == "__main__":
    main()
