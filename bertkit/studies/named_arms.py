"""The arms that were named to be compared: each by a path, a run's, a folder's or a file's, and with a short name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bertkit.errors import RequestError, UnknownNameError
from bertkit.evaluation.metrics import METRICS
from bertkit.studies.answer_files import arms_of_files, read_answers
from bertkit.studies.arms import Answers, Arm, Part, arm_of_runs


def arms_of(
    paths: Sequence[Path], all_seeds: bool = False, metric: str | None = None, evaluation: str | None = None
) -> list[Arm]:
    """The arms at these paths, in their order. Raises RequestError where one cannot be read.

    A file answers the evaluation of the runs that has its ids, or the one called `evaluation`.
    """
    if metric is not None and metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS, f"there are {', '.join(METRICS)}")
    names = short_names(paths)
    runs = [arm_of_runs(path, names[path], all_seeds) for path in paths if path.is_dir()]
    files = {names[path]: read_answers(path) for path in paths if not path.is_dir()}
    found = {arm.name: arm for arm in runs}
    if files:
        like = _answered(runs, files, evaluation) if runs else None
        found |= arms_of_files(files, like, metric)
    return [found[names[path]] for path in paths]


def short_names(paths: Sequence[Path]) -> dict[Path, str]:
    """A name for each path: its last parts, as many as tell them apart."""
    parts = {path: path.absolute().parts for path in paths}
    for count in range(1, max(map(len, parts.values())) + 1):
        names = {path: "/".join(part[-count:]) for path, part in parts.items()}
        if len(set(names.values())) == len(paths):
            return names
    return {path: str(path) for path in paths}


def _answered(runs: Sequence[Arm], files: dict[str, Answers], evaluation: str | None) -> Part:
    """The evaluation of the first run that the files answer: that with their ids, or the only one."""
    parts = [part for part in runs[0].parts.values() if evaluation in (None, part.evaluation)]
    ids = next(iter(files.values())).values.keys()
    fitting = [part for part in parts if part.runs[0].golds.keys() == ids] or parts
    if len(fitting) != 1:
        listed = ", ".join(part.evaluation for part in fitting) or "none"
        raise RequestError(f"which evaluation do the files answer? name it with --evaluation: {listed}")
    return fitting[0]
