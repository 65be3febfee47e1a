"""Scores by parts of the rows, and whether a part differs from the other rows by more than chance explains.

R rows, k numbers of each that a metric measures (metrics.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation.intervals import Measures
from bertkit.evaluation.metrics import METRICS, Metric
from bertkit.evaluation.paired_tests import holm
from bertkit.evaluation.parts import Division, Mask
from bertkit.result import Score

ON_PARTS = {
    "f1": "accuracy",
    "f1_macro": "accuracy",
    "matthews": "accuracy",
    "multilabel_f1_macro": "multilabel_f1_micro",
}
"""Metrics that a part of the rows has none of where a class is missing in it, and what is measured in their place."""

SIGNIFICANT = 0.05
"""Below this an adjusted p marks a slice."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A part of the rows with its score.

    p  of a two-sided test that it is scored as the other rows are; in what `adjusted` returns Holm's
    """

    name: str
    rows: int
    score: Score
    p: float


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """The slices of one evaluation by one property of its rows.

    score      of all its rows by the same metric
    undefined  parts that are left out because the metric is not defined on them: their golds are all the same, or none
    """

    by: str
    evaluation: str
    metric: str
    score: Score
    slices: tuple[Slice, ...]
    undefined: tuple[str, ...] = ()


def on_parts(name: str, scheme: str | None = None) -> Metric:
    """The metric of this name for chunk tags of a scheme, or the one that stands in its place on a part of the rows."""
    return METRICS[ON_PARTS.get(name, name)].under(scheme)


def sliced(metric: Metric, table: Measures, divisions: Iterable[Division], evaluation: str) -> list[Slicing]:
    """The slices of R rows by each division that gives at least two, from their measures (R, k); p is not adjusted."""
    found, whole = [], _scored(metric, table)
    sway = influence(metric, table)
    for division in divisions:
        there = {name: mask for name, mask in division.parts.items() if mask.any()}
        defined = {name: mask for name, mask in there.items() if _is_defined(metric, table[mask])}
        if len(defined) < 2:
            continue
        slices = tuple(
            Slice(name=name, rows=int(mask.sum()), score=_scored(metric, table[mask]), p=difference_p(sway, mask))
            for name, mask in defined.items()
        )
        undefined = tuple(name for name in there if name not in defined)
        found.append(
            Slicing(
                by=division.by, evaluation=evaluation, metric=metric.name, score=whole, slices=slices,
                undefined=undefined,
            )
        )  # fmt: skip
    return found


def adjusted(slicings: Sequence[Slicing]) -> tuple[Slicing, ...]:
    """The slicings with every p adjusted for the number of slices in all of them (Holm 1979)."""
    given = iter(holm([one.p for slicing in slicings for one in slicing.slices]))
    return tuple(
        replace(slicing, slices=tuple(replace(one, p=next(given)) for one in slicing.slices)) for slicing in slicings
    )


def influence(metric: Metric, table: Measures) -> Any:
    """(R,) the influence of each row on the score (Hampel 1974), times R.

    Of a mean a row's own value less the mean; of a ratio of sums what it has above its share; of a correlation the
    product of its standardised numbers less the correlation times the mean of their squares.
    """
    if metric.kind != "number":
        numbers, sizes = table[:, 0], table[:, 1:].sum(axis=1)
        if table.shape[1] == 1:
            return numbers - numbers.mean()
        return numbers - sizes * (numbers.sum() / max(sizes.sum(), 1e-300))
    golds, answers = _ranked(table).T if metric.name == "spearman" else table.T
    if metric.name == "r2":
        errors = (golds - answers) ** 2
        around = (golds - golds.mean()) ** 2
        return around * (errors.sum() / max(around.sum(), 1e-300)) - errors
    first, second = (_standardised(side) for side in (golds, answers))
    both = first * second
    return both - both.mean() * (first**2 + second**2) / 2


def difference_p(sway: Floats, mask: Mask) -> float:
    """The two-sided p that the rows in the `mask` are drawn from all R at random, given their influence (R,).

    It is that of a permutation test of their sum: exact where rows are right or wrong (Fisher's), else by the first
    three moments of the sum of a sample without replacement, as Pearson's type III (Mielke and Berry 2007, 2.3).
    """
    from scipy.stats import fisher_exact, pearson3

    rows, n = len(sway), int(mask.sum())
    values = np.unique(sway)
    if n in (0, rows) or len(values) < 2:
        return 1.0
    if len(values) == 2:
        right = sway == values[1]
        counts = [[(right & mask).sum(), (~right & mask).sum()], [(right & ~mask).sum(), (~right & ~mask).sum()]]
        return min(1.0, float(fisher_exact(counts).pvalue))
    centred = sway - sway.mean()
    spread = float(np.sqrt(n * (rows - n) / (rows - 1) * (centred**2).mean()))
    third = n * (rows - n) * (rows - 2 * n) / ((rows - 1) * (rows - 2)) * float((centred**3).mean())
    found = pearson3(third / spread**3)
    place = float(centred[mask].sum()) / spread
    return min(1.0, 2 * float(min(found.cdf(place), found.sf(place))))


def _scored(metric: Metric, table: Measures) -> Score:
    value, found = metric.score(table), metric.interval(table, metric.score)
    return Score(value=value, low=found.low, high=found.high, interval=found.name)


def _is_defined(metric: Metric, table: Measures) -> bool:
    """Whether the rows have a score: a correlation needs three with different numbers on both sides."""
    if metric.kind == "number":
        return len(table) > 2 and bool((np.ptp(table, axis=0) > 0).all())
    return table.shape[1] == 1 or bool(table[:, 1:].sum())


def _standardised(side: Floats) -> Floats:
    found: Floats = (side - side.mean()) / max(float(side.std()), 1e-300)
    return found


def _ranked(table: Measures) -> Any:
    from scipy.stats import rankdata

    return rankdata(table, axis=0)
