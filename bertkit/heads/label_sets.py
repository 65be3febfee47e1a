"""Sets of labels, gold and given, counted by label.

R rows, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Sets = Sequence[Sequence[str]]


def counts_of(golds: Sets, values: Sets, labels: Sequence[str]) -> tuple[list[str], NDArray[np.uint8]]:
    """The labels that occur, in the order of `labels`, then any others; and for each row which are right, given, gold.

    The latter is (R, 3, L), each 0 or 1.
    """
    seen = {name for several in (*golds, *values) for name in several}
    names = [name for name in labels if name in seen]
    names += sorted(seen - set(names))
    counts = np.zeros((len(golds), 3, len(names)), np.uint8)
    order = {name: i for i, name in enumerate(names)}
    for kind, sets in ((1, values), (2, golds)):
        rows = np.repeat(np.arange(len(sets)), [len(several) for several in sets])
        places = np.fromiter((order[name] for several in sets for name in several), np.int64)
        counts[rows, kind, places] = 1
    counts[:, 0] = counts[:, 1] & counts[:, 2]
    return names, counts


def best_threshold(golds: NDArray[np.bool_], shares: NDArray[np.float64]) -> float:
    """The probability from which labels are given for the highest micro-F1 of (R, L) golds; the highest of equal ones.

    It is halfway between the least probability that is given and the next lower one; 0.5 where no row has a label.
    """
    if not golds.any():
        return 0.5
    order = np.argsort(-shares, axis=None, kind="stable")
    ranked, right = shares.ravel()[order], np.cumsum(golds.ravel()[order])
    last = np.flatnonzero(np.append(np.diff(ranked) < 0, True))  # equal probabilities are given together
    f1 = 2 * right[last] / (last + 1 + golds.sum())
    best = last[int(f1.argmax())]
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    middle = float(ranked[best] + below) / 2
    return min(max(middle, 1e-9), 1 - 1e-9)
