"""Bars from left to right, a line each: a value, its interval if it has one, and its number behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from bertkit.plots.curves import COLOURS
from bertkit.plots.figure import plain_axes, pyplot, save
from bertkit.plots.glyphs import plain_text, with_glyphs

ACROSS = 3
"""Panels side by side at most; further ones stand below."""
LABEL = 28
"""Characters of a bar's label at most."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar: its label, its value, and the ends of its interval if it has one; `other` draws a comparison's in grey."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    other: bool = False


@dataclass(frozen=True, kw_only=True)
class BarPanel:
    """One panel: bars from top to bottom, one at least.

    percent  whether values are fractions that are drawn as percentages, on an axis from 0 to 100
    """

    title: str
    unit: str
    bars: tuple[Bar, ...]
    percent: bool = False


def draw_bars(panels: Sequence[BarPanel], title: str, files: tuple[Path, Path]) -> str | None:
    """Write panels as PNG and SVG, ACROSS in a row.

    A character that no font here has stands as its code. Returns what the user is told of such ones, or None.
    """
    texts = [text for panel in panels for text in (panel.title, *(_cut(bar.label) for bar in panel.bars))]
    named, note = with_glyphs([title, *texts])
    across = min(ACROSS, len(panels))
    down = ceil(len(panels) / across)
    most = max(len(panel.bars) for panel in panels)
    figure, axes = pyplot().subplots(
        down, across, figsize=(4.6 * across, 0.5 + down * (1.1 + 0.26 * most)), squeeze=False, layout="constrained"
    )
    heading, rest = named[0], named[1:]
    for panel, one in zip(panels, axes.flat, strict=False):
        count = 1 + len(panel.bars)
        _panel(one, panel, rest[0], rest[1:count])
        rest = rest[count:]
    for one in axes.flat[len(panels) :]:
        one.set_visible(False)
    figure.suptitle(heading, fontsize=10, parse_math=False)
    save(figure, *files)
    return note


def _panel(axes: Any, panel: BarPanel, title: str, labels: Sequence[str]) -> None:
    scale = 100 if panel.percent else 1
    places = range(len(panel.bars))
    values = [scale * bar.value for bar in panel.bars]
    colours = ["#888888" if bar.other else COLOURS[0] for bar in panel.bars]
    axes.set_axisbelow(True)
    axes.barh(places, values, 0.7, color=colours)
    for place, bar in zip(places, panel.bars, strict=True):
        end = scale * bar.value
        if bar.low is not None and bar.high is not None:
            error = [[end - scale * bar.low], [scale * bar.high - end]]
            axes.errorbar(end, place, xerr=error, color="black", linewidth=0.9, capsize=2)
            end = scale * bar.high
        shown = f"{scale * bar.value:.1f}" if panel.percent else f"{bar.value:.3f}"
        axes.annotate(shown, (max(end, 0), place), xytext=(4, 0), textcoords="offset points", fontsize=7, va="center")
    axes.set_yticks(places, labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(min(0.0, *values), 100 if panel.percent else max(1.0, *values))
    plain_axes(axes, title)
    axes.title.set_parse_math(False)
    axes.set_xlabel(panel.unit, fontsize=9)
    plain_text(axes)


def _cut(label: str) -> str:
    plain = " ".join(label.split())
    return plain if len(plain) <= LABEL else f"{plain[: LABEL - 1]}…"
