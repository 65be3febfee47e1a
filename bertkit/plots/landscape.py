"""Loss surfaces of runs: on the line from initial to trained weights, on a plane, and with layers set back.

A alphas, B betas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.plots.curves import COLOURS
from bertkit.plots.figure import plain_axes, pyplot, save
from bertkit.result import Score

LEVELS = 16
DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """A run's loss over alpha, (A,) each with the ends of its interval, and the level of its width."""

    label: str
    is_scratch: bool
    alphas: tuple[float, ...]
    losses: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    level: float


@dataclass(frozen=True, kw_only=True)
class BackBar:
    """A run's loss and score with a group of layers set back; of the trained model first."""

    run: str
    is_scratch: bool
    name: str
    loss: Score
    score: Score | None


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A run's loss on a plane: a line of A alphas for each of B betas."""

    label: str
    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]


def draw_lines(curves: Sequence[LossCurve], title: str, paths: tuple[Path, Path]) -> None:
    """Write the figure: loss over alpha, a dot at the trained weights, a thin line at the level of each width."""
    figure, axes = pyplot().subplots(figsize=(8, 4.2), layout="constrained")
    seen = [0, 0]
    for one in curves:
        style = _style(one.is_scratch, seen)
        axes.plot(one.alphas, one.losses, label=one.label, linewidth=1.6, **style)
        axes.fill_between(one.alphas, one.low, one.high, color=style["color"], alpha=0.18, linewidth=0)
        axes.plot([1.0], [one.losses[one.alphas.index(1.0)]], marker="o", markersize=5, color=style["color"])
        axes.axhline(one.level, color=style["color"], linewidth=0.7, linestyle=":")
    for place, name in ((0.0, "initial"), (1.0, "trained")):
        axes.axvline(place, color="#888888", linewidth=0.7)
        axes.annotate(name, (place, 1.0), xycoords=("data", "axes fraction"), fontsize=8, ha="left", va="bottom")
    plain_axes(axes, f"{title}: loss on the line from initial to trained weights\n")
    axes.set_xlabel("alpha: initial + alpha · (trained - initial); dotted: the level of the width", fontsize=9)
    axes.set_ylabel("training loss, without dropout", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    save(figure, *paths)


def _style(is_scratch: bool, seen: list[int]) -> dict[str, Any]:
    """A colour for pretrained and one for scratch runs; several of one kind by their dashes."""
    seen[is_scratch] += 1
    return {"color": COLOURS[int(is_scratch)], "linestyle": DASHES[(seen[is_scratch] - 1) % len(DASHES)]}


def draw_back(bars: Sequence[BackBar], metric: str | None, title: str, paths: tuple[Path, Path]) -> None:
    """Write the figure: bars of each run's score and loss, trained and with each group of layers set back."""
    panels = [("training loss", "loss"), *([(metric, "score")] if metric else [])]
    figure, every = pyplot().subplots(
        1, len(panels), figsize=(5.6 * len(panels), 3.9), squeeze=False, layout="constrained"
    )
    runs, names = list(dict.fromkeys(bar.run for bar in bars)), list(dict.fromkeys(bar.name for bar in bars))
    for axes, (what, field) in zip(every[0], panels, strict=True):
        for k, run in enumerate(runs):
            own = [bar for bar in bars if bar.run == run]
            found = [getattr(bar, field) for bar in own]
            if None in found:
                continue
            places = [names.index(bar.name) + (k - (len(runs) - 1) / 2) * 0.8 / len(runs) for bar in own]
            values = [one.value for one in found]
            errors = [[one.value - one.low for one in found], [one.high - one.value for one in found]]
            colour = COLOURS[int(own[0].is_scratch)] if len(runs) == 2 else COLOURS[k % len(COLOURS)]
            axes.bar(places, values, 0.75 / len(runs), yerr=errors, color=colour, label=run, capsize=2,
                     error_kw={"linewidth": 0.9})  # fmt: skip
        axes.set_xticks(range(len(names)), names, fontsize=8)
        plain_axes(axes, str(what))
    every[0][0].legend(fontsize=8, frameon=False)
    figure.suptitle(f"{title} · layers set back to their initial weights, the head kept", fontsize=10)
    save(figure, *paths)


def draw_planes(planes: Sequence[Plane], title: str, paths: tuple[Path, Path]) -> None:
    """Write the figure: contours of each run's loss on its plane, on one scale, and the initial and trained weights."""
    figure, every = pyplot().subplots(
        1, len(planes), figsize=(4.6 * len(planes) + 0.8, 4.0), squeeze=False, layout="constrained"
    )
    values = sorted(value for plane in planes for line in plane.losses for value in line)
    top = values[int(0.95 * (len(values) - 1))]
    levels = [values[0] + (top - values[0]) * k / LEVELS for k in range(LEVELS + 1)] if top > values[0] else None
    for axes, plane in zip(every[0], planes, strict=True):
        filled = axes.contourf(plane.alphas, plane.betas, plane.losses, levels=levels, cmap="viridis", extend="max")
        axes.plot([0, 1], [0, 0], color="white", linewidth=1.2, marker="o", markersize=4)
        for place, name in ((0, "initial"), (1, "trained")):
            box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1}
            axes.annotate(
                name, (place, 0), fontsize=8, xytext=(0, 7), textcoords="offset points", ha="center", bbox=box
            )
        axes.set_xticks([-0.5, 0, 0.5, 1, 1.5])
        axes.set_title(plane.label, fontsize=10)
        axes.set_xlabel("alpha: along training", fontsize=9)
    every[0][0].set_ylabel("beta: a random direction, filter by filter", fontsize=9)
    figure.colorbar(filled, ax=list(every[0]), label="training loss", format="%.2f")
    figure.suptitle(title, fontsize=10)
    save(figure, *paths)
