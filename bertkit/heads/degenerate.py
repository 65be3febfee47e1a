"""Detect constant golds or answers, for which a score says little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TOLERANCE = 1e-6
"""Numbers that differ by less than this are the same here."""


def constant_details(golds: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
    """Details of R golds and R answers, each a label or a number.

    "constant" is whether all answers are the same but not all golds: the model learnt nothing.
    "only gold" is the one that every gold is; None where they differ.
    """
    return {
        "constant": len(values) > 1 and _same(values) and not _same([*golds, *values]),
        "only gold": golds[0] if _same(golds) else None,
    }


def _same(values: Sequence[Any]) -> bool:
    if values and isinstance(values[0], float):
        return float(max(values) - min(values)) < TOLERANCE
    return len(set(values)) == 1
