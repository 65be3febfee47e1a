"""How much golds and answers vary: where either is constant, no score can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

TOLERANCE = 1e-6
"""Numbers that differ by less than this are the same here."""


def constant_details(golds: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
    """Details of R golds and R answers, each a label or a number.

    "constant" is whether all answers are the same but not all golds: the model learnt nothing.
    "only gold" is the one that every gold is; None where they differ.
    "spread of answers" and "spread of golds" are how much they vary: see `spread`.
    """
    return {
        "constant": len(values) > 1 and _same(values) and not _same([*golds, *values]),
        "only gold": golds[0] if _same(golds) else None,
        "spread of answers": spread(values),
        "spread of golds": spread(golds),
    }


def spread(values: Sequence[Any]) -> float:
    """How much labels, or numbers, vary: the share of those that are not the commonest; the standard deviation."""
    import numpy as np

    if not values:
        return 0.0
    if isinstance(values[0], float):
        return float(np.std(values))
    return 1 - Counter(values).most_common(1)[0][1] / len(values)


def loss_of_shares(golds: Sequence[Any]) -> float:
    """The mean loss of a model that answers each row with the labels' shares, in nats, or with the mean number.

    The entropy of labels; the variance of numbers.
    """
    import numpy as np

    if isinstance(golds[0], float):
        return float(np.var(golds))
    shares = np.array(list(Counter(golds).values())) / len(golds)
    return float(-(shares * np.log(shares)).sum())


def _same(values: Sequence[Any]) -> bool:
    if values and isinstance(values[0], float):
        return float(max(values) - min(values)) < TOLERANCE
    return len(set(values)) == 1
