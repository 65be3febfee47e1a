"""Scores by slices of the rows, as a report shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bertkit.errors import BertkitError
from bertkit.evaluation.slices import SIGNIFICANT, Slicing
from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.reports.charts import Axis
from bertkit.result import Score
from bertkit.studies.slices import slices_of as slicings_of


@dataclass(frozen=True, kw_only=True)
class SliceLine:
    """A slice as it is drawn: places in percent of the axis, and whether it differs significantly from the rest."""

    name: str
    rows: int
    score: Score
    places: tuple[float, float, float]
    differs: bool


@dataclass(frozen=True, kw_only=True)
class SliceTable:
    """The slices by one property."""

    title: str
    lines: tuple[SliceLine, ...]


def slices_of(folder: Path) -> tuple[SliceTable, ...]:
    """The slices of a run; () where its rows or its tokenizer cannot be read any more."""
    try:
        return tuple(map(slice_table, slicings_of(folder)))
    except BertkitError:
        return ()


def slice_table(one: Slicing) -> SliceTable:
    """The slices on one axis."""
    axis = Axis.around([end for each in one.slices for end in (each.score.low, each.score.value, each.score.high)])
    return SliceTable(
        title=f"{one.evaluation}, {METRIC_TITLES.get(one.metric, one.metric)} by {one.by}",
        lines=tuple(
            SliceLine(
                name=each.name, rows=each.rows, score=each.score, differs=each.p < SIGNIFICANT,
                places=(axis.percent(each.score.low), axis.percent(each.score.value), axis.percent(each.score.high)),
            )
            for each in one.slices
        ),
    )  # fmt: skip
