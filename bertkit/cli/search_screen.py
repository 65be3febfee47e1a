"""What `bertkit search` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertkit.cli import screen

if TYPE_CHECKING:
    from bertkit.studies.search import Searched
    from bertkit.studies.search_study import Trial

SHOWN = 10
"""Trials in the table, the best ones; the others are in search.json."""
COUNTS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""The numbers of trials for which the expected best is printed."""
TITLES = {"learning_rate": "LR", "batch_size": "BATCH", "epochs": "EPOCHS", "warmup": "WARM-UP"}


def print_searched(found: Searched, as_json: bool) -> None:
    """Print a search's trials, the expected best of k of them, and the scores of the best recipe's runs; or JSON."""
    if as_json:
        screen.print_json({"folder": str(found.folder), **found.plain()})
        return
    _print_head(found)
    _print_trials(found)
    _print_expected(found)
    for name in ("expected.png", "search.json"):
        screen.console().print(
            f"{'figure' if name.endswith('png') else 'numbers'}: {found.folder / name}", soft_wrap=True
        )
    _print_best(found)
    screen.print_runs(found.runs, False)


def _print_head(found: Searched) -> None:
    from rich.text import Text

    trained, held, _ = found.rows
    counts = [f"{found.count(state)} {state}" for state in ("complete", "pruned", "failed") if found.count(state)]
    line = f"search · {found.search.spec.task.name} · {len(found.trials)} trials: {', '.join(counts)}"
    screen.console().print(Text(line, style="bold"))
    screen.console().print(
        f"  a trial trains on {trained:,} rows and is scored on {held:,} others of train, never on dev"
    )


def _print_trials(found: Searched) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    title = screen.METRIC_TITLES.get(found.metric, found.metric)
    names = list(found.best.choice)
    for name in ("TRIAL", *(TITLES[name] for name in names), title.upper(), ""):
        table.add_column(name, justify="left" if not name else "right", no_wrap=bool(name))
    ranked = sorted(found.trials, key=lambda one: (one.state == "failed", -(one.value or 0.0), one.number))
    for one in ranked[:SHOWN]:
        value = "" if one.value is None else screen.percent(one.value)
        table.add_row(str(one.number), *(f"{one.choice[name]:g}" for name in names), value, _ended(found, one))
    screen.console().print(table)
    if len(ranked) > SHOWN:
        screen.console().print(f"  and {len(ranked) - SHOWN} more in search.json")
    failed = next((one for one in found.trials if one.state == "failed"), None)
    if failed:
        screen.console().print(Text(f"  trial {failed.number} failed: {failed.why}", style="red"))


def _ended(found: Searched, trial: Trial) -> str:
    from bertkit.training.pruning import PARTS

    if trial.state == "pruned":
        return f"pruned after {max(trial.scores)}/{PARTS}"
    return "best" if trial == found.best else "failed" if trial.state == "failed" else ""


def _print_expected(found: Searched) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TRIALS (K)", "EXPECTED BEST OF K", "SD"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = {*COUNTS, len(found.expected)}
    for one in found.expected:
        if one.trials in shown:
            table.add_row(str(one.trials), screen.percent(one.mean), screen.percent(one.sd))
    screen.console().print(table)
    screen.print_below(f"as if {found.assumed}")
    if found.importances:
        parts = ", ".join(
            f"{TITLES[name].lower()} {screen.percent(share)} %" for name, share in found.importances.items()
        )
        screen.console().print(f"  share of the scores' variance: {parts} (fANOVA)")


def _print_best(found: Searched) -> None:
    from rich.text import Text

    from bertkit.request.search_space import flags_of

    rows = found.rows[2]
    line = f"best: {flags_of(found.best.choice)}; trained on {rows:,} rows, and scored once"
    screen.console().print(Text(line, style="bold"))
