"""Heat maps of how similar items are to each other, a panel a layer, with lines between their groups.

N items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.plots.figure import pyplot, save
from bertkit.plots.glyphs import plain_text, with_glyphs

SIDE = 3.6
"""Inches of a panel."""
MOST_LABELS = 40
"""Items whose labels are drawn; of more only the groups have names."""
LABEL = 24
"""Characters of a label at most."""


@dataclass(frozen=True, kw_only=True)
class SimilarityPanel:
    """One heat map: its title, and (N, N) similarities."""

    title: str
    values: NDArray[Any]


def draw_similarity(
    panels: Sequence[SimilarityPanel],
    labels: Sequence[str],
    groups: Sequence[str] | None,
    title: str,
    files: tuple[Path, Path],
) -> str | None:
    """Write heat maps side by side as PNG and SVG; items stand in the order given, those of a group together.

    Each panel has its own colours, from its least to its greatest similarity off the diagonal, and a bar that says
    them. A label with characters that no font here has is the item's number. Returns what the user is told of such
    characters, or None.
    """
    plots = pyplot()
    count = len(labels)
    named, note = with_glyphs([*(_cut(label) for label in labels), *(groups or ()), title])
    items, kinds, heading = named[:count], named[count:-1], named[-1]
    items = [item if item == _cut(labels[k]) else f"item {k + 1}" for k, item in enumerate(items)]
    wide = 2.6 if count <= MOST_LABELS else 1.2
    figure, axes = plots.subplots(
        1, len(panels), figsize=(wide + (SIDE + 0.6) * len(panels), SIDE + 1.2), squeeze=False, layout="constrained"
    )
    for place, (panel, one) in enumerate(zip(panels, axes[0], strict=True)):
        _heat(figure, one, panel)
        _name(one, items if place == 0 else [], kinds)
    figure.suptitle(heading, fontsize=10, parse_math=False)
    save(figure, *files)
    return note


def _heat(figure: Any, axes: Any, panel: SimilarityPanel) -> None:
    off = panel.values[~np.eye(len(panel.values), dtype=bool)]
    low, high = (float(off.min()), float(off.max())) if len(off) else (0.0, 1.0)
    image = axes.imshow(panel.values, cmap="viridis", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.8).ax.tick_params(labelsize=7)
    axes.set_title(panel.title, fontsize=10)


def _name(axes: Any, items: Sequence[str], groups: Sequence[str]) -> None:
    """Labels of items on the left, names of groups below, and lines where one group ends."""
    axes.set_xticks([])
    axes.set_yticks([])
    if items and len(items) <= MOST_LABELS:
        axes.set_yticks(range(len(items)), items, fontsize=7)
    edges = [0, *(k for k in range(1, len(groups)) if groups[k] != groups[k - 1]), len(groups)]
    for edge in edges[1:-1]:
        axes.axhline(edge - 0.5, color="white", linewidth=1.2)
        axes.axvline(edge - 0.5, color="white", linewidth=1.2)
    if groups:
        middles = [(start + end - 1) / 2 for start, end in pairwise(edges)]
        axes.set_xticks(middles, [groups[start] for start in edges[:-1]], fontsize=8)
    plain_text(axes)


def _cut(label: str) -> str:
    plain = " ".join(label.split())
    return plain if len(plain) <= LABEL else f"{plain[: LABEL - 1]}…"
