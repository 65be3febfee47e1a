"""Scores of answers in context against the number of examples in the prompt: a dot for each draw of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.plots.figure import label_ends, plain_axes, pyplot, save

PLAIN, CALIBRATED = "#0b6e99", "#c8561b"
LINES = ("#2a7d2a", "#888888", "#444444", "#b0b0b0")
"""The colours of the horizontal lines: fine-tuned, two floors, chance."""
APART = 0.12
"""How far the dots of either kind stand from the middle."""


@dataclass(frozen=True, kw_only=True)
class PromptDots:
    """The scores of the draws of one number of shots, as fractions, and their mean."""

    shots: int
    calibrated: bool
    scores: Sequence[float]
    mean: float


@dataclass(frozen=True, kw_only=True)
class PromptPanel:
    """What the figure shows: dots, and horizontal lines by their names."""

    metric: str
    dots: Sequence[PromptDots]
    lines: Mapping[str, float]


def draw_prompts(panel: PromptPanel, title: str, files: tuple[Path, Path]) -> None:
    """Write the figure as PNG and as SVG."""
    figure, axes = pyplot().subplots(figsize=(7.4, 4.2), layout="constrained")
    shots = sorted({one.shots for one in panel.dots})
    for calibrated, colour, label in ((False, PLAIN, "as it is"), (True, CALIBRATED, "calibrated")):
        _dots(axes, [one for one in panel.dots if one.calibrated == calibrated], shots, colour, label)
    ends = []
    for k, (name, value) in enumerate(panel.lines.items()):
        colour = LINES[min(k, len(LINES) - 1)] if name != "chance" else LINES[-1]
        axes.axhline(100 * value, color=colour, linewidth=1.2, linestyle="-" if k == 0 else (0, (3, 2)), zorder=1)
        ends.append((name, 100 * value, colour))
    axes.set_xticks(range(len(shots)), [str(one) for one in shots])
    axes.set_xlim(-0.5, len(shots) - 0.5)
    plain_axes(axes, title)
    axes.set_xlabel("examples in the prompt (a dot for each draw of them, bars at the means)", fontsize=9)
    axes.set_ylabel(METRIC_TITLES.get(panel.metric, panel.metric), fontsize=9)
    label_ends(axes, ends)
    figure.legend(fontsize=8, frameon=False, loc="outside lower center", ncols=2)
    save(figure, *files)


def _dots(axes: Any, dots: Sequence[PromptDots], shots: Sequence[int], colour: str, label: str) -> None:
    for one in dots:
        place = shots.index(one.shots) + (APART if one.calibrated else -APART)
        axes.plot([place] * len(one.scores), [100 * score for score in one.scores], "o", color=colour, alpha=0.55,
                  markersize=5, markeredgewidth=0, zorder=3)  # fmt: skip
        axes.plot([place - 0.08, place + 0.08], [100 * one.mean] * 2, color=colour, linewidth=2.2, zorder=4,
                  label=label if one is dots[0] else None)  # fmt: skip
