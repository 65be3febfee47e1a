"""Answers as columns of a table: a label with its probabilities, or with those of the best labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FEW = 10
"""Labels up to which each has a column of its own."""
BEST = 5
"""Labels, or spans, that are kept where there are more."""


def kept_of(labels: int, top: int | None) -> int | None:
    """How many of so many labels are kept; None for all, each in its own column."""
    return top if top is not None else None if labels <= FEW else BEST


def label_columns(names: Sequence[str], top: int | None) -> dict[str, Any]:
    """Arrow types by column: `p_LABEL` for each label, or `label_1`, `p_1`, ... for the best ones."""
    import pyarrow as pa

    count = kept_of(len(names), top)
    if count is None:
        return {f"p_{name}": pa.float64() for name in names}
    types = {"label": pa.string(), "p": pa.float64()}
    return {f"{part}_{k}": types[part] for k in range(1, min(count, len(names)) + 1) for part in types}


def label_cells(names: Sequence[str], scores: Mapping[str, float], top: int | None) -> list[Any]:
    """The values of `label_columns`."""
    count = kept_of(len(names), top)
    if count is None:
        return [scores[name] for name in names]
    return [cell for pair in _best(scores, count) for cell in pair]


def best_scores(scores: Mapping[str, Any], names: Sequence[str], top: int | None) -> dict[str, Any]:
    """The scores by label; only the best ones, in descending order, where not all are kept."""
    count = kept_of(len(names), top)
    if count is None or set(scores) != set(names):
        return dict(scores)
    return dict(_best(scores, count))


def _best(scores: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda pair: -pair[1])[:count]
