"""Charts of a report: places by hand, few points of long logs, bands over seeds, and strips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from files import json_lines, write

from bertkit.reports.charts import BOTTOM, DOT, HEIGHT, LARGEST, TOP, Axis, Series, Strip, aligned, chart
from bertkit.reports.curves import BINS, Curve, Curves, curve_of, loss_chart, score_chart
from bertkit.runs.folder import LOG

X, Y = np.array([0.0, 10.0]), np.array([0.0, 1.0])


def test_an_axis_has_round_ticks_around_its_values() -> None:
    assert Axis.around([0.13, 0.87], 4).ticks == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1))


def test_an_axis_of_one_value_has_it_in_the_middle() -> None:
    axis = Axis.around([0.5])
    assert axis.low < 0.5 < axis.high


def test_an_axis_of_no_finite_value_is_there_all_the_same() -> None:
    assert Axis.around([np.nan]).ticks


def test_a_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    (line,) = chart("loss", [Series(name="a", x=X, y=Y)], "updates", "about").lines
    assert line.path == f"M0 {HEIGHT - BOTTOM:.1f}L1000 {TOP:.1f}"
    assert line.dots == ((0.0, HEIGHT - BOTTOM, DOT), (100.0, TOP, DOT))


def test_a_band_goes_along_its_upper_end_and_back_along_its_lower_one() -> None:
    (line,) = chart("loss", [Series(name="a", x=X, y=Y, low=Y * 0, high=Y)], "updates", "about").lines
    low, high = f"{HEIGHT - BOTTOM:.1f}", f"{TOP:.1f}"
    assert line.band == f"M0 {low}L1000 {high}L1000 {low}L0 {low}Z"


def test_a_chart_has_its_numbers_as_a_table() -> None:
    found = chart(
        "score", [Series(name="a", x=X, y=Y), Series(name="b", x=X[:1], y=Y[:1])], "updates", "", in_percent=True
    )
    assert (found.columns, found.rows) == (("updates", "a", "b"), (("0", "0.0", "0.0"), ("10", "100.0", "")))


def test_a_square_chart_has_the_same_axis_on_both_sides_and_its_diagonal() -> None:
    found = chart("r", [Series(name="a", x=Y, y=Y)], "confidence", "", in_percent=True, square=True)
    assert (
        [tick.label for tick in found.x_ticks]
        == [tick.label for tick in found.y_ticks]
        == ["0", "25", "50", "75", "100"]
    )
    assert found.diagonal == f"M0 {found.height - BOTTOM:.1f}L1000 {TOP:.1f}"


def test_a_dot_that_stands_for_a_quarter_of_the_rows_has_half_the_radius() -> None:
    (line,) = chart("r", [Series(name="a", x=X, y=Y, counts=np.array([100, 400.0]))], "confidence", "").lines
    assert [radius for _, _, radius in line.dots] == [LARGEST / 2, LARGEST]


def test_strips_share_an_axis_where_they_are_aligned() -> None:
    low, high = aligned([Strip(about="", value=0.2), Strip(about="", value=0.8, interval=(0.7, 0.9))])
    assert low.ticks == high.ticks
    assert low.point < high.point


def test_a_strip_has_everything_that_stands_on_it_within() -> None:
    one = Strip(about="", value=0.7, interval=(0.6, 0.8), seeds=((0.55, True),), floors=(0.5,), human=0.95)
    places = [one.point, *(one.band or ()), *one.levels, one.human_at, *(place for place, _ in one.dots)]
    assert all(place is not None and 0 <= place <= 100 for place in places)
    assert (one.ticks[0].label, one.ticks[-1].label) == ("50", "100")


def curve(losses: list[float], scores: Sequence[tuple[int, float]] = ()) -> Curve:
    steps = np.arange(1, len(losses) + 1, dtype=float)
    return Curve(steps=steps, losses=np.array(losses, float), scores={("dev", "accuracy"): list(scores)})


def test_a_long_log_has_few_points_that_are_means() -> None:
    losses = [float(step % 2) for step in range(100_000)]
    found = loss_chart([Curves(name="a", runs=(curve(losses),))])
    assert found
    assert len(found.lines[0].path.split("L")) == BINS
    assert {row[1] for row in found.rows} == {"0.5"}


def test_several_runs_are_a_mean_within_the_least_and_the_greatest() -> None:
    found = loss_chart([Curves(name="a", runs=(curve([1.0, 0.2]), curve([1.0, 0.6])))])
    assert found
    assert [row[1] for row in found.rows] == ["1", "0.4"]
    assert found.lines[0].band.endswith("Z")


def test_a_run_that_stopped_early_counts_as_far_as_it_went() -> None:
    found = loss_chart([Curves(name="a", runs=(curve([1.0, 0.5, 0.2]), curve([3.0])))])
    assert found
    assert [row[1] for row in found.rows] == ["2", "0.5", "0.2"]


def test_a_skipped_update_is_left_out_of_the_curve(tmp_path: Path) -> None:
    write(tmp_path / LOG, json_lines({"step": 1, "loss": 0.5}, {"step": 2, "loss": None}, {"step": 3, "loss": 0.25}))
    found = curve_of(tmp_path)
    assert found
    drawn = loss_chart([Curves(name="a", runs=(found,))])
    assert drawn
    assert [row[1] for row in drawn.rows] == ["0.5", "0.25"]


def test_a_run_that_was_scored_once_has_no_curve_of_scores() -> None:
    run = curve([1.0], [(1, 0.5)])
    assert score_chart([Curves(name="a", runs=(run,))], [("dev", "accuracy")]) is None


def test_scores_in_training_are_drawn_where_they_were_measured() -> None:
    runs = (curve([1.0], [(10, 0.5), (20, 0.75)]), curve([1.0], [(10, 0.75), (20, 0.75)]))
    found = score_chart([Curves(name="a", runs=runs)], [("dev", "accuracy")])
    assert found
    assert found.rows == (("10", "62.5"), ("20", "75.0"))


def test_a_folder_without_a_log_has_no_curve(tmp_path: Path) -> None:
    assert curve_of(tmp_path) is None
