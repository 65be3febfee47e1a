"""The zoo: published models, and finished runs beside them by size and score. Light."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from bertkit import registry
from bertkit.errors import BertkitError, RequestError
from bertkit.pretraining import is_pretraining
from bertkit.published import Cited, Glue, PublishedModel, Reference
from bertkit.result import Result
from bertkit.runs.folder import RESULT, SPEC, read_result
from bertkit.spec import MODEL_FOLDER

BLANK = "blank: not found"
BACKUP = re.compile(r"\.before(-\d+)?$")
SHOWN = 3
"""Damaged runs that are named."""


@dataclass(frozen=True, kw_only=True)
class OwnModel:
    """The finished runs of one spec, over its seeds.

    parameters  of the network with its head; None where the result does not say it
    score       the mean of the headline metric, a fraction or a correlation; None where no evaluation was scored
    marks       why the score is not a benchmark score, or why a run is taken for a failed one
    """

    name: str
    task: str
    parameters: int | None
    metric: str | None
    score: float | None
    folders: tuple[Path, ...]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """Published models in the order of their publication, the works they are cited from, and runs by size.

    left_out  what the folders hold besides finished runs, counted, a line a folder
    """

    models: tuple[PublishedModel, ...]
    references: Mapping[str, Reference]
    runs: tuple[OwnModel, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def cited(self) -> dict[str, Reference]:
        """The works that at least one fact is cited from, in the order of the first."""
        keys = dict.fromkeys(one.source for model in self.models for one in model.cells.values() if one)
        return {key: self.references[key] for key in keys}

    def plain(self) -> dict[str, Any]:
        """The zoo for JSON: every fact with its source."""
        return {
            "models": [_plain_model(one) for one in self.models],
            "sources": {key: asdict(one) for key, one in self.cited.items()},
            "runs": [{**asdict(one), "folders": [str(folder) for folder in one.folders]} for one in self.runs],
            "left_out": list(self.left_out),
        }


def zoo(folders: Sequence[Path] = ()) -> Zoo:
    """The published models of every pack, and the finished runs of these folders. Raises RequestError."""
    found, left_out = dict[Path, tuple[Path, Result]](), list[str]()
    for folder in folders:
        runs, line = _finished(folder)
        found |= {one[0].resolve(): one for one in runs}
        left_out += [line] if line else []
    groups, copies = _grouped(list(found.values()))
    if copies:
        left_out.append(f"left out {copies} with the options and the seed of another")
    own = sorted(map(_own, groups), key=lambda one: (one.parameters or 0, one.name, one.task))
    return Zoo(models=registry.models(), references=registry.references(), runs=tuple(own), left_out=tuple(left_out))


def _finished(folder: Path) -> tuple[list[tuple[Path, Result]], str]:
    """The finished runs of a run's folder or of a folder of runs, and a line that counts what else is there."""
    if not folder.is_dir():
        raise RequestError(f"--runs {folder}: there is no such folder")
    own = (folder / SPEC).is_file() or (folder / RESULT).is_file()
    below = [folder] if own else sorted(path for path in folder.iterdir() if not BACKUP.search(path.name))
    runs, others, damaged = list[tuple[Path, Result]](), Counter[str](), list[str]()
    for path in below:
        if not (path / RESULT).is_file():
            others["not finished"] += (path / SPEC).is_file()
        elif is_pretraining(path):
            others["of pretraining, without a task"] += 1
        else:
            try:
                runs.append((path, _read(path)))
            except BertkitError as error:
                damaged.append(str(error))
    counts = [f"{count} {what}" for what, count in others.items() if count]
    if damaged:
        more = f"; and {len(damaged) - SHOWN} more" if len(damaged) > SHOWN else ""
        counts.append(f"{len(damaged)} that cannot be read ({'; '.join(damaged[:SHOWN])}{more})")
    line = f"{folder}: left out {', '.join(counts)}" if counts else ""
    if not runs:
        there = f"{', '.join(counts)}" if counts else "no run at all"
        raise RequestError(f"--runs {folder}: it holds no finished run: {there}")
    return runs, line


def _read(folder: Path) -> Result:
    try:
        result = read_result(folder)
    except OSError as error:
        raise RequestError(f"{folder / RESULT}: {error.strerror}") from error
    assert result
    if (headline := result.headline) and not isfinite(headline[1].value):
        raise RequestError(f"{folder / RESULT} is damaged: its score is not finite")
    return result


def _grouped(found: Sequence[tuple[Path, Result]]) -> tuple[list[list[tuple[Path, Result]]], int]:
    """By spec but for its seed a run of each seed, the first that was found; and how many further ones there are."""
    grouped: dict[str, dict[int, tuple[Path, Result]]] = {}
    for folder, result in found:
        grouped.setdefault(replace(result.spec, seed=0).digest, {}).setdefault(result.spec.seed, (folder, result))
    groups = [list(seeds.values()) for seeds in grouped.values()]
    return groups, len(found) - sum(map(len, groups))


def _own(group: Sequence[tuple[Path, Result]]) -> OwnModel:
    spec = group[0][1].spec
    scores = [one for _, result in group if (one := result.headline)]
    sizes = [size for _, result in group if isinstance(size := result.encoder.get("parameters"), int) and size > 0]
    failed = ["failed" for _, result in group if result.failures]
    return OwnModel(
        name=f"{_name(spec.model)}{', scratch' if spec.scratch else ''}",
        task=spec.task.name,
        parameters=sizes[0] if sizes else None,
        metric=scores[0][0] if scores else None,
        score=fmean(score.value for _, score in scores) if scores else None,
        folders=tuple(folder for folder, _ in group),
        marks=tuple(dict.fromkeys([*(mark for _, result in group for mark in result.marks), *failed])),
    )


def _name(model: str) -> str:
    """The last part of a Hub id or a path; of a run's model, that of the run."""
    path = Path(model)
    return (path.parent.name if path.name == MODEL_FOLDER else path.name) or model


def _plain_model(model: PublishedModel) -> dict[str, Any]:
    cells = {name: _plain_cell(one) for name, one in model.cells.items()}
    if model.counted:
        cells["parameters"]["counted"] = asdict(model.counted)
    return {"name": model.name, **cells}


def _plain_cell(cell: Cited[Any] | None) -> dict[str, Any]:
    if cell is None:
        return {"value": None, "note": BLANK}
    plain = {"value": cell.value, "source": cell.source, "at": cell.at}
    if isinstance(cell, Glue):
        plain |= {"kind": cell.kind, **({"tasks": dict(cell.tasks)} if cell.tasks else {})}
    return plain
