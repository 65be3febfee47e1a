"""The picture of a comparison: loss and score of both arms over the updates, with a band over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.compare import Arm, Comparison
from bertkit.result import whole_file

COLOURS = {"pretrained": "#0b6e99", "scratch": "#c8561b"}
SMOOTH = 40
"""Points of a loss curve: the updates between two of them are averaged."""


def draw(comparisons: Sequence[Comparison], title: str, png: Path, svg: Path) -> None:
    """Write the same picture as PNG and as SVG: a row a task, loss on the left, score on the right."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "bertkit"  # the same picture is the same bytes
    figure, axes = pyplot.subplots(
        len(comparisons), 2, figsize=(10, 3.4 * len(comparisons)), squeeze=False, layout="constrained"
    )
    for comparison, (left, right) in zip(comparisons, axes, strict=True):
        for arm in comparison.arms:
            _band(left, *_losses(arm), arm)
            _band(right, *_scores(arm), arm, marker="o")
        _dress(left, f"{comparison.task.name}: training loss", "loss")
        _dress(right, f"{comparison.task.name}: {comparison.metric} on {comparison.evaluation}", comparison.metric)
    figure.suptitle(title, fontsize=10)
    for path, metadata in ((png, {"Software": None}), (svg, {"Date": None})):
        with whole_file(path) as beside:
            figure.savefig(beside, dpi=150, format=path.suffix[1:], metadata=metadata)
    pyplot.close(figure)


def _losses(arm: Arm) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(P,) updates and (seeds, P) losses, each point the mean over the updates since the last one."""
    losses = np.stack([curve.losses for curve in arm.curves])
    edges = np.unique(np.linspace(0, losses.shape[1], min(SMOOTH, losses.shape[1]) + 1).astype(int))
    means = [losses[:, a:b].mean(axis=1) for a, b in pairwise(edges)]
    return (edges[:-1] + edges[1:] + 1) / 2, np.stack(means, axis=1)


def _scores(arm: Arm) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return arm.curves[0].scored_at, np.stack([curve.scores for curve in arm.curves])


def _band(axes: Any, x: np.ndarray[Any, Any], runs: np.ndarray[Any, Any], arm: Arm, marker: str | None = None) -> None:
    """The mean over seeds, and around it the least and the greatest."""
    colour = COLOURS[arm.name]
    label = f"{arm.name}, learning rate {arm.spec.recipe.learning_rate:g}"
    axes.plot(x, runs.mean(axis=0), color=colour, label=label, marker=marker, markersize=3, linewidth=1.6)
    axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2, linewidth=0)


def _dress(axes: Any, title: str, y: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("updates")
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)
