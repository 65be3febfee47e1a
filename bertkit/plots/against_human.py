"""Scores of systems over the human ones: a marker a task, a line for the average (Wang et al. 2019, figure 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bertkit.plots.figure import plain_axes, pyplot, save

MARKERS = "ovs^D<P>X*dph"
COLOURS = ("#0b6e99", "#c8561b", "#4f7f3a", "#7a5195", "#b1344a", "#1f9e89", "#8c6d1f", "#5f6b7a", "#d07ab0")


@dataclass(frozen=True, kw_only=True)
class System:
    """A system's shares of the human scores: of each task that it was scored on, and of the average, if it has all."""

    name: str
    tasks: Mapping[str, float]
    average: float | None
    is_ours: bool = False


def draw(title: str, systems: Sequence[System], tasks: Sequence[str], png: Path, svg: Path) -> None:
    """Write the figure: the systems from left to right, each with its average in brackets, the human scores at 1."""
    plots = pyplot()
    figure, axes = plots.subplots(figsize=(max(6.4, 0.85 * len(systems) + 2.6), 4.6), layout="constrained")
    axes.axhline(1.0, color="#222222", linewidth=1.2)
    axes.annotate("human", (0.005, 1.0), xycoords=("axes fraction", "data"), fontsize=8, va="bottom")
    for k, task in enumerate(tasks):
        places = [x for x, system in enumerate(systems) if task in system.tasks]
        heights = [systems[x].tasks[task] for x in places]
        offset = (k - (len(tasks) - 1) / 2) * 0.05
        style = {"marker": MARKERS[k % len(MARKERS)], "color": COLOURS[k % len(COLOURS)]}
        axes.plot([x + offset for x in places], heights, linestyle="", markersize=5, label=task, **style)
    averaged = [(x, system.average) for x, system in enumerate(systems) if system.average is not None]
    line = {"color": "#1f3f8f", "linestyle": "--", "linewidth": 1.4}
    axes.plot([x for x, _ in averaged], [y for _, y in averaged], label="average (in brackets)", **line)
    axes.set_xlim(-0.5, len(systems) - 0.5)
    names = [f"{one.name}{f' ({one.average:.2f})' if one.average is not None else ''}" for one in systems]
    axes.set_xticks(range(len(systems)), names, rotation=25, ha="right", fontsize=8.5)
    for label, system in zip(axes.get_xticklabels(), systems, strict=True):
        label.set_fontweight("bold" if system.is_ours else "normal")
    plain_axes(axes, title)
    axes.set_ylabel("score / human score", fontsize=9)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)
    save(figure, png, svg)
