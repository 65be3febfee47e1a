"""Scores by slices of the rows, as a report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertkit.errors import BertkitError
from bertkit.evaluation.slices import SIGNIFICANT, Slicing
from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.reports.charts import Axis, Tick, percent_label
from bertkit.result import Score
from bertkit.studies.slices import slices_of as slicings_of


@dataclass(frozen=True, kw_only=True)
class SliceLine:
    """A slice as it is drawn: places in percent of the axis, and whether it differs significantly from the rest.

    score  None where the metric is not defined on these rows; they have no places then, and are not counted
    """

    name: str
    rows: int = 0
    score: Score | None = None
    places: tuple[float, float, float] = (0.0, 0.0, 0.0)
    differs: bool = False


@dataclass(frozen=True, kw_only=True)
class SliceTable:
    """The slices by one property, the score of all rows with its place, and the ends of the axis."""

    title: str
    whole: SliceLine
    lines: tuple[SliceLine, ...]
    ends: tuple[Tick, Tick]

    @property
    def every(self) -> tuple[SliceLine, ...]:
        """All rows, then the slices."""
        return (self.whole, *self.lines)


@dataclass(frozen=True, kw_only=True)
class Slices:
    """The slices of a run; `missing` says why there are none, where its rows cannot be divided any more."""

    tables: tuple[SliceTable, ...] = ()
    missing: str = ""

    @property
    def shown(self) -> bool:
        """Whether there are slices, or a reason why there are none."""
        return bool(self.tables or self.missing)


def slices_of(folder: Path) -> Slices:
    """The slices of a run, those of one evaluation on one axis."""
    try:
        return Slices(tables=tuple(slice_tables(slicings_of(folder))))
    except (BertkitError, OSError) as error:
        return Slices(missing=f"No slices: {error}.")


def slice_tables(slicings: Sequence[Slicing]) -> list[SliceTable]:
    """A table for each property, those of one evaluation on one axis."""
    scores: dict[str, list[Score]] = {}
    for one in slicings:
        scores.setdefault(one.evaluation, []).extend([one.score, *(each.score for each in one.slices)])
    axes = {
        name: Axis.around([end for score in each for end in (score.low, score.value, score.high)])
        for name, each in scores.items()
    }
    return [_table(one, axes[one.evaluation]) for one in slicings]


def _table(one: Slicing, axis: Axis) -> SliceTable:
    lines = [
        SliceLine(
            name=each.name, rows=each.rows, score=each.score, differs=each.p < SIGNIFICANT,
            places=_places(axis, each.score),
        )
        for each in one.slices
    ]  # fmt: skip
    low, high = (Tick(place=place, label=percent_label(at)) for place, at in ((0.0, axis.low), (100.0, axis.high)))
    return SliceTable(
        title=f"{one.evaluation}, {METRIC_TITLES.get(one.metric, one.metric)} by {one.by}",
        whole=SliceLine(name="all rows", score=one.score, places=_places(axis, one.score)),
        lines=(*lines, *(SliceLine(name=name) for name in one.undefined)),
        ends=(low, high),
    )


def _places(axis: Axis, score: Score) -> tuple[float, float, float]:
    low, value, high = (axis.percent(at) for at in (score.low, score.value, score.high))
    return low, value, high
