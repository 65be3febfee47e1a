"""What is printed: answers on stdout, progress on stderr, 80 columns wide."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bertkit.errors import RequestError
from bertkit.evaluation.titles import METRIC_TITLES as METRIC_TITLES
from bertkit.machine.processes import first
from bertkit.progress import Progress
from bertkit.spec import SAMPLE, Spec

if TYPE_CHECKING:
    from rich.console import Console

    from bertkit.result import Calibration, Finished, Leaked, Result, Score, Scored
    from bertkit.task import Task


def console() -> Console:
    """Standard output, for results; without markup, so that "[nan, nan]" is printed as it is."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, markup=False, emoji=False)


def stderr() -> Console:
    """Standard error, for progress and notes."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Print one compact line on stdout, from the first process only."""
    if first():
        sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")


def standard_input() -> int:
    """The file descriptor of stdin, for --file -. Raises RequestError if it is closed."""
    if sys.stdin is None:
        raise RequestError("--file -: standard input is closed")
    return sys.stdin.fileno()


def print_plan(plain: Any, lines: Sequence[str], as_json: bool) -> None:
    """Print what a run would cost: its lines, or JSON."""
    if as_json:
        print_json(plain)
    else:
        for line in lines:
            console().print(line, soft_wrap=True)


def progress(quiet: bool, spec: Spec) -> Progress:
    """A progress bar for this run; with `quiet` a silent Progress."""
    return progress_named(quiet, f"{spec.task.name}, seed {spec.seed}")


def progress_named(quiet: bool, title: str) -> Progress:
    """A progress bar with this title; with `quiet` a silent Progress."""
    if quiet or not first():
        return Progress()
    from bertkit.cli.progress_bar import ProgressBar

    return ProgressBar(title, stderr())


def print_lines(lines: Sequence[str], quiet: bool) -> None:
    """Print lines on stderr, from the first process only, unless `quiet`."""
    if not quiet and first():
        for line in lines:
            stderr().print(line, soft_wrap=True)


