"""Scores over the tokens that a model was pretrained on, beside those of untrained models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.plots.figure import draw_panels, label_ends, plain_axes, token_axis

COLOURS = ("#0b6e99", "#c8561b", "#4f7f3a", "#7a5195", "#b3123f", "#2a9d8f", "#e09f1f", "#3f51b5")


@dataclass(frozen=True, kw_only=True)
class LearningLine:
    """A score over tokens, with a band around it: fractions. `is_level` is one score, drawn all along the axis."""

    label: str
    tokens: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    is_level: bool = False


@dataclass(frozen=True, kw_only=True)
class LearningPanel:
    """One panel of the figure. A level has the colour of the line before it."""

    title: str
    score: str
    lines: tuple[LearningLine, ...]


def draw_learning(panels: Sequence[LearningPanel], title: str, files: tuple[Path, Path]) -> None:
    """Write a figure as PNG and SVG, the panels side by side."""
    draw_panels(panels, _panel, title, files)


def _panel(axes: Any, panel: LearningPanel) -> None:
    tokens = sorted({one for line in panel.lines if not line.is_level for one in line.tokens})
    ends, colour, count = [], COLOURS[0], 0
    for line in panel.lines:
        if line.is_level:
            axes.axhline(100 * line.values[0], color=colour, linewidth=0.9, linestyle=(0, (4, 2)))
        else:
            colour, count = COLOURS[count % len(COLOURS)], count + 1
            _drawn(axes, line, colour)
        if line.label:
            ends.append((line.label, 100 * line.values[-1], colour))
    plain_axes(axes, panel.title)
    axes.set_ylabel(panel.score, fontsize=9)
    token_axis(axes, tokens)
    label_ends(axes, ends)


def _drawn(axes: Any, line: LearningLine, colour: str) -> None:
    low, high = ([100 * value for value in part] for part in (line.low, line.high))
    axes.plot(
        line.tokens, [100 * value for value in line.values], color=colour, linewidth=1.6, marker="o", markersize=3
    )
    axes.fill_between(line.tokens, low, high, color=colour, alpha=0.15, linewidth=0)
