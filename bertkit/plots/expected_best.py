"""The expected best of k trials over k, and beside it each trial's score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertkit.plots.figure import plain_axes, pyplot, save

CURVE, PRUNED = "#0b6e99", "#c8561b"


@dataclass(frozen=True, kw_only=True)
class BestCurve:
    """What is drawn, as fractions: mean and standard deviation of the best of 1, 2 ... trials, and the trials' scores.

    scores  for each trial its score and whether it was pruned; None where it failed
    """

    metric: str
    means: tuple[float, ...]
    sds: tuple[float, ...]
    scores: tuple[tuple[float, bool] | None, ...]


def draw_best(curve: BestCurve, title: str, files: tuple[Path, Path]) -> None:
    """Write the figure as PNG and as SVG."""
    figure, axes = pyplot().subplots(figsize=(5.6, 3.6), layout="constrained")
    counts = range(1, len(curve.means) + 1)
    low, high = (
        [100 * (mean + side * sd) for mean, sd in zip(curve.means, curve.sds, strict=True)] for side in (-1, 1)
    )
    axes.fill_between(counts, low, high, color=CURVE, alpha=0.15, linewidth=0)
    means = [100 * mean for mean in curve.means]
    axes.plot(counts, means, color=CURVE, linewidth=1.6, label="expected best of k, ± standard deviation")
    for wanted, colour, label in ((False, "#888888", "trial, in order"), (True, PRUNED, "pruned trial")):
        shown = _places(curve.scores, wanted)
        if shown:
            axes.plot(*zip(*shown, strict=True), "o", color=colour, markersize=4, label=label)
    plain_axes(axes, title)
    axes.set_xlabel("trials (k)")
    axes.set_ylabel(curve.metric)
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(fontsize=8, frameon=False, loc="outside lower center", ncols=3)
    save(figure, *files)


def _places(scores: Sequence[tuple[float, bool] | None], pruned: bool) -> list[tuple[int, float]]:
    """Where the trials that were pruned, or those that were not, are drawn."""
    return [(place, 100 * one[0]) for place, one in enumerate(scores, 1) if one is not None and one[1] == pruned]
