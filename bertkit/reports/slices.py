"""Scores by slices of the rows, as a report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.reports.charts import Axis
from bertkit.result import Score

SURE = 0.05


class Slice(Protocol):
    """A part of the rows: its score, and `p` of its difference from the rest, adjusted for all slices."""

    @property
    def name(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def score(self) -> Score: ...
    @property
    def p(self) -> float: ...


class Slicing(Protocol):
    """The slices of one evaluation by one property of its rows."""

    @property
    def by(self) -> str: ...
    @property
    def evaluation(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def slices(self) -> Sequence[Slice]: ...


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
    """The slices of a run; () while there are none to show."""
    return ()


def slice_table(one: Slicing) -> SliceTable:
    """The slices on one axis."""
    axis = Axis.around([end for each in one.slices for end in (each.score.low, each.score.value, each.score.high)])
    return SliceTable(
        title=f"{one.evaluation}, {METRIC_TITLES.get(one.metric, one.metric)} by {one.by}",
        lines=tuple(
            SliceLine(
                name=each.name, rows=each.rows, score=each.score, differs=each.p < SURE,
                places=(axis.percent(each.score.low), axis.percent(each.score.value), axis.percent(each.score.high)),
            )
            for each in one.slices
        ),
    )  # fmt: skip
