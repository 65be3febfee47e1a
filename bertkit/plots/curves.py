"""Training curves: loss and score of each arm over the updates, with a band over seeds.

S seeds, U updates, P scorings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.plots.figure import plain_axes, pyplot, save

COLOURS = ("#0b6e99", "#c8561b", "#4f7f3a", "#7a5195")
SMOOTH = 40
"""Points of a loss curve; updates between two points are averaged."""


@dataclass(frozen=True, kw_only=True)
class ArmCurves:
    """One arm: its label, training losses, and its scores where it was scored."""

    label: str
    losses: NDArray[np.float64]  # (S, U)
    scored_at: NDArray[np.int64]  # (P,) updates
    scores: NDArray[np.float64]  # (S, P)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One task's row of the figure: its arms, and what the score is."""

    task: str
    metric: str
    evaluation: str
    arms: tuple[ArmCurves, ...]


def draw(panels: Sequence[Panel], title: str, png: Path, svg: Path) -> None:
    """Write the same figure as PNG and as SVG: a row a task, loss on the left, score on the right."""
    figure, axes = pyplot().subplots(
        len(panels), 2, figsize=(10, 3.4 * len(panels)), squeeze=False, layout="constrained"
    )
    for panel, (left, right) in zip(panels, axes, strict=True):
        for arm, colour in zip(panel.arms, COLOURS, strict=False):
            _band(left, _smoothed(arm.losses), arm.label, colour)
            _band(right, (arm.scored_at, arm.scores), arm.label, colour, marker="o")
        _dress(left, f"{panel.task}: training loss", "loss")
        _dress(right, f"{panel.task}: {panel.metric} on {panel.evaluation}", panel.metric)
    figure.suptitle(title, fontsize=10)
    save(figure, png, svg)


def _smoothed(losses: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Updates and (S, points) losses, each point the mean since the previous one."""
    edges = np.unique(np.linspace(0, losses.shape[1], min(SMOOTH, losses.shape[1]) + 1).astype(int))
    means = [losses[:, a:b].mean(axis=1) for a, b in pairwise(edges)]
    return (edges[:-1] + edges[1:] + 1) / 2, np.stack(means, axis=1)


def _band(
    axes: Any, curve: tuple[NDArray[Any], NDArray[Any]], label: str, colour: str, marker: str | None = None
) -> None:
    """The mean over seeds, and around it the least and the greatest."""
    x, runs = curve
    axes.plot(x, runs.mean(axis=0), color=colour, label=label, marker=marker, markersize=3, linewidth=1.6)
    axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2, linewidth=0)


def _dress(axes: Any, title: str, y: str) -> None:
    plain_axes(axes, title)
    axes.set_xlabel("updates")
    axes.set_ylabel(y)
    axes.legend(fontsize=8, frameon=False)
