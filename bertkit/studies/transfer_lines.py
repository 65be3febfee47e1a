"""What the verdicts of a study of transfer come to: on how many test sets in other languages a model is ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from bertkit.evaluation.two_way import MOST_FREEDOM, Doubt
from bertkit.studies.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """On how many of `sets` test sets in other languages the first model is ahead of `other`.

    ahead      by more than the 95 % interval of the difference, over seeds and rows where there are several seeds
    over_rows  by more than the interval over the rows alone, for the seeds that were trained
    seeds      of each model
    """

    other: str
    sets: int
    ahead: int
    over_rows: int
    seeds: int


def rows_interval(verdict: Verdict) -> tuple[float, float]:
    """The 95 % interval of the difference over other rows, for the runs as they are: by the normal distribution."""
    gap = verdict.difference
    half = Doubt(rows=1.0, seeds=0.0, freedom=MOST_FREEDOM).reach * float(np.sqrt(gap.doubt.rows))
    return gap.value - half, gap.value + half


def sets_ahead(other: str, found: Sequence[Verdict], others: Collection[tuple[str, str]]) -> Ahead:
    """Count the test sets, of those in `others`, that are in other languages, on which the first model is ahead."""
    counted = [one for one in found if (one.task, one.evaluation) in others]
    return Ahead(
        other=other,
        sets=len(counted),
        ahead=sum(one.difference.low > 0 for one in counted),
        over_rows=sum(rows_interval(one)[0] > 0 for one in counted),
        seeds=max((len(arm.scores) for one in found for arm in one.arms), default=0),
    )


def sentence(first: str, one: Ahead) -> str:
    """The sentence on one other model."""
    if not one.sets:
        return f"{first} and {one.other}: no test set in another language was scored"
    sets = f"{one.sets} test {'set' if one.sets == 1 else 'sets'} in other languages"
    line = f"{first} is ahead of {one.other} on {one.ahead} of {sets} by more than its 95 % interval"
    if one.seeds < 2:
        return f"{line}, over rows alone: one seed each"
    return f"{line} over seeds and rows ({one.seeds} seeds), and on {one.over_rows} by more than that over rows alone"
