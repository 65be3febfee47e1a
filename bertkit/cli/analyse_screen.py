"""What analyses print alike: a heading, tables, lines below them, and where the figures and numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bertkit.cli import screen


def print_heading(line: str, marks: Sequence[str] = ()) -> None:
    """Print a bold line, and below it what a reader of the numbers must know."""
    from rich.text import Text

    screen.console().print(Text(line, style="bold"))
    for mark in marks:
        screen.print_below(mark, "yellow")


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> None:
    """Print a table; the columns `left` begin at their left, and so do those with intervals; numbers end right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for k, name in enumerate(names):
        table.add_column(name, no_wrap=True, justify="left" if k in left or "[" in name else "right")
    for row in rows:
        table.add_row(*row)
    screen.console().print(table)


def print_files(figures: Sequence[tuple[Path, Path]], numbers: Path) -> None:
    """Print where the figures (PNG and SVG) and the numbers (JSON) are."""
    for png, svg in figures:
        screen.console().print(f"figure: {png}\n        {svg}", soft_wrap=True)
    screen.console().print(f"numbers: {numbers}", soft_wrap=True)


def layer_name(layer: int) -> str:
    """How tables name a layer."""
    return "0 (embeddings)" if layer == 0 else str(layer)