def print_below(line: str, style: str = "") -> None:
    """Print a line below a table on stdout, indented wherever it is broken."""
    from rich.text import Text

    for part in Text(line, style=style).wrap(console(), console().width - 2):
        part.rstrip()
        console().print(Text("  ").append_text(part))


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal."""
    return f"{100 * value:.1f}"


def with_interval(score: Score) -> str:
    """A score with its 95 % interval."""
    return f"{percent(score.value)} [{percent(score.low)}, {percent(score.high)}]"


def print_runs(runs: Sequence[Finished], as_json: bool) -> None:
    """Print the scores of one run, or of several seeds with mean and standard deviation."""
    from bertkit.cli.failures_screen import print_failures, print_seeds
    from bertkit.spec import to_plain
    from bertkit.studies.group import marks_of_runs

    if as_json:
        plain = [{"folder": str(run.folder), **to_plain(run.result)} for run in runs]
        print_json(plain if len(plain) > 1 else plain[0])
    elif first():
        for run in runs[:1] if len(runs) > 1 else runs:
            _print_head(run.result, marks_of_runs(runs))
        if len(runs) == 1:
            print_scores(runs[0].result.spec, runs[0].result.evaluations, told=bool(runs[0].result.failures))
            print_failures(runs[0].result.failures)
        else:
            print_seeds(runs)
        for run in runs:
            console().print(f"{'finished before' if run.before else 'run'}: {run.folder}", soft_wrap=True)


def _print_head(result: Result, more: Sequence[str]) -> None:
    from rich.text import Text

    from bertkit.result import selected_lines

    spec, training = result.spec, result.training
    arm = "random weights in the shape of " if spec.scratch else ""
    line = f"{spec.task.name} · {arm}{spec.model} · {training.steps:,} updates · {training.seconds:.0f} s"
    kept = " · head kept" if result.encoder.get("head") == "kept" else ""
    how = f"{result.precision} · {training.layout}{kept}"
    counted = [f"{name}: {line}" for name, count in result.rows.items() for line in count.lines]
    print_marks(f"{line} · {result.device} · {how}", (*result.marks, *more), spec.task)
    notes = [f"{name}: {note}" for name, count in result.rows.items() for note in count.notes]
    for one in [*counted, *notes, *selected_lines(result.selected)]:
        console().print(Text(f"  {one}"))


def print_marks(line: str, marks: Sequence[str], task: Task) -> None:
    """Print a heading, and below it why the scores are not benchmark scores, or not those of all rows of a file."""
    from rich.text import Text

    console().print(Text(line, style="bold"))
    for mark in marks:
        whole = "not all rows" if task.understood else "not the whole benchmark"
        plain = mark if mark.startswith(("sample", "these runs")) else f"{whole}: {mark}"
        console().print(Text(f"  {plain}", style="yellow"))


def print_scores(spec: Spec, evaluations: Sequence[Scored], told: bool = False) -> None:
    """Print a line per metric: its value with the interval over rows, and the human score, except for the sample.

    told  whether the run is said to have failed besides, so that constant answers are said once
    """
    from rich.table import Table

    from bertkit.cli.floors_screen import floor_cell

    shown = spec.data != SAMPLE
    humans = {e.name: {name: percent(score) for name, score in e.human.items() if shown} for e in spec.task.evaluations}
    names = ["EVALUATION", "ROWS", "METRIC", "SCORE [95 % over rows]"]
    names += ["FLOOR"] if any(scored.floors for scored in evaluations) else []
    names += ["HUMAN"] if any(humans.values()) else []
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in ("ROWS", "FLOOR", "HUMAN") else "left", no_wrap=True)
    lines = []
    for scored in evaluations:
        rows, human = f"{scored.rows:,}", humans.get(scored.name, {})
        if scored.missing:
            lines.append({"EVALUATION": scored.name, names[3]: f"({scored.missing})"})
        elif not scored.metrics:
            lines.append({"EVALUATION": scored.name, "ROWS": rows, names[3]: "predicted, not scored"})
        for name, score in scored.metrics.items():
            line = {"EVALUATION": scored.name, "ROWS": rows, "METRIC": METRIC_TITLES.get(name, name)}
            beside = {"FLOOR": floor_cell(scored, name), "HUMAN": human.get(name, "")}
            lines.append({**line, names[3]: with_interval(score), **beside})
    for line in lines:
        table.add_row(*(line.get(name, "") for name in names))
    console().print(table)
    if methods := _methods(evaluations):
        console().print(f"  intervals: {methods}")
    for scored in evaluations:
        _print_details(scored, told)


def _methods(evaluations: Sequence[Scored]) -> str:
    """The methods of the intervals, with their metrics if there are several."""
    titles: dict[str, dict[str, None]] = {}
    for scored in evaluations:
        for name, score in scored.metrics.items():
            titles.setdefault(score.interval, {})[METRIC_TITLES.get(name, name)] = None
    if len(titles) < 2:
        return "".join(titles)
    return "; ".join(f"{method} ({', '.join(names)})" for method, names in titles.items())


def _print_details(scored: Scored, told: bool) -> None:
    from rich.text import Text

    from bertkit.cli.floors_screen import print_floors
    from bertkit.evaluation.warned import warnings

    details = scored.details
    for line in warnings(scored, told):
        console().print(Text(f"  {scored.name}: {line}", style="red"))
    if scored.leaked:
        console().print(f"  {scored.name}: {leak_line(scored, scored.leaked)}")
    print_floors(scored)
    if scored.calibration:
        console().print(f"  {scored.name}: {calibration_line(scored.calibration, scored.calibrated)}")
    if "best F1" in details:
        parts = [f"{part} EM {percent(details[f'{part} EM'])} F1 {percent(details[f'{part} F1'])}"
                 for part in ("HasAns", "NoAns") if details.get(f"{part} EM") is not None]  # fmt: skip
        best = f"best F1 {percent(details['best F1'])} at threshold {details['best F1 threshold']:.2f}"
        console().print(f"  {scored.name}: {' · '.join(parts)} · {best} (chosen on these rows)")
    if "RMSE" in details:
        console().print(
            f"  {scored.name}: MAE {details['MAE']:.4g} · RMSE {details['RMSE']:.4g}, in the golds' own unit"
        )
    if "answers without a label" in details:
        shares = [percent(details[f"{part} without a label"]) for part in ("answers", "rows")]
        console().print(f"  {scored.name}: {shares[0]} % of the answers have no label, of the golds {shares[1]} %")
    if "entities" in details:
        for kind, one in details["entities"].items():
            how = " · ".join(f"{part} {percent(one[part])}" for part in ("precision", "recall", "F1"))
            console().print(Text(f"  {scored.name}, {kind}: {how} · {one['gold']:,} gold, {one['given']:,} given"))
    elif "F1 by tag" in details:
        tags = "  ".join(f"{name} {percent(value)}" for name, value in details["F1 by tag"].items())
        console().print(f"  {scored.name}, F1 by tag: {tags}")


def calibration_line(plain: Calibration, tempered: Calibration | None) -> str:
    """ECE and Brier score in one line, without and with the fitted temperature."""
    from bertkit.evaluation.calibration import ece_by_chance

    line = f"ECE {percent(plain.ece)} (by chance {percent(ece_by_chance(plain))}), Brier {plain.brier:.3f}"
    return line + (f"; calibrated: ECE {percent(tempered.ece)}, Brier {tempered.brier:.3f}" if tempered else "")


def leak_line(scored: Scored, leaked: Leaked) -> str:
    """How many rows are also train rows, and the scores without them."""
    rows = f"{leaked.rows:,} of {scored.rows:,} rows {'are train rows' if leaked.rows > 1 else 'is a train row'} too"
    scores = [f"{METRIC_TITLES.get(name, name)} {with_interval(score)}" for name, score in leaked.metrics.items()]
    return f"{rows}; without {'them' if leaked.rows > 1 else 'it'} {', '.join(scores) or 'none is left'}"
