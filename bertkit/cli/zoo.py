"""The command `bertkit zoo`, and the function of that name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.cli.zoo_screen import markdown, print_zoo
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.keywords import Target, named
from bertkit.request.option import DATA, OUTPUT, Option
from bertkit.studies.zoo import OwnModel, Zoo
from bertkit.studies.zoo import zoo as gathered

ENDINGS = (".png", ".svg")


@dataclass(frozen=True, kw_only=True)
class ZooFlags:
    """The flags of `bertkit zoo`."""

    runs: Annotated[
        list[Path] | None,
        Option("--runs", DATA, "A run's folder, or a folder of runs, shown beside them by size; again for others."),
    ] = None
    markdown: Annotated[bool, Option("--markdown", OUTPUT, "Print Markdown to stdout, with every source.")] = False
    plot: Annotated[Path | None, Option("--plot", OUTPUT, "Draw parameters by year, to this file: .png or .svg.")] = (
        None
    )


def show(flags: ZooFlags, display: Display) -> int:
    """List published models from ELMo to ModernBERT: year, parameters, data, objective and GLUE score, each cited.

    Parameters are counted by transformers where it has the configuration; facts that were not found are blank.
    """
    if flags.markdown and display.json:
        raise RequestError("--markdown and --json: give one of them")
    found = made(flags.runs or [], flags.plot)
    if display.json:
        screen.print_json({**found.plain(), "figure": flags.plot and str(flags.plot)})
        return 0
    if flags.markdown:
        print(markdown(found))
    else:
        print_zoo(found)
    figure = [f"figure: {flags.plot}"] if flags.plot else []
    screen.print_lines([*found.left_out, *figure], quiet=False)
    return 0


def zoo(*, runs: Target | Iterable[Target] = (), plot: Target | None = None) -> Zoo:
    """Published models, and the finished runs of folders beside them: `bertkit zoo`.

    Returns the models with every fact's source, and the runs by size; `plot` draws them to a .png or .svg file. Raises
    BertkitError.
    """
    several = runs if isinstance(runs, Iterable) and not isinstance(runs, str | bytes | os.PathLike) else [runs]
    folders = [Path(named("runs", one)) for one in several]
    return made(folders, None if plot is None else Path(named("plot", plot)))


def made(folders: list[Path], plot: Path | None) -> Zoo:
    """The zoo with the runs of these folders, drawn if asked. Raises RequestError, before anything is written."""
    if plot is not None:
        _check_plot(plot)
    found = gathered([expanded(str(folder)) for folder in folders])
    if plot is not None:
        from bertkit.plots.zoo import draw_zoo

        draw_zoo(found.models, list(_points(found)), plot)
    return found


def _check_plot(path: Path) -> None:
    if path.suffix.lower() not in ENDINGS:
        raise RequestError(f"--plot {path}: its name must end in {' or '.join(ENDINGS)}")
    if path.is_dir():
        raise RequestError(f"--plot {path}: it is a folder; name the file to write")
    if not path.absolute().parent.is_dir():
        raise RequestError(f"--plot {path}: there is no folder {path.absolute().parent}")


def _points(found: Zoo) -> Iterator[tuple[str, int]]:
    """A point for each encoder of the runs: its name with the task and score, or with how many runs it has.

    Sizes of one encoder differ by its heads: the first two digits tell them apart.
    """
    grouped: dict[tuple[str, str], list[OwnModel]] = {}
    for run in found.runs:
        if run.parameters is not None:
            grouped.setdefault((run.name, f"{run.parameters:.1e}"), []).append(run)
    for (name, _), runs in grouped.items():
        one = runs[0]
        score = "" if one.score is None else f" {screen.percent(one.score)}"
        what = f"{one.task}{score}" if len(runs) == 1 else f"{sum(len(run.folders) for run in runs)} runs"
        yield f"{name}, {what}", one.parameters or 0
