"""What `bertkit eval RUN --slices` prints: a table of scores by parts of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.request.slice_flags import SliceFlags

if TYPE_CHECKING:
    from bertkit.evaluation.slices import Slicing

NAME = 30
"""Characters of a part's name that are shown."""


def print_slices(folder: Path, flags: SliceFlags, display: Display) -> int:
    """Print the slices of a run."""
    from bertkit.spec import to_plain
    from bertkit.studies.slices import slices_of

    found = slices_of(folder, flags.slice_by or ())
    if display.json:
        screen.print_json({"model": str(folder), "slices": [to_plain(one) for one in found]})
    else:
        _print_tables(folder, found)
    return 0


def _print_tables(folder: Path, slicings: Sequence[Slicing]) -> None:
    from bertkit.evaluation.slices import SIGNIFICANT

    screen.console().print(f"{folder} · by parts of the rows, from its saved answers", style="bold", soft_wrap=True)
    for name in dict.fromkeys(one.evaluation for one in slicings):
        _print_evaluation([one for one in slicings if one.evaluation == name])
    count = sum(len(one.slices) for one in slicings)
    if any(part.p < SIGNIFICANT for one in slicings for part in one.slices):
        line = f"* differs from the other rows: p < {SIGNIFICANT:g}, adjusted for all {count:,} slices (Holm)"
    else:
        line = f"no slice differs from the other rows by more than chance gives {count:,} slices"
    screen.console().print(f"  {line}" if count else "  there is nothing that these rows can be divided by")


def _print_evaluation(slicings: Sequence[Slicing]) -> None:
    from rich.table import Table

    from bertkit.evaluation.slices import SIGNIFICANT

    first = slicings[0]
    table = Table(box=None, pad_edge=False, header_style="bold")
    title = screen.METRIC_TITLES.get(first.metric, first.metric)
    for name in (first.evaluation, "ROWS", f"{title} [95 % over rows]", "P"):
        table.add_column(name, justify="right" if name in ("ROWS", "P") else "left", no_wrap=True)
    table.add_row("all rows", "", screen.with_interval(first.score), "")
    for slicing in slicings:
        table.add_row(f"by {slicing.by}"[:NAME], "", "", "", style="bold")
        for part in slicing.slices:
            p = "< .001" if part.p < 0.001 else f"{part.p:.3f}".lstrip("0") if part.p < 1 else "1"
            mark = "* " if part.p < SIGNIFICANT else "  "
            name = part.name if len(part.name) <= NAME else f"{part.name[: NAME - 1]}…"
            table.add_row(f"{mark}{name}", f"{part.rows:,}", screen.with_interval(part.score), p)
        for name in slicing.undefined:
            table.add_row(f"  {name[:NAME]}", "", "not defined", "")
    screen.console().print(table)
