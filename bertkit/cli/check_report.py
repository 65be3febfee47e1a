"""Print what `bertkit check` found, 80 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertkit.cli import screen
from bertkit.heads.names import name_of

if TYPE_CHECKING:
    from bertkit.data.inspect import Spread
    from bertkit.data.report import Report, SplitReport

LABELS = 30
"""Labels of which the rows are shown, the commonest."""
WRONG = 20


def print_report(report: Report) -> None:
    """Print the report on stdout."""
    out = screen.console()
    task = report.spec.task
    out.print(f"{task.name} · {name_of(task.head)} · {task.about}", style="bold")
    for line in (*task.understood, *report.notes):
        out.print(line)
    out.print()
    _print_splits(report)
    _print_labels(report)
    for part in report.splits:
        for line in part.notes:
            out.print(f"{part.name}: {line}")
    for name, why in report.missing.items():
        out.print(f"{name}: {why}")
    out.print()
    if not report.wrong:
        out.print("nothing is wrong with these rows", style="green")
    for line in report.wrong[:WRONG]:
        out.print(line, style="yellow")
    if len(report.wrong) > WRONG:
        out.print(f"and {len(report.wrong) - WRONG} more", style="yellow")


def _print_splits(report: Report) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for part in report.splits:
        table.add_column(part.name, justify="right", no_wrap=True)
    parts = report.splits
    table.add_row("rows", *(f"{part.found.rows:,}" for part in parts))
    vectors = report.spec.task.head.of_vectors
    unit = f"vectors of {vectors.width}" if vectors else "words"
    table.add_row(f"{unit}: median, p95, max", *(_spread(part.found.words) for part in parts))
    if not vectors:
        table.add_row("characters", *(_spread(part.found.characters) for part in parts))
    if any(part.tokens for part in parts):
        table.add_row("tokens", *(_spread(part.tokens.spread) if part.tokens else "" for part in parts))
        table.add_row("unknown tokens", *(_unknown(part) for part in parts))
        _add_cut(table, report)
    numbers = [part.found.numbers for part in parts]
    if any(numbers):
        table.add_row("golds: min, mean, sd, max", *(
            f"{one.low:g}, {one.mean:.4g}, {one.sd:.4g}, {one.high:g}" if one else "" for one in numbers
        ))  # fmt: skip
    table.add_row("duplicate rows", *(f"{part.found.duplicates:,}" for part in parts))
    table.add_row("but for case, white space", *(f"{part.found.near:,}" for part in parts))
    table.add_row("texts with several labels", *(f"{part.found.two_labels:,}" for part in parts))
    table.add_row("rows left out", *(f"{len(part.bad):,}" for part in parts))
    for overlap in report.overlaps:
        cells = [f"{overlap.normalised:,}" if part.name == overlap.split else "" for part in parts]
        table.add_row(f"also in {overlap.other}", *cells)
    screen.console().print(table)
    screen.console().print(f"tokens: {report.tokenizer}", soft_wrap=True)


def _add_cut(table: object, report: Report) -> None:
    from rich.table import Table

    assert isinstance(table, Table)
    length = report.spec.recipe.window.max_length
    cuts = [part.tokens.cut if part.tokens else None for part in report.splits]
    if report.spec.task.head.is_windowed:
        most = report.spec.recipe.window.max_answer_length
        table.add_row(f"answers over {most} tokens", *(f"{cut.answers:,}" if cut else "" for cut in cuts))
        return
    table.add_row(f"rows cut at {length} tokens", *(f"{cut.rows:,}" if cut else "" for cut in cuts))
    table.add_row("words cut off", *(f"{cut.words:,}" if cut else "" for cut in cuts))


def _spread(of: Spread) -> str:
    return f"{of.median:,.0f}, {of.p95:,.0f}, {of.max:,}"


def _unknown(part: SplitReport) -> str:
    if part.tokens is None:
        return ""
    return f"{part.tokens.unknown:,} ({part.tokens.unknown / max(part.tokens.total, 1):.2%})"


def _print_labels(report: Report) -> None:
    """A table of the labels with their counts in every split."""
    from rich.table import Table

    counts: dict[str, int] = {}
    for part in report.splits:
        for name, rows in part.found.labels.items():
            counts[name] = counts.get(name, 0) + rows
    if not counts:
        return
    names = list(counts)
    if len(names) > LABELS:
        names = sorted(names, key=lambda name: -counts[name])[:LABELS]
    screen.console().print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("LABEL", overflow="fold")
    for part in report.splits:
        table.add_column(part.name, justify="right", no_wrap=True)
        table.add_column("", justify="right", no_wrap=True)
    for name in names:
        cells = []
        for part in report.splits:
            rows, total = part.found.labels.get(name, 0), max(sum(part.found.labels.values()), 1)
            cells += [f"{rows:,}", f"{rows / total:.1%}"]
        table.add_row(name, *cells)
    screen.console().print(table)
    if len(counts) > LABELS:
        screen.console().print(f"and {len(counts) - LABELS:,} more labels (--json has all)")
