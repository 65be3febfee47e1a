"""Finished runs whose trained model is to be held against the one they started from. Light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from bertkit.errors import RequestError
from bertkit.models.digests import files_digest, weights_digest
from bertkit.result import Result
from bertkit.runs.folder import MODEL, SPEC, read_result, read_spec
from bertkit.spec import Spec


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that was trained to its end, and has its model.

    label  how tables and figures name it, beside others
    """

    folder: Path
    spec: Spec
    result: Result
    label: str

    @cached_property
    def digest(self) -> str:
        """Of everything that a measurement of its model on its own rows depends on, but for our code."""
        model = self.folder / MODEL
        rows = {name: (count.digest, count.used) for name, count in sorted(self.result.rows.items())}
        return f"{self.spec.digest} {weights_digest(model)} {files_digest(model)} {rows}"


def finished_runs(folders: Sequence[Path]) -> tuple[FinishedRun, ...]:
    """The runs in these folders, all of one task, named "pretrained" and "scratch" as far as that tells them apart.

    Raises RequestError for a folder that is no run on a task, is not finished, has no model, or is named twice; and
    where the tasks of two differ.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise RequestError("analyse landscape: one of the runs is named twice")
    found = [_finished(folder) for folder in folders]
    for (path, spec, _), (other, theirs, _) in pairwise(found):
        if spec.task.name != theirs.task.name:
            raise RequestError(
                f"{path} is a run on {spec.task.name} and {other} one on {theirs.task.name}: losses of different tasks "
                "cannot be compared; name runs of one task"
            )
    labels = _labels([spec for _, spec, _ in found])
    return tuple(
        FinishedRun(folder=path, spec=spec, result=result, label=label)
        for (path, spec, result), label in zip(found, labels, strict=True)
    )


def _finished(folder: Path) -> tuple[Path, Spec, Result]:
    if not folder.is_dir():
        raise RequestError(f"{folder}: there is no such folder of a run")
    if not (folder / SPEC).is_file():
        raise RequestError(f"{folder} is not a run's folder: it has no {SPEC}")
    spec = read_spec(folder)
    result = read_result(folder)
    if result is None:
        raise RequestError(f"{folder} is not finished: `bertkit resume {folder}` first")
    if not (folder / MODEL).is_dir():
        trial = " (a trial of a search keeps none)" if spec.trial else ""
        raise RequestError(f"{folder} has no {MODEL} folder{trial}: its trained weights are needed")
    return folder, spec, result


def _labels(specs: Sequence[Spec]) -> list[str]:
    """A short name for each: its kind, and its seed or place where several are of one kind."""
    kinds = ["scratch" if spec.scratch else "pretrained" for spec in specs]
    seeded = [f"{kind} s{spec.seed}" for kind, spec in zip(kinds, specs, strict=True)]
    placed = [f"{kind} {chr(65 + k)}" for k, kind in enumerate(kinds)]
    return next((names for names in (kinds, seeded) if len(set(names)) == len(names)), placed)
