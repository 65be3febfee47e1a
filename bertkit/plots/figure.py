"""What every figure has in common: how it is made and saved, an axis of tokens, labels at the ends of lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bertkit.files import atomic_file

Panel = TypeVar("Panel")
GAP = 0.045
"""Between two labels at least, as a share of the axis."""


def pyplot() -> Any:
    """matplotlib's pyplot, which needs no screen; the same figure is the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "bertkit"
    return pyplot


def save(figure: Any, png: Path, svg: Path) -> None:
    """Write the figure as PNG and as SVG, atomically, and close it."""
    for path in (png, svg):
        save_one(figure, path)
    pyplot().close(figure)


def save_one(figure: Any, path: Path) -> None:
    """Write the figure as PNG or SVG, by the path's ending, atomically."""
    kind = path.suffix[1:].lower()
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=150, format=kind, metadata={"Software" if kind == "png" else "Date": None})


def draw_panels(
    panels: Sequence[Panel], draw: Callable[[Any, Panel], None], title: str, files: tuple[Path, Path]
) -> None:
    """Write a figure as PNG and SVG: a panel on each of its axes, side by side, below one title."""
    size = (6.4 * len(panels), 4.4)
    figure, axes = pyplot().subplots(1, len(panels), figsize=size, squeeze=False, layout="constrained")
    for panel, one in zip(panels, axes[0], strict=True):
        draw(one, panel)
    figure.suptitle(title, fontsize=10)
    save(figure, *files)


def plain_axes(axes: Any, title: str) -> None:
    """A title, a light grid, and no frame above and on the right."""
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def token_axis(axes: Any, tokens: Sequence[float]) -> None:
    """A logarithmic axis of tokens, from 0: linear up to the first model after it."""
    there = [float(one) for one in tokens if one > 0]
    first, last = (min(there), max(there)) if there else (1.0, 1.0)
    axes.set_xscale("symlog", linthresh=first, linscale=0.4)
    axes.set_xlim(-0.15 * first, last * 1.02)
    powers = [10.0**k for k in range(16) if first < 10.0**k <= last]
    axes.set_xticks([0, *powers] if powers else [0, first, last], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xticklabels([short(one) for one in axes.get_xticks()])
    axes.set_xlabel("tokens seen", fontsize=9)


def short(count: float, digits: int = 2) -> str:
    """A number of tokens or labels: 950, 1.2k, 12k, 119k, 1.4M; 12.5k in three digits."""
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            whole = len(f"{count / size:.0f}")
            return f"{count / size:.{max(digits, whole)}g}{name}"
    return f"{count:.0f}"


def label_ends(axes: Any, ends: Sequence[tuple[str, float, str]]) -> None:
    """Labels right of an axis at the heights of the lines' ends, each in its colour, moved apart where they are near.

    ends  for each line its label, its last value, and its colour
    """
    low, high = axes.get_ylim()
    ranked = sorted(ends, key=lambda one: one[1])
    places = spread_apart([(value - low) / (high - low) for _, value, _ in ranked])
    for (label, _, colour), place in zip(ranked, places, strict=True):
        axes.annotate(
            label, (1.01, place), xycoords="axes fraction", color=colour, fontsize=8, va="center", annotation_clip=False
        )


def spread_apart(places: Sequence[float], gap: float = GAP) -> list[float]:
    """Ascending places in 0 to 1, moved as little as needed so that neighbours are at least a gap apart."""
    groups: list[tuple[float, int]] = []  # the middle, and how many
    for place in places:
        middle, count = place, 1
        while groups and groups[-1][0] + groups[-1][1] * gap / 2 > middle - count * gap / 2:
            other, more = groups.pop()
            middle, count = (middle * count + other * more) / (count + more), count + more
            middle = max(middle, (count - 1) * gap / 2)  # none below 0
        groups.append((middle, count))
    return [middle + (k - (count - 1) / 2) * gap for middle, count in groups for k in range(count)]
