"""What is printed of failed runs, and of several seeds, whose mean leaves the failed ones out and says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bertkit.cli.screen import METRIC_TITLES, console, leak_line, percent, warnings

if TYPE_CHECKING:
    from bertkit.result import Failure, Finished


def print_failures(failures: Sequence[Failure], who: str = "") -> None:
    """Print why a run (`who`: of which seed) is taken for a failed one, and what to try, once for equal advice."""
    from rich.text import Text

    for failure in failures:
        console().print(Text(f"  {who}failed: {failure.reason}", style="red"))
    for advice in dict.fromkeys(failure.advice for failure in failures):
        console().print(Text(f"    try {advice}"))


def print_seeds(runs: Sequence[Finished]) -> None:
    """Print mean and deviation over the sound seeds and, where some failed, over all of them, with the reasons."""
    from rich.table import Table
    from rich.text import Text

    sound = [run for run in runs if not run.result.failures]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("EVALUATION", "METRIC", "MEAN ± SD", "SEEDS"):
        table.add_column(name, no_wrap=name != "SEEDS")
    for place, scored in enumerate(runs[0].result.evaluations):
        for metric in scored.metrics:
            title = METRIC_TITLES.get(metric, metric)
            if len(sound) == len(runs):
                table.add_row(scored.name, title, *_over(runs, place, metric))
                continue
            if sound:
                failed = f" of {len(runs)}; {len(runs) - len(sound)} failed"
                table.add_row(scored.name, title, *_over(sound, place, metric, failed))
            over, values = _over(runs, place, metric, "" if sound else "; all failed")
            table.add_row(f"{scored.name}, all", title, over, values)
    console().print(table)
    for run in runs:
        for scored in run.result.evaluations:
            if scored.leaked:
                console().print(f"  seed {run.result.spec.seed}, {scored.name}: {leak_line(scored, scored.leaked)}")
            for line in warnings(scored, told=bool(run.result.failures)):
                console().print(Text(f"  seed {run.result.spec.seed}, {scored.name}: {line}", style="red"))
        print_failures(run.result.failures, f"seed {run.result.spec.seed} ")


def _over(runs: Sequence[Finished], place: int, metric: str, note: str = "") -> tuple[str, str]:
    """Mean, deviation and number of these runs' scores, with a note behind the number; and each seed's score."""
    from bertkit.evaluation.stats import spread

    values = [run.result.evaluations[place].metrics[metric].value for run in runs]
    over = spread(values)
    seeds = " ".join(f"{run.result.spec.seed}: {percent(v)}" for run, v in zip(runs, values, strict=True))
    return f"{percent(over.mean)} ± {percent(over.sd)} (n = {over.n}{note})", seeds
