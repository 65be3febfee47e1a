"""Parameters of published models by year on a logarithmic axis, and of one's own runs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import Any

from bertkit.plots.figure import plain_axes, pyplot, save_one, spread_apart
from bertkit.published import PublishedModel, size_of

PUBLISHED, OWN = "#0b6e99", "#c8561b"
LABEL_GAP = 0.034
"""Between two labels of one year at least, as a share of the axis."""


def draw_zoo(models: Sequence[PublishedModel], runs: Sequence[tuple[str, int]], path: Path) -> None:
    """Write the figure as PNG or SVG, by the path's ending: a column for each year that has a model.

    runs  one's own: a label and the number of parameters of each
    """
    plots = pyplot()
    figure, axes = plots.subplots(figsize=(11.6 if runs else 10.0, 5.8), layout="constrained")
    years = sorted({one.year.value for one in models})
    sizes = [one.parameters.value for one in models] + [size for _, size in runs]
    low, high = log10(min(sizes)) - 0.4, log10(max(sizes)) + 0.25
    axes.set_yscale("log")
    axes.set_ylim(10**low, 10**high)
    for x, year in enumerate(years):
        column = [one for one in models if one.year.value == year]
        points = [(one.name, one.parameters.value, one.counted is not None) for one in column]
        _column(axes, x, points, PUBLISHED)
    places: dict[float, str] = {float(x): str(year) for x, year in enumerate(years)}
    if runs:
        own = len(years) + 0.15
        places[own] = "your runs"
        _column(axes, own, [(label, size, True) for label, size in runs], OWN)
        axes.axvline(own - 0.1, color="#999999", linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(-0.15, max(places) + 0.9)
    plain_axes(axes, f"Published models by year{', and your runs' if runs else ''}")
    axes.set_xticks([*places], [*places.values()])
    _sizes(axes, low, high)
    marks = {"counted by transformers": PUBLISHED, "as published": "white"}
    for label, face in marks.items():
        axes.plot([], [], linestyle="", marker="o", color=PUBLISHED, markerfacecolor=face, label=label)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    save_one(figure, path)
    plots.close(figure)


def _column(axes: Any, x: float, points: Sequence[tuple[str, int, bool]], colour: str) -> None:
    """The points of one year, hollow where the flag is not set, with their labels on the right, moved apart."""
    low, high = (log10(one) for one in axes.get_ylim())
    ranked = sorted(points, key=lambda one: one[1])
    gap = min(LABEL_GAP, 1 / len(ranked))
    places = spread_apart([(log10(size) - low) / (high - low) for _, size, _ in ranked], gap)
    for (label, size, is_filled), place in zip(ranked, places, strict=True):
        face = colour if is_filled else "white"
        axes.plot([x], [size], marker="o", markersize=6, color=colour, markerfacecolor=face, zorder=3)
        height = 10 ** (low + place * (high - low))
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6, "relpos": (0, 0.5)}
        axes.annotate(
            f"{label}  {size_of(size)}", (x, size), xytext=(x + 0.1, height), fontsize=8, va="center", color=colour,
            arrowprops=arrow, annotation_clip=False,
        )  # fmt: skip


def _sizes(axes: Any, low: float, high: float) -> None:
    """Powers of ten on the axis of parameters: 100M, 1B and so on."""
    powers = [10**k for k in range(int(low), int(high) + 1) if low <= k <= high]
    axes.set_yticks(powers, [size_of(one) for one in powers])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("parameters", fontsize=9)
