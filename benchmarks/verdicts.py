"""How often a verdict is right: by simulation over the spread of seeds, and between random halves of one spec's seeds.

    python -m benchmarks.verdicts --simulate                        planted differences, a few minutes
    python -m benchmarks.verdicts --data ../shared/data --out runs  ten seeds of CoLA and of MRPC, 100 random halves
    python -m benchmarks.verdicts --table                           print the tables, run nothing

`make pages` writes the tables into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

import bertkit
from benchmarks.report import header_lines, row_line
from bertkit.evaluation import two_way
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.stats import spread
from bertkit.result import Finished
from bertkit.studies.arms import arm_of
from bertkit.studies.verdict import LEVEL, verdicts

FILE = Path(__file__).parent / "verdicts.json"
ROWS, SEEDS, ACCURACY, GAP, DISAGREEMENT, DRAWS = 2_000, 5, 0.86, 0.02, 0.08, 4_000
SDS = (0.003, 0.005, 0.008, 0.012, 0.016, 0.024)
"""Standard deviations of an arm's accuracy over seeds, other than that of its rows."""
TASKS = ("cola", "mrpc")
RATE, EPOCHS = 1e-4, 3
SPLITS = 100


def main() -> None:
    """Simulate, or run the seeds of real tasks, unless --table; then print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the datasets")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="the folder of the runs")
    parser.add_argument("--simulate", action="store_true", help="simulate planted differences")
    parser.add_argument("--table", action="store_true", help="print the tables, run nothing")
    options = parser.parse_args()
    kept: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    if options.simulate:
        kept["simulated"] = [simulated(sd) for sd in SDS]
    if options.data:
        kept["halves"] = [halves(task, options.data, options.out) for task in TASKS]
    if options.simulate or options.data:
        FILE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(table())


def simulated(sd: float) -> dict[str, Any]:
    """How often a planted difference is told, and one that is not there, where seeds vary by `sd`."""
    found: dict[str, Any] = {"sd": sd}
    for name, gap in (("power", GAP), ("type I error", 0.0)):
        generator = np.random.default_rng((7, SDS.index(sd), round(1000 * gap)))
        common = _common_share(ACCURACY, ACCURACY - gap)
        drawn = (_drawn(generator, (ACCURACY, ACCURACY - gap), sd, common) for _ in range(DRAWS))
        tests = [two_way.difference(METRICS["accuracy"], ours, theirs, paired=True) for ours, theirs in drawn]
        found[name] = float(np.mean([one.p < LEVEL for one in tests]))
        found[f"{name}, covered"] = float(np.mean([one.low <= gap <= one.high for one in tests]))
    return found


def _drawn(
    generator: np.random.Generator, levels: Sequence[float], sd: float, common: float
) -> list[list[NDArray[np.float64]]]:
    """Two arms' runs, (ROWS, 1) each: right where a row's difficulty is below the run's level.

    A row's difficulty is shared by all runs as far as `common` says; half of the rest is the arm's, half the run's.
    """
    rows = generator.standard_normal(ROWS) * np.sqrt(common)
    arms = []
    for level in levels:
        own = rows + generator.standard_normal(ROWS) * np.sqrt((1 - common) / 2)
        runs = own + generator.standard_normal((SEEDS, ROWS)) * np.sqrt((1 - common) / 2)
        right = runs < norm.ppf(np.clip(level + sd * generator.standard_normal((SEEDS, 1)), 0.001, 0.999))
        arms.append([run.astype(float)[:, None] for run in right])
    return arms


def _common_share(first: float, second: float) -> float:
    """The shared part of a row's difficulty at which runs of different arms disagree on DISAGREEMENT of the rows."""
    bounds = norm.ppf([first, second])

    def disagreement(common: float) -> float:
        return first + second - 2 * float(multivariate_normal.cdf(bounds, cov=[[1, common], [common, 1]]))

    return float(brentq(lambda common: disagreement(common) - DISAGREEMENT, 0.5, 0.9999))


def halves(task: str, data: Path, out: Path) -> dict[str, Any]:
    """Ten seeds of one spec, and the verdicts between random halves of them, which differ in their seeds alone."""
    runs = bertkit.finetune(
        task, data=data, model="sample", seeds=2 * SEEDS, out=out, progress=True, learning_rate=RATE, epochs=EPOCHS
    )
    assert isinstance(runs, list)
    generator = np.random.default_rng(11)
    outcomes, metric = [], ""
    for _ in range(SPLITS):
        order = generator.permutation(len(runs))
        arms = [arm_of(name, _those(runs, part)) for name, part in (("a", order[:SEEDS]), ("b", order[SEEDS:]))]
        (verdict,) = verdicts(arms)
        metric = verdict.metric
        outcomes.append(verdict.outcome)
    over = spread([run.result.evaluations[0].metrics[metric].value for run in runs])
    return {
        "task": task,
        "metric": metric,
        "mean": over.mean,
        "sd": over.sd,
        "recipe": {"learning_rate": RATE, "epochs": EPOCHS},
        "within noise": outcomes.count("within noise"),
        "splits": SPLITS,
    }


def _those(runs: Sequence[Finished], places: NDArray[np.int64]) -> list[Any]:
    return [(runs[k].folder, runs[k].result) for k in places]


def table() -> str:
    """Both tables, in Markdown."""
    kept: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return "\n".join([*_simulated(kept["simulated"]), "", *_halves(kept["halves"])])


def _simulated(found: Sequence[dict[str, Any]]) -> list[str]:
    lines = header_lines(
        *("sd over seeds, points", f"a difference of {100 * GAP:g} points is told", "one is told where none is"),
        "intervals of the difference that cover it",
    )
    for one in found:
        covered = " and ".join(_share(one[f"{name}, covered"]) for name in ("power", "type I error"))
        lines.append(row_line(f"{100 * one['sd']:.1f}", _share(one["power"]), _share(one["type I error"]), covered))
    about = (
        f"{DRAWS:,} simulations a cell; {ROWS:,} rows, {SEEDS} seeds an arm, accuracies near {100 * ACCURACY:.0f}; two "
        f"runs of different arms disagree on {100 * DISAGREEMENT:.0f} % of the rows: "
        "`python -m benchmarks.verdicts --simulate`."
    )
    return [*lines, "", about]


def _halves(found: Sequence[dict[str, Any]]) -> list[str]:
    lines = header_lines("task", "metric", "ten seeds", "halves within noise", "command")
    for one in found:
        flags = f"--lr {one['recipe']['learning_rate']:g} --epochs {one['recipe']['epochs']}"
        command = f"`bertkit finetune {one['task']} --data DATA --model sample {flags} --seeds 10`"
        scores = f"{100 * one['mean']:.1f} ± {100 * one['sd']:.1f}"
        within = f"{one['within noise']} of {one['splits']}"
        lines.append(row_line(one["task"], one["metric"], scores, within, command))
    about = "Random halves of ten seeds of one spec, five against five: `python -m benchmarks.verdicts --data DATA`."
    return [*lines, "", about]


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


if __name__ == "__main__":
    main()
