"""What is measured at every layer: a line a measure over the layers, with the band of its interval.

L+1 layers (0 is the embeddings).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.plots.curves import COLOURS
from bertkit.plots.figure import label_ends, plain_axes, pyplot, save
from bertkit.plots.glyphs import drawable


@dataclass(frozen=True, kw_only=True)
class LayerLine:
    """A line: (L+1,) values, and where there is an interval its (L+1,) ends; `marked` layers get a filled dot.

    dashed  whether it is a comparison's, such as a baseline
    """

    label: str
    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    marked: tuple[bool, ...] | None = None
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class LayerPanel:
    """One panel: lines, and levels that do not depend on the layer, such as chance or the human score, by name.

    percent  whether values are fractions that are drawn as percentages
    layers   those that the values are of; () is 0, 1, 2 and so on
    """

    title: str
    unit: str
    lines: tuple[LayerLine, ...]
    levels: tuple[tuple[str, float], ...] = ()
    percent: bool = False
    layers: tuple[int, ...] = ()


def draw_by_layer(panels: Sequence[LayerPanel], title: str, files: tuple[Path, Path]) -> None:
    """Write panels side by side as PNG and SVG, the layers from left to right."""
    figure, axes = pyplot().subplots(
        1, len(panels), figsize=(5.4 * len(panels), 3.6), squeeze=False, layout="constrained"
    )
    for panel, one in zip(panels, axes[0], strict=True):
        _panel(one, panel)
    figure.suptitle(drawable(title), fontsize=10, parse_math=False)
    save(figure, *files)


def _panel(axes: Any, panel: LayerPanel) -> None:
    scale = 100 if panel.percent else 1
    ends = []
    for line, colour in zip(panel.lines, _colours(len(panel.lines)), strict=True):
        layers = panel.layers or tuple(range(len(line.values)))
        values = [scale * value for value in line.values]
        style = "--" if line.dashed else "-"
        axes.plot(layers, values, style, color=colour, linewidth=1.6, marker="o", markersize=3.5, markerfacecolor="w")
        if line.marked is not None:
            there = [k for k in range(len(values)) if line.marked[k]]
            axes.plot([layers[k] for k in there], [values[k] for k in there], "o", color=colour, markersize=5)
        if line.low is not None and line.high is not None:
            low, high = ([scale * value for value in edge] for edge in (line.low, line.high))
            axes.fill_between(layers, low, high, color=colour, alpha=0.15, linewidth=0)
        ends.append((drawable(line.label), values[-1], colour))
    for name, value in panel.levels:
        axes.axhline(scale * value, color="#888888", linewidth=0.9, linestyle=(0, (1, 2)))
        ends.append((drawable(name), scale * value, "#888888"))
    plain_axes(axes, drawable(panel.title))
    axes.set_xlabel("layer (0: embeddings)", fontsize=9)
    axes.set_ylabel(panel.unit, fontsize=9)
    last = max((*panel.layers, *(len(line.values) - 1 for line in panel.lines if not panel.layers)))
    axes.set_xticks(panel.layers or range(0, last + 1, _step(panel.lines)))
    label_ends(axes, ends)


def _colours(count: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(count)]


def _step(lines: Sequence[LayerLine]) -> int:
    return 1 if max(len(line.values) for line in lines) <= 14 else 3
