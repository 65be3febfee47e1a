"""The command `bertkit compare transfer`, and what it prints, writes and draws."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.cli import screen
from bertkit.cli.compare import TRANSFER
from bertkit.cli.failures_screen import print_failures
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.machine.processes import distributed
from bertkit.request.flags import Flags, RunFlags, SeedsFlag
from bertkit.request.specs import options_of
from bertkit.request.transfer_flags import TransferFlags, requested

if TYPE_CHECKING:
    from bertkit.studies.transfer_found import Cell, ScoredSet, Transfer
    from bertkit.studies.transfer_lines import Compared

UNKNOWN_SHOWN = 0.001
"""The share of unknown tokens from which it is printed."""


def compare_transfer(asked: TransferFlags, flags: Flags, run: RunFlags, display: Display, seeds: SeedsFlag = 2) -> int:
    """Fine-tune encoders on one task, and score them on others: other languages, or other data sets.

    Scores are a matrix of models and test sets, beside published ones. The first model is compared with each other one.
    Run again, finished runs and scores are reused.
    """
    found = study(asked, flags, run, seeds, display.silent)
    folder = write(found, run.out)
    if display.json:
        screen.print_json({"folder": str(folder), "comparison": TRANSFER, **found.plain()})
        return 0
    _print(found)
    for name, file in (("heat map: ", "transfer.png"), ("          ", "transfer.svg"), ("numbers: ", "transfer.json")):
        screen.console().print(f"{name}{folder / file}", soft_wrap=True)
    return 0


def study(asked: TransferFlags, flags: Flags, run: RunFlags, seeds: int, silent: bool) -> Transfer:
    """What these flags ask for, done. Raises BertkitError."""
    if distributed():
        raise RequestError("bertkit compare transfer runs in one process: start it without a launcher")
    request, options = requested(asked, flags, seeds), options_of(run)
    from bertkit.studies.transfer import transfer

    return transfer(request, options, partial(screen.progress, silent))


def write(found: Transfer, out: Path) -> Path:
    """Write transfer.json and the heat map into a folder below `out` of the study's own; returns the folder."""
    from hashlib import sha256

    from bertkit.files import write_json
    from bertkit.plots.transfer import draw_matrix

    made = [run.folder.name for runs in found.runs.values() for run in runs]
    digest = sha256(repr([made, [(one.key, one.rows) for one in found.sets]]).encode()).hexdigest()[:8]
    folder = out / f"{TRANSFER}-{found.train.name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "transfer.json", {"comparison": TRANSFER, **found.plain()})
    title = f"fine-tuned on {found.train.name} · {_seeds(found)}"
    metrics = dict.fromkeys(screen.METRIC_TITLES.get(one.metrics[0], one.metrics[0]) for one in found.sets)
    note = f"{', '.join(metrics)}, times 100" + "; published: trained on all rows" * bool(found.published)
    draw_matrix(found.matrix, title, note, (folder / "transfer.png", folder / "transfer.svg"))
    return folder


def _seeds(found: Transfer) -> str:
    count = max(len(runs) for runs in found.runs.values())
    return f"mean of {count} seeds" if count > 1 else "one seed"


def _print(found: Transfer) -> None:
    from rich.text import Text

    console = screen.console()
    train_rows = next(iter(found.runs.values()))[0].result.rows["train"].used
    screen.print_marks(
        f"fine-tuned on {found.train.name}, {train_rows:,} rows · {_seeds(found)}", found.marks, found.train
    )
    for runs in found.runs.values():
        for run in runs:
            console.print(f"  {'finished before' if run.before else 'run'}: {run.folder}", soft_wrap=True)
    _print_matrix(found)
    _print_unknown(found)
    for name, verdicts in found.verdicts.items():
        _print_verdicts(found.models[0], name, verdicts)
    for line in found.lines:
        console.print(Text(line, style="bold"))
    for name, runs in found.runs.items():
        for run in runs:
            print_failures(run.result.failures, f"{name}, seed {run.result.spec.seed} ")


def _table(*names: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name == "ROWS" else "left", overflow="fold")
    return table


