"""What is printed of failed runs, and of several seeds, whose mean leaves the failed ones out and says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bertkit.cli.screen import METRIC_TITLES, console, leak_line, percent, print_below

if TYPE_CHECKING:
    from bertkit.evaluation.two_way import Mean
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

    from bertkit.cli.floors_screen import print_floors_of_seeds
    from bertkit.evaluation.warned import warnings
    from bertkit.studies.verdict import means_of

    sound: Sequence[Finished] = [run for run in runs if not run.result.failures]
    groups: list[tuple[Sequence[Finished], str]] = []
    groups += [(sound, f" of {len(runs)}; {len(runs) - len(sound)} failed")] if 0 < len(sound) < len(runs) else []
    groups.append((runs, "" if sound else "; all failed"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("EVALUATION", "METRIC", "MEAN ± SD", "[95 %]"):
        table.add_column(name, no_wrap=True)
    means, each = [means_of(group) for group, _ in groups], []
    for place, every in enumerate(zip(*(run.result.evaluations for run in runs), strict=True)):
        scored = next((one for one in every if one.metrics), every[0])
        for metric in scored.metrics:
            title = METRIC_TITLES.get(metric, metric)
            for (group, note), mean in zip(groups, means, strict=True):
                values = [value for _, value in _values(group, place, metric)]
                if not values:  # the sound seeds are those that lack this evaluation
                    continue
                everything = ", all" if len(group) == len(runs) > len(sound) else ""
                over, found = _over(values, note), mean.get((scored.name, metric))
                interval = f"[{percent(found.low)}, {percent(found.high)}]" if found else ""
                table.add_row(f"{scored.name}{everything}", title, over, interval)
            each.append(f"{scored.name}, {title} of each seed: {_each(runs, place, metric)}")
    console().print(table)
    for line in (*_of_intervals(runs, means), *each):
        print_below(line)
    print_floors_of_seeds(sound or runs, means[0])
    for run in runs:
        for scored in run.result.evaluations:
            if scored.leaked:
                console().print(f"  seed {run.result.spec.seed}, {scored.name}: {leak_line(scored, scored.leaked)}")
            for line in warnings(scored, told=bool(run.result.failures)):
                console().print(Text(f"  seed {run.result.spec.seed}, {scored.name}: {line}", style="red"))
        print_failures(run.result.failures, f"seed {run.result.spec.seed} ")


def _over(scores: Sequence[float], note: str = "") -> str:
    """Mean, deviation and number of these scores, with a note behind the number."""
    from bertkit.evaluation.stats import spread

    over = spread(scores)
    sd = f" ± {percent(over.sd)}" if over.n > 1 else ""
    return f"{percent(over.mean)}{sd} (n = {over.n}{note})"


def _each(runs: Sequence[Finished], place: int, metric: str) -> str:
    return " · ".join(f"{seed} {percent(value)}" for seed, value in _values(runs, place, metric))


def _values(runs: Sequence[Finished], place: int, metric: str) -> list[tuple[int, float]]:
    """The score of each seed that has it."""
    scored = [(run.result.spec.seed, run.result.evaluations[place].metrics.get(metric)) for run in runs]
    return [(seed, score.value) for seed, score in scored if score]


def _of_intervals(runs: Sequence[Finished], means: Sequence[Mapping[tuple[str, str], Mean]]) -> list[str]:
    """What the intervals are over, and where there is none why."""
    from bertkit.evaluation.two_way import ROWS_ALONE

    over = {one.doubt.over for group in means for one in group.values()}
    alone = "; of a single seed over the rows alone" if ROWS_ALONE in over else ""
    lines = [f"intervals: 95 %, over seeds and rows together{alone}"] if over else []
    scored = [one.name for one in runs[0].result.evaluations if one.metrics]
    lacking = [name for name in scored if all(name != evaluation for evaluation, _ in means[-1])]
    if lacking:
        lines.append(f"no interval for {', '.join(lacking)}: not every seed has its answers to the same rows")
    return lines
