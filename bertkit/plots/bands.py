"""Curves with a band around each, a line an arm: scores over labels, losses and scores over tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.plots.figure import draw_panels, label_ends, plain_axes, short
from bertkit.plots.learning import COLOURS


@dataclass(frozen=True, kw_only=True)
class BandLine:
    """One arm: where it was measured, its mean there, and the ends of its band."""

    label: str
    x: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class BandPanel:
    """One panel of the figure.

    is_log    whether x is on a logarithmic axis, with a tick wherever something was measured
    is_share  whether y are fractions, which are drawn as percentages
    marked    whether each measurement has a dot
    level     a horizontal line, if given
    """

    title: str
    x: str
    y: str
    lines: tuple[BandLine, ...]
    is_log: bool = False
    is_share: bool = True
    marked: bool = True
    level: float | None = None


def draw_bands(panels: Sequence[BandPanel], title: str, files: tuple[Path, Path]) -> None:
    """Write a figure as PNG and SVG, the panels side by side."""
    draw_panels(panels, _panel, title, files)


def _panel(axes: Any, panel: BandPanel) -> None:
    times = 100 if panel.is_share else 1
    ends = []
    for line, colour in zip(panel.lines, COLOURS, strict=False):
        mean, low, high = ([times * value for value in part] for part in (line.mean, line.low, line.high))
        axes.plot(line.x, mean, color=colour, linewidth=1.6, marker="o" if panel.marked else None, markersize=3)
        axes.fill_between(line.x, low, high, color=colour, alpha=0.15, linewidth=0)
        ends.append((line.label, mean[-1], colour))
    if panel.level is not None:
        axes.axhline(times * panel.level, color="#888888", linewidth=0.9, linestyle=(0, (4, 2)))
    plain_axes(axes, panel.title)
    axes.set_xlabel(panel.x, fontsize=9)
    axes.set_ylabel(panel.y, fontsize=9)
    _x_axis(axes, panel)
    label_ends(axes, ends)


def _x_axis(axes: Any, panel: BandPanel) -> None:
    """Ticks with short numbers; on a logarithmic axis one wherever something was measured."""
    from matplotlib.ticker import FuncFormatter

    if panel.is_log:
        axes.set_xscale("log")
        axes.set_xticks(sorted({one for line in panel.lines for one in line.x}), minor=False)
        axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, 3)))
