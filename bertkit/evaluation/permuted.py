"""Labels in another order: the permutation that fits the confusion matrix significantly better, if there is one.

R rows, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SURE = 1e-6
"""The probability below which chance is no explanation, corrected for as many tests as there are permutations."""
WIDE = 0.1
"""The accuracy that a permutation has to add."""
MOST = 200
"""Labels up to which it is looked for."""


@dataclass(frozen=True, kw_only=True)
class Permuted:
    """The permutation that is right on most rows.

    names     of each label that is answered, the one that the gold is then
    accuracy  with the answers as they are, and `permuted` with the permutation
    p         of the two tests the greater p: that it is no better than the order as it is (McNemar's exact test), and
              than the commonest label alone (binomial); both times the number of permutations
    """

    names: dict[str, str]
    accuracy: float
    permuted: float
    p: float


def permuted(golds: Sequence[Any], answers: Sequence[Any], labels: Sequence[str]) -> Permuted | None:
    """The permutation of the C labels under which R answers are right so much more often that chance is ruled out.

    None if there is no such permutation.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.special import gammaln
    from scipy.stats import binom

    if not 2 <= len(labels) <= MOST or not len(golds):
        return None
    matrix, rows = _confusion(golds, answers, labels), len(golds)
    found, given = linear_sum_assignment(matrix, maximize=True)
    moved = found != given
    before, after = int(np.trace(matrix)), int(matrix[found, given].sum())
    if after - before < WIDE * rows:
        return None
    gained, lost = int(matrix[found, given][moved].sum()), int(matrix[given, given][moved].sum())
    commonest = matrix.sum(axis=1).max() / rows
    tests = (binom.logsf(gained - 1, gained + lost, 0.5), binom.logsf(after - 1, rows, commonest))
    log_p = float(max(tests) + gammaln(len(labels) + 1))
    if log_p >= np.log(SURE):
        return None
    names = {labels[answer]: labels[gold] for gold, answer in sorted(zip(found, given, strict=True), key=_answered)}
    return Permuted(names=names, accuracy=before / rows, permuted=after / rows, p=float(np.exp(log_p)))


def _answered(pair: tuple[int, int]) -> int:
    return pair[1]


def _confusion(golds: Sequence[Any], answers: Sequence[Any], labels: Sequence[str]) -> NDArray[np.int64]:
    """(C, C) rows by gold and answer; those whose gold or answer is none of the labels are left out."""
    order = {name: place for place, name in enumerate(labels)}
    pairs = np.array([[order.get(name, -1) for name in names] for names in (golds, answers)]).T
    pairs = pairs[(pairs >= 0).all(axis=1)]
    count = len(labels)
    return np.bincount(pairs[:, 0] * count + pairs[:, 1], minlength=count**2).reshape(count, count)
