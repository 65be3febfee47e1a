"""What `bertkit analyse landscape` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertkit.cli import screen
from bertkit.cli.analyse_screen import print_files, print_heading, print_table
from bertkit.machine.processes import first
from bertkit.spec import to_plain

if TYPE_CHECKING:
    from bertkit.analysis.landscape import Landscape, LandscapeRequest, RolledBack, RunLandscape
    from bertkit.result import Score


def print_landscape(found: Landscape, request: LandscapeRequest, as_json: bool) -> None:
    """Print tables, what is told of the runs and where the files are, or JSON."""
    from bertkit.analysis.landscape_files import files_of

    files = files_of(request)
    if as_json:
        figures = [str(path) for pair in files.figures.values() for path in pair]
        screen.print_json({**to_plain(found), "told": found.sentences(), "figures": figures})
    elif first():
        _print_line(found)
        _print_rises(found)
        _print_groups(found)
        print_files(list(files.figures.values()), files.numbers)


def _print_line(found: Landscape) -> None:
    run = found.runs[0]
    marks = dict.fromkeys(mark for one in found.runs for mark in one.marks)
    print_heading(
        f"{found.task} · training loss from initial (0) to trained weights (1) · {run.rows:,} train rows", list(marks)
    )
    for one in found.runs:
        screen.print_below(f"{one.label}: {one.folder}")
    rows = [
        [one.label, *(f"{end.value:.3f}" for end in one.line.ends), _width(one), f"{one.line.distance:.3f}"]
        for one in found.runs
    ]
    print_table(("RUN", "LOSS AT 0", "AT 1", "WIDTH IN ALPHA [95 %]", "MOVED"), rows)
    fraction = 100 * run.line.fraction
    screen.print_below(f"width: of the interval around 1 where the loss is up to {fraction:g} % of its")
    screen.print_below("drop above that at 1; moved: |trained - initial| / |initial| of all weights")
    for line in found.of_width():
        screen.print_below(line)


def _width(run: RunLandscape) -> str:
    if run.line.width is None:
        return "none"
    return f"{'>' if run.line.open else ''}{_numbers(run.line.width)}"


def _print_rises(found: Landscape) -> None:
    rows = [
        [one.label, f"{one.line.ends[1].value:.3f}", _numbers(one.rise.rise), f"{max(one.rise.each):.3f}"]
        for one in found.runs
        if one.rise
    ]
    if rows and (rise := found.runs[0].rise):
        title = f"Rise of the loss in {rise.draws} random directions of relative size {rise.epsilon:g}"
        print_heading(f"\n{title}, filter by filter")
        print_table(("RUN", "LOSS AT 1", "MEAN RISE [95 %]", "MOST"), rows)
    for line in found.of_rise():
        screen.print_below(line)


def _print_groups(found: Landscape) -> None:
    from bertkit.analysis.landscape import told_of_groups

    run = found.runs[0]
    scores = f" and {screen.METRIC_TITLES.get(run.metric, run.metric)} on {run.evaluation}" if run.metric else ""
    print_heading(f"\nLayers set back to initial weights, not the head: loss{scores}")
    names = ["SET BACK", "LAYERS", "LOSS [95 %]", *(["SCORE", "CHANGE [95 %]"] if run.metric else [])]
    for one in found.runs:
        if len(found.runs) > 1:
            screen.console().print(f"{one.label}{f', {one.scored:,} scored rows' if one.scored else ''}")
        print_table(names, [_group(group)[: len(names)] for group in one.groups], left=(0, 1))
        screen.print_below(told_of_groups(one))


def _group(one: RolledBack) -> list[str]:
    score = screen.percent(one.score.value) if one.score else ""
    name = "nothing" if not one.layers else one.name
    return [name, one.layers, _numbers(one.loss), score, _change(one.score_change)]


def _change(change: Score | None) -> str:
    if change is None:
        return ""
    value, low, high = (f"{100 * one:+.1f}" for one in (change.value, change.low, change.high))
    return f"{value} [{low}, {high}]"


def _numbers(score: Score) -> str:
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
