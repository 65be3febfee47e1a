"""Count the verdicts of a study of transfer: on how many test sets in other languages a model is ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bertkit.studies.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """On how many of `sets` test sets in other languages the first model is ahead of `other`.

    ahead      by more than the 95 % interval of the difference, over seeds and rows where there are several seeds
    behind     the same, where the other model is ahead
    over_rows  ahead by more than the interval over the rows alone, for the seeds that were trained
    seeds      of each model
    """

    other: str
    sets: int
    ahead: int
    behind: int
    over_rows: int
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The first model against another on a test set.

    verdict    over seeds and rows where there are several seeds
    low, high  the 95 % interval of the difference over rows alone, for the runs as they are
    """

    verdict: Verdict
    low: float
    high: float


def sets_ahead(other: str, found: Sequence[Compared], others: Collection[tuple[str, str]]) -> Ahead:
    """Count the test sets, of those in `others`, that are in other languages, on which the first model is ahead."""
    counted = [one for one in found if (one.verdict.task, one.verdict.evaluation) in others]
    return Ahead(
        other=other,
        sets=len(counted),
        ahead=sum(one.verdict.difference.low > 0 for one in counted),
        behind=sum(one.verdict.difference.high < 0 for one in counted),
        over_rows=sum(one.low > 0 for one in counted),
        seeds=max((len(arm.scores) for one in found for arm in one.verdict.arms), default=0),
    )


def sentence(first: str, one: Ahead) -> str:
    """The sentence on one other model."""
    if not one.sets:
        return f"{first} and {one.other}: no test set in another language was scored"
    sets = f"{one.sets} test {'set' if one.sets == 1 else 'sets'} in other languages"
    behind = f" and behind on {one.behind}" if one.behind else ""
    line = f"{first} is ahead of {one.other} on {one.ahead} of {sets}{behind} by more than its 95 % interval"
    if one.seeds < 2:
        return f"{line}, over rows alone: one seed each"
    rows = f"ahead on {one.over_rows} by more than that over rows alone"
    return f"{line} over seeds and rows ({one.seeds} seeds), and {rows}"
