"""When classes of words are learnt: accuracy over the tokens seen, and the tokens until half of it.

K kept models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.plots.figure import label_ends, plain_axes, pyplot, save, token_axis
from bertkit.result import Score

COLD = {"PUNCT": "#7a8f00", "DET": "#0b6e99", "ADP": "#2a9d8f", "PRON": "#3f51b5", "AUX": "#5aa9e6"}
WARM = {"NOUN": "#c8561b", "VERB": "#b3123f", "ADJ": "#e09f1f", "ADV": "#a0522d", "PROPN": "#c05299"}
DRAWN = {**COLD, **WARM}
"""The parts of speech whose curves are drawn, and their colours: function words cold, content words warm."""
FIRST, LATER, OTHER = "#0b6e99", "#c8561b", "#888888"
"""The colours of the groups, and of what is in neither."""
LEAST_CONSTANT = 0.03
"""A constant's accuracy is drawn from here on; below it is the axis."""


@dataclass(frozen=True, kw_only=True)
class EmergenceLine:
    """One class of words, or a group of classes.

    group     0 for function words, 1 for content words, 2 for others
    scores    (K,) accuracies; () is not drawn
    half      tokens until half of the final accuracy
    constant  the accuracy of the best constant answer
    """

    name: str
    group: int
    scores: tuple[Score, ...]
    half: Score | None
    constant: float = 0.0


@dataclass(frozen=True, kw_only=True)
class EmergencePanel:
    """One column of the figure: parts of speech, and the groups they add up to."""

    title: str
    lines: tuple[EmergenceLine, ...]
    groups: tuple[EmergenceLine, ...]


def draw_emergence(
    panels: Sequence[EmergencePanel], tokens: Sequence[float], title: str, files: tuple[Path, Path]
) -> None:
    """Write a figure as PNG and SVG: a column a panel, curves above, and below the tokens until half of the final."""
    plots = pyplot()
    rows = max(len(panel.lines) + len(panel.groups) for panel in panels)
    figure, axes = plots.subplots(
        2, len(panels), figsize=(6.4 * len(panels), 4.2 + 0.21 * rows), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": [4.2, 0.21 * rows + 0.4]},
    )  # fmt: skip
    for panel, above, below in zip(panels, *axes, strict=True):
        _curves(above, panel, tokens)
        _halves(below, panel, tokens)
    figure.suptitle(title, fontsize=10)
    save(figure, *files)


def _curves(axes: Any, panel: EmergencePanel, tokens: Sequence[float]) -> None:
    ends = []
    for line in panel.lines:
        colour = DRAWN.get(line.name)
        if colour is None:
            continue
        values = [100 * score.value for score in line.scores]
        axes.plot(tokens, values, color=colour, linewidth=1.6)
        axes.fill_between(
            tokens, [100 * score.low for score in line.scores], [100 * score.high for score in line.scores],
            color=colour, alpha=0.13, linewidth=0, where=[0 < value < 100 for value in values],
        )  # fmt: skip
        if line.constant >= LEAST_CONSTANT:
            axes.axhline(100 * line.constant, color=colour, linewidth=0.9, linestyle=(0, (1, 2)))
        ends.append((line.name, values[-1], colour))
    plain_axes(axes, f"{panel.title}: accuracy; dotted: best constant answer")
    axes.set_ylabel("% of words", fontsize=9)
    axes.set_ylim(bottom=0)
    token_axis(axes, tokens)
    label_ends(axes, ends)


def _halves(axes: Any, panel: EmergencePanel, tokens: Sequence[float]) -> None:
    """A dot with its interval for each class, the first learnt on top, and below them the groups."""
    learnt = sorted((line for line in panel.lines if line.half), key=lambda line: line.half.value if line.half else 0)
    shown = [*learnt, *(line for line in panel.groups if line.half)]
    for place, line in enumerate(shown):
        assert line.half is not None
        colour, whole = (FIRST, LATER, OTHER)[line.group], line in panel.groups
        axes.plot([line.half.low, line.half.high], [place, place], color=colour, linewidth=3 if whole else 1.6)
        axes.plot([line.half.value], [place], "D" if whole else "o", color=colour, markersize=5)
    axes.set_yticks(range(len(shown)), [line.name for line in shown], fontsize=8)
    for label, line in zip(axes.get_yticklabels(), shown, strict=True):
        label.set_color((FIRST, LATER, OTHER)[line.group])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    plain_axes(axes, f"{panel.title}: tokens until half of the final accuracy")
    token_axis(axes, tokens)
