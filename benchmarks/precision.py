"""Does bf16 lower the score? The same runs in bf16 and in fp32, five seeds each, scored on dev.

    python -m benchmarks.precision --data ../shared/data      run every run that is missing

`make pages` writes the table.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.results import HERE, Planned, arguments, measure
from benchmarks.setting import machine, versions
from bertkit.cli.screen import METRIC_TITLES
from bertkit.evaluation.stats import difference, spread

KEPT = HERE / "precision.json"
PRECISIONS = ("bf16", "fp32")
SEEDS = 5
PLAN = (
    Planned(task="sst2", flags="--limit 10000 --lr 1e-4 --epochs 1", seeds=SEEDS),
    Planned(task="rte", flags="--lr 1e-4 --epochs 2", seeds=SEEDS),
    Planned(task="ud_en_ewt", flags="--limit 3000 --lr 2e-4 --epochs 2", seeds=SEEDS),
)


def main() -> None:
    """Run every run that is missing."""
    options = arguments(__doc__)
    kept = read()
    for planned in PLAN:
        for seed, _ in planned.files():
            for precision in PRECISIONS:
                one = Planned(task=planned.task, flags=f"{planned.flags} --precision {precision}")
                command = one.command(seed)
                if command not in kept:
                    print(command, flush=True)
                    kept[command] = score(measure(one, seed, options))
                    KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def read() -> dict[str, dict[str, Any]]:
    """Every finished run, by its command."""
    kept: dict[str, dict[str, Any]] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    return kept


def score(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a run: its first metric, the machine and the versions."""
    evaluation = next(e for e in result["evaluations"] if e["metrics"])
    metric = next(iter(evaluation["metrics"]))
    return {
        "metric": metric, "value": evaluation["metrics"][metric]["value"], "rows": evaluation["rows"],
        "machine": machine(), "versions": versions(),
    }  # fmt: skip


def table() -> str:
    """Every task whose runs are all there, in Markdown."""
    lines = ["| task | metric | bf16 | fp32 | bf16 - fp32 | p | scored on | command |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    kept = read()
    for planned in PLAN:
        runs = {
            precision: [
                kept.get(Planned(task=planned.task, flags=f"{planned.flags} --precision {precision}").command(seed))
                for seed, _ in planned.files()
            ]
            for precision in PRECISIONS
        }
        if all(run for several in runs.values() for run in several):
            lines.append(_line(planned, runs))
    return "\n".join(lines)


def _line(planned: Planned, runs: dict[str, Any]) -> str:
    scores = {precision: [100 * run["value"] for run in several] for precision, several in runs.items()}
    spreads = [spread(scores[precision]) for precision in PRECISIONS]
    gap, p = difference(*(scores[precision] for precision in PRECISIONS))
    first = runs["bf16"][0]
    cells = [planned.task, METRIC_TITLES[first["metric"]], *(f"{one.mean:.1f} ± {one.sd:.1f}" for one in spreads)]
    cells += [f"{gap:+.1f}", f"{p:.2f}", f"{first['rows']:,}", f"`{planned.command()}`"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
