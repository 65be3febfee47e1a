"""The files of a landscape: numbers, from which it is read again, and figures."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bertkit.analysis.landscape import Landscape, LandscapeRequest
from bertkit.analysis.places import analysis_path, figure_files, write_numbers
from bertkit.plots.landscape import BackBar, LossCurve, Plane, draw_back, draw_lines, draw_planes
from bertkit.spec import to_plain

WHAT = "landscape"
ASKED, FOUND = "asked", "found"


@dataclass(frozen=True, kw_only=True)
class LandscapeFiles:
    """The folder of a landscape, its numbers, and the PNG and SVG of each figure."""

    folder: Path
    numbers: Path
    figures: dict[str, tuple[Path, Path]]

    @property
    def are_there(self) -> bool:
        """Whether none is missing."""
        return self.numbers.is_file() and all(path.is_file() for pair in self.figures.values() for path in pair)


def files_of(request: LandscapeRequest) -> LandscapeFiles:
    """Where the landscape of these runs, measured so, is written."""
    name = f"{request.runs[0].spec.task.name}-{'-'.join(run.label.replace(' ', '-') for run in request.runs)}"
    folder = analysis_path(request.out, WHAT, name, request.asked)
    names = ["line", "rollback", *(["surface"] if request.sizes.surface else [])]
    return LandscapeFiles(
        folder=folder, numbers=folder / f"{WHAT}.json", figures={one: figure_files(folder, one) for one in names}
    )


def written(request: LandscapeRequest) -> Landscape | None:
    """The landscape as it was written before; None if any of its files is missing or damaged, or of something else."""
    from pydantic import TypeAdapter

    files = files_of(request)
    with suppress(OSError, ValueError, KeyError, TypeError):
        plain = json.loads(files.numbers.read_text("utf-8"))
        if files.are_there and plain[ASKED] == _plain(request.asked):
            return TypeAdapter(Landscape).validate_python(plain[FOUND])
    return None


def drawn(request: LandscapeRequest, found: Landscape) -> Landscape:
    """Write the figures, then the numbers; returns the landscape."""
    files = files_of(request)
    title = f"{found.task} · {found.runs[0].rows:,} train rows"
    draw = {"line": partial(draw_lines, _curves(found)), "rollback": partial(draw_back, _bars(found), _metric(found)),
            "surface": partial(draw_planes, _planes(found))}  # fmt: skip
    files.folder.mkdir(parents=True, exist_ok=True)
    for name, paths in files.figures.items():
        draw[name](title, paths)
    write_numbers(files.folder, WHAT, {ASKED: request.asked, FOUND: to_plain(found), "told": found.sentences()})
    return found


def _plain(asked: dict[str, Any]) -> Any:
    return json.loads(json.dumps(asked))


def _curves(found: Landscape) -> list[LossCurve]:
    return [
        LossCurve(
            label=run.label, is_scratch=run.scratch, alphas=run.line.alphas,
            losses=tuple(one.value for one in run.line.losses), low=tuple(one.low for one in run.line.losses),
            high=tuple(one.high for one in run.line.losses), level=_level(run.line.ends, run.line.fraction),
        )
        for run in found.runs
    ]  # fmt: skip


def _level(ends: Any, fraction: float) -> float:
    start, end = ends
    return float(end.value + fraction * (start.value - end.value))


def _bars(found: Landscape) -> list[BackBar]:
    return [
        BackBar(run=run.label, is_scratch=run.scratch, name=f"{one.name}\n{one.layers}", loss=one.loss, score=one.score)
        for run in found.runs
        for one in run.groups
    ]


def _metric(found: Landscape) -> str | None:
    run = found.runs[0]
    return f"{run.metric} on {run.evaluation}" if run.metric else None


def _planes(found: Landscape) -> list[Plane]:
    return [
        Plane(label=run.label, alphas=run.surface.alphas, betas=run.surface.betas, losses=run.surface.losses)
        for run in found.runs
        if run.surface
    ]
