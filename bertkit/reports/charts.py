"""Charts as values that a template draws as SVG: lines with bands, dots, and a strip for one score.

Horizontal places are percent of the width, so that texts keep their size on any screen; vertical ones are pixels.
P points of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HEIGHT = 200
TOP, BOTTOM = 12, 6
"""Pixels above and below what is drawn."""
WIDE = 1_000
"""The width of a path's own coordinates, which are stretched to the chart's."""
DOT, CLOUD, LARGEST = 3.0, 3.5, 9.0
"""Radii in pixels: of a line's dots, of a cloud's, and the largest one that stands for a count."""
MARKED = 30
"""Points of a line up to which each has a dot."""
TABLE = 24
"""Rows of a chart's table at most."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A line, or with `as_dots` a cloud.

    `low` and `high` are the ends of its band; with `counts` the area of a dot is what it stands for.
    """

    name: str
    x: Floats  # (P,)
    y: Floats  # (P,)
    low: Floats | None = None  # (P,)
    high: Floats | None = None  # (P,)
    counts: Floats | None = None  # (P,)
    as_dots: bool = False
    colour: int = 0


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A place on an axis, and what is written there."""

    place: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A series as it is drawn: a path, its band, and dots (percent, pixels, radius)."""

    name: str
    colour: int
    path: str = ""
    band: str = ""
    dots: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart, its text for who cannot see it, and its numbers as a table."""

    title: str
    about: str
    x_title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    diagonal: str = ""
    height: int = HEIGHT

    @property
    def legend(self) -> bool:
        """Whether its lines need names."""
        return len(self.lines) > 1


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A range of values with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def around(cls, values: Sequence[float] | Floats, ticks: int = 4, exact: bool = False) -> Axis:
        """The axis of finite values: its ends are ticks, or with `exact` the least and the greatest value."""
        from matplotlib.ticker import MaxNLocator

        finite = np.asarray(values, float)
        finite = finite[np.isfinite(finite)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        if low == high:
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        found = MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if not exact:
            low, high = float(found[0]), float(found[-1])
        return cls(low=low, high=high, ticks=tuple(float(one) for one in found if low <= one <= high))

    def share(self, values: Floats) -> Floats:
        """Where values are between the ends: 0 to 1."""
        return (np.asarray(values, float) - self.low) / (self.high - self.low)

    def percent(self, value: float) -> float:
        """Where one value is: 0 to 100, kept within."""
        return round(100 * min(1.0, max(0.0, float(self.share(np.array(value))))), 2)


def chart(
    title: str, series: Sequence[Series], x_title: str, about: str, *, in_percent: bool = False, square: bool = False
) -> Chart:
    """A chart of these series. `square` has the same axis on both sides, and the diagonal where they are equal.

    Its table has a row for each place of the longest series.
    """
    every = [np.concatenate([getattr(one, name) for one in series]) for name in ("x", "y")]
    bands = [band for one in series for band in (one.low, one.high) if band is not None]
    across = Axis.around(every[0], 5, exact=True)
    up = Axis.around(np.concatenate([every[1], *bands]))
    if square:
        across = up = (
            Axis(low=0.0, high=1.0, ticks=(0.0, 0.25, 0.5, 0.75, 1.0))
            if in_percent
            else Axis.around(np.concatenate(every))
        )
    height = 280 if square else HEIGHT
    return Chart(
        title=title,
        about=about,
        x_title=x_title,
        lines=tuple(_line(one, across, up, height) for one in series),
        x_ticks=tuple(Tick(place=across.percent(at), label=_shown(at, in_percent and square)) for at in across.ticks),
        y_ticks=tuple(Tick(place=_pixels(up, at, height), label=_shown(at, in_percent)) for at in up.ticks),
        diagonal=_path(np.array([across.low, across.high]), np.array([across.low, across.high]), across, up, height)
        if square
        else "",
        columns=(x_title, *(one.name for one in series)),
        rows=tuple(_table(series, in_percent, square)),
        height=height,
    )


def percent_label(value: float) -> str:
    """A fraction as a tick's label."""
    return f"{round(100 * value, 6):g}".replace("-", "−")


def _shown(value: float, in_percent: bool) -> str:
    return percent_label(value) if in_percent else f"{value:,g}".replace("-", "−")


def _line(one: Series, across: Axis, up: Axis, height: int) -> Line:
    places = zip(one.x, one.y, _radii(one), strict=True)
    dots = tuple((across.percent(x), _pixels(up, y, height), radius) for x, y, radius in places)
    if one.as_dots:
        return Line(name=one.name, colour=one.colour, dots=dots)
    band = ""
    if one.low is not None and one.high is not None:
        there = np.concatenate([one.x, one.x[::-1]]), np.concatenate([one.high, one.low[::-1]])
        band = _path(*there, across, up, height) + "Z"
    path = _path(one.x, one.y, across, up, height)
    return Line(name=one.name, colour=one.colour, path=path, band=band, dots=dots if len(one.x) <= MARKED else ())


def _radii(one: Series) -> list[float]:
    """The radius of each dot: with counts its area is in proportion to them."""
    if one.counts is None:
        return [CLOUD if one.as_dots else DOT] * len(one.x)
    return [round(max(1.0, LARGEST * float(share) ** 0.5), 1) for share in one.counts / one.counts.max()]


def _path(x: Floats, y: Floats, across: Axis, up: Axis, height: int) -> str:
    there = np.isfinite(x) & np.isfinite(y)
    places = zip(WIDE * across.share(x[there]), _heights(up, y[there], height), strict=True)
    return "M" + "L".join(f"{at:.0f} {pixels:.1f}" for at, pixels in places) if there.any() else ""


def _heights(up: Axis, y: Floats, height: int) -> Floats:
    return height - BOTTOM - (height - TOP - BOTTOM) * up.share(y)


def _pixels(up: Axis, y: float, height: int) -> float:
    return round(float(_heights(up, np.array(y), height)), 1)


def _table(series: Sequence[Series], in_percent: bool, square: bool) -> list[tuple[str, ...]]:
    """The numbers of the series at places of the longest, TABLE at most; a cloud of dots has none."""
    longest = max(series, key=lambda one: len(one.x))
    if longest.as_dots and len(longest.x) > TABLE:
        return []
    places = np.unique(np.linspace(0, len(longest.x) - 1, min(TABLE, len(longest.x))).round().astype(int))
    at = {id(one): dict(zip(one.x.tolist(), one.y.tolist(), strict=True)) for one in series}
    rows = []
    for x in longest.x[places].tolist():
        values = [at[id(one)].get(x) for one in series]
        first = f"{100 * x:.1f}" if square and in_percent else f"{x:,.5g}" if x < 10_000 else f"{x:,.0f}"
        rows.append((first, *("" if v is None else f"{100 * v:.1f}" if in_percent else f"{v:.4g}" for v in values)))
    return rows


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One score on a line: its interval, its seeds, and what it is compared with, as fractions.

    seeds   each run's score, and whether the run failed
    floors  of simple models
    human   the human score, None where there is none
    given   the axis, where several strips share one
    """

    about: str
    value: float
    interval: tuple[float, float] | None = None
    seeds: tuple[tuple[float, bool], ...] = ()
    floors: tuple[float, ...] = ()
    human: float | None = None
    given: Axis | None = None

    @property
    def every(self) -> list[float]:
        """All that stands on it."""
        human = [] if self.human is None else [self.human]
        return [self.value, *(self.interval or ()), *(seed for seed, _ in self.seeds), *self.floors, *human]

    @property
    def axis(self) -> Axis:
        """The one that was given, else one with round ticks around everything on it."""
        return self.given or shared_axis([self])

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """The axis' ticks."""
        return tuple(Tick(place=self.axis.percent(at), label=_shown(at, True)) for at in self.axis.ticks)

    @property
    def point(self) -> float:
        """The score's place, in percent."""
        return self.axis.percent(self.value)

    @property
    def band(self) -> tuple[float, float] | None:
        """The places of the interval's ends."""
        return (self.axis.percent(self.interval[0]), self.axis.percent(self.interval[1])) if self.interval else None

    @property
    def dots(self) -> list[tuple[float, bool]]:
        """The places of the seeds."""
        return [(self.axis.percent(seed), failed) for seed, failed in self.seeds]

    @property
    def levels(self) -> list[float]:
        """The places of the floors."""
        return [self.axis.percent(floor) for floor in self.floors]

    @property
    def human_at(self) -> float | None:
        """The place of the human score."""
        return None if self.human is None else self.axis.percent(self.human)


def shared_axis(strips: Sequence[Strip]) -> Axis:
    """An axis with round ticks around everything on these strips."""
    every = [value for one in strips for value in one.every]
    return Axis.around(every if len(set(every)) > 1 else [every[0] - 0.05, every[0] + 0.05], 5)


def aligned(strips: Sequence[Strip]) -> list[Strip]:
    """The strips on one axis."""
    axis = shared_axis(strips) if strips else None
    return [replace(one, given=axis) for one in strips]
