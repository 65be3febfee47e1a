"""The command `bertkit report RUN|FOLDER|COMPARISON`, and the function of that name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.errors import RequestError
from bertkit.request.keywords import Target, checked, named
from bertkit.request.option import OUTPUT, Option


@dataclass(frozen=True, kw_only=True)
class ReportFlags:
    """The flags of `bertkit report`."""

    out: Annotated[
        Path | None, Option("--out -o", OUTPUT, "The file that is written. [default: report.html in the folder]")
    ] = None
    worst: Annotated[int, Option("--worst", OUTPUT, "Errors that are shown with their texts, at most.")] = 50


def show(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A run's folder, a folder of runs, or a comparison's.")
    ],
    flags: ReportFlags,
    display: Display,
) -> int:
    """Write one HTML page of a run, of runs, or of a comparison: scores, curves, errors, rows and the command."""
    path = written(folder, flags)
    size = path.stat().st_size
    if display.json:
        screen.print_json({"report": str(path), "bytes": size})
    else:
        screen.console().print(f"report: {path} ({size / 1000:,.0f} kB)", soft_wrap=True)
    return 0


def report(folder: Target, *, out: Target | None = None, worst: int = 50) -> Path:
    """Write one HTML page of a run's folder, of a folder of runs, or of a comparison's: `bertkit report`.

    Returns its path: `out`, else report.html in the folder. Raises BertkitError.
    """
    path = None if out is None else Path(named("out", out))
    return written(Path(named("folder", folder)), ReportFlags(out=path, worst=checked("worst", int, worst)))


def written(folder: Path, flags: ReportFlags) -> Path:
    """Write the report of a folder. Raises RequestError, before anything heavy is loaded where it can."""
    from bertkit.reports.found import find
    from bertkit.reports.place import place_of

    if flags.worst < 0:
        raise RequestError(f"--worst {flags.worst}: it cannot be negative")
    found = find(folder)
    path = place_of(folder, flags.out)
    from bertkit.reports.page import write_report

    return write_report(found, path, flags.worst)
