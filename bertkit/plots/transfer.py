"""Scores of models on test sets as a heat map: a row a model, a column a test set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.plots.figure import pyplot, save


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """A model's scores by test set, as fractions; None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What is drawn: models by test sets."""

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def draw_matrix(matrix: Matrix, title: str, note: str, files: tuple[Path, Path]) -> None:
    """Write the heat map as PNG and as SVG, each cell with its score times 100; `note` stands below it."""
    import numpy as np

    values = np.array([[np.nan if one is None else 100 * one for one in row.values] for row in matrix.rows])
    height, width = values.shape
    figure, axes = pyplot().subplots(figsize=(3.2 + 0.85 * width, 1.9 + 0.45 * height), layout="constrained")
    shown = axes.imshow(np.ma.masked_invalid(values), cmap="viridis", vmin=0, vmax=100, aspect="auto")
    axes.set_facecolor("#dddddd")
    for row in range(height):
        for column in range(width):
            _label(axes, column, row, values[row, column])
    axes.set_xticks(range(width), matrix.columns, rotation=35, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(height), [row.name for row in matrix.rows], fontsize=8)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=10)
    figure.supxlabel(note, fontsize=7, x=0.01, ha="left")
    figure.colorbar(shown, ax=axes, pad=0.02).ax.tick_params(labelsize=8)
    save(figure, *files)


def _label(axes: Any, column: int, row: int, value: float) -> None:
    missing = value != value  # NaN
    colour = "#666666" if missing else "white" if value < 60 else "black"
    axes.text(column, row, "–" if missing else f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour)