def _print_matrix(found: Transfer) -> None:
    """A line a test set and metric: every model's mean with its interval below it, and published scores."""
    table = _table("TEST SET", "ROWS", *found.models, *(f"{name} *" for name in found.published_names))
    for one in found.sets:
        for metric in one.metrics:
            title = screen.METRIC_TITLES.get(metric, metric)
            cells = [_shown(found.cells[model, *one.key], metric) for model in found.models]
            scores = [_shown_published(found, name, one, metric) for name in found.published_names]
            is_first = metric == one.metrics[0]
            table.add_row(f"{one.title if is_first else ''}\n{title}".strip(), f"{one.rows:,}" if is_first else "",
                          *cells, *scores)  # fmt: skip
    screen.console().print(table)
    over = "seeds and rows" if "seeds" in _seeds(found) else "rows"
    screen.print_below(f"[95 % over {over}]")
    for row in found.published:
        screen.print_below(f"* published, trained on all rows of {row.train} (full training data): {row.source}")
    for reason in dict.fromkeys(cell.missing for cell in found.cells.values() if cell.missing):
        screen.print_below(f"missing: {reason}")


def _shown(cell: Cell, metric: str) -> str:
    if cell.missing:
        return "missing"
    mean = cell.means[metric]
    return f"{screen.percent(mean.value)}\n[{screen.percent(mean.low)}, {screen.percent(mean.high)}]"


def _shown_published(found: Transfer, name: str, one: ScoredSet, metric: str) -> str:
    score = found.published_of(name, one, metric)
    if score is None:
        return ""
    return screen.percent(score[1]) + ("" if score[0] == one.evaluation else f"\n({score[0]})")


def _print_unknown(found: Transfer) -> None:
    """Which share of a test set's tokens a model's tokenizer does not know, where it is worth a word."""
    shares = {
        (one.title, model): found.cells[model, *one.key].unknown or 0.0 for one in found.sets for model in found.models
    }
    shown = [one.title for one in found.sets if any(shares[one.title, m] >= UNKNOWN_SHOWN for m in found.models)]
    if not shown:
        return
    table = _table("UNKNOWN TOKENS", *found.models)
    for title in shown:
        table.add_row(title, *(f"{screen.percent(shares[title, model])} %" for model in found.models))
    screen.console().print(table)


def _print_verdicts(first: str, other: str, found: tuple[Compared, ...]) -> None:
    from rich.text import Text

    from bertkit.evaluation.paired_tests import holm
    from bertkit.evaluation.two_way import SEEDS_AND_ROWS
    from bertkit.studies.verdict import OVER_ROWS

    screen.console().print(Text(f"{first} against {other}, headline scores", style="bold"))
    if not found:
        screen.print_below("no test set was scored with both")
        return
    verdicts = [one.verdict for one in found]
    has_seeds = verdicts[0].difference.doubt.over == SEEDS_AND_ROWS
    over = ("OVER SEEDS AND ROWS",) if has_seeds else ()
    table = _table("TEST SET", "DIFFERENCE", *over, "OVER ROWS ALONE", "VERDICT")
    by_rows = holm([one.tests.get(OVER_ROWS, 1.0) for one in verdicts])
    for one, rows, p in zip(verdicts, found, by_rows, strict=True):
        gap = one.difference
        doubts = [_doubt((gap.low, gap.high), one.adjusted)] if has_seeds else []
        doubts.append(_doubt((rows.low, rows.high), p))
        table.add_row(f"{one.task} {one.evaluation}", _points(gap.value), *doubts, one.outcome)
    screen.console().print(table)
    sets = f"{len(verdicts)} test set{'s' * (len(verdicts) > 1)}"
    tests = "Student's t, and by a permutation test over rows" if has_seeds else "a permutation test over rows"
    screen.print_below(f"[95 % of the difference]; p by {tests}, adjusted for {sets} (Holm)")


def _doubt(bounds: tuple[float, float], p: float) -> str:
    """The interval of a difference, and below it its p."""
    from bertkit.studies.verdict_lines import shown_p

    return f"[{_points(bounds[0])}, {_points(bounds[1])}]\n{shown_p(p)}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"
