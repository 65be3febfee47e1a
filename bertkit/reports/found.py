"""What a folder holds that a report can be made of: a run, runs in arms by task and spec, or a comparison. Light."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bertkit import registry
from bertkit.errors import RequestError, one_line
from bertkit.result import Finished
from bertkit.runs.folder import FAILED, RESULT, damage_named, read_result, read_spec
from bertkit.spec import SPEC_FILE, Spec, to_plain

COMPARE = "compare.json"
PRETRAIN_VS_SCRATCH = "pretrain-vs-scratch"
SHOWN = 5
"""Folders that an error names."""

BACKUP = re.compile(r"\.before(-\d+)?$")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """The runs of one spec, by seed.

    ended  runs whose training failed, by their seeds, with why
    """

    spec: Spec
    runs: tuple[Finished, ...]
    ended: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a folder holds: `arms` of finished runs, or a comparison's JSON.

    notes  what is left out of the report, and why
    """

    folder: Path
    arms: tuple[Arm, ...] = ()
    comparison: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


def find(folder: Path) -> Found:
    """What the folder holds. Raises RequestError if it is nothing of that, unfinished or damaged."""
    if not folder.exists():
        raise RequestError(f"{folder} does not exist: name a run's folder, a folder of runs, or a comparison's")
    if (folder / SPEC_FILE).is_file():
        return Found(folder=folder, arms=(_run(folder),))
    if (folder / COMPARE).is_file():
        return Found(folder=folder, comparison=_comparison(folder / COMPARE))
    if folder.is_dir():
        return _runs(folder)
    raise RequestError(f"{folder} is a file: name a run's folder, a folder of runs, or a comparison's")


def _run(folder: Path) -> Arm:
    spec = read_spec(folder)
    result = read_result(folder)
    if result is None:
        raise RequestError(f"{folder} has not finished: {_how_to_finish(folder)}")
    return Arm(spec=spec, runs=(Finished(folder=folder, result=result, before=True),), ended={})


def _how_to_finish(folder: Path) -> str:
    if (folder / FAILED).is_file():
        return f"its training failed, {folder / FAILED} says at which update"
    return f"`bertkit resume {folder}` finishes it"


def _runs(folder: Path) -> Found:
    """The runs below a folder. Raises RequestError if there are none, or one has not finished."""
    below = sorted(path for path in folder.iterdir() if (path / SPEC_FILE).is_file() and not BACKUP.search(path.name))
    pretraining = [path for path in below if _pretrains(path)]
    runs = [path for path in below if path not in pretraining]
    if not runs:
        raise RequestError(f"{folder} is neither a run's folder nor a comparison's, and holds no run with a task")
    unfinished = [path for path in runs if not (path / RESULT).is_file() and not (path / FAILED).is_file()]
    if unfinished:
        named = ", ".join(path.name for path in unfinished[:SHOWN])
        more = f" and {len(unfinished) - SHOWN} more" if len(unfinished) > SHOWN else ""
        what = f"{len(unfinished)} runs have" if len(unfinished) > 1 else "one run has"
        raise RequestError(f"{folder}: {what} not finished ({named}{more}): `bertkit resume` finishes them")
    left_out = f"{len(pretraining)} pretraining run{'s' * (len(pretraining) > 1)} left out: no task is scored there"
    return Found(folder=folder, arms=tuple(_arms(runs)), notes=(left_out,) if pretraining else ())


def _pretrains(folder: Path) -> bool:
    """Whether it is a pretraining run's, whose result is of another kind."""
    from bertkit.pretraining import PRETRAINING

    with damage_named(folder / SPEC_FILE):
        return PRETRAINING in json.loads((folder / SPEC_FILE).read_text("utf-8"))
    raise AssertionError


def _arms(folders: list[Path]) -> Iterator[Arm]:
    """The runs grouped by their specs without the seed: in the order of the registry's tasks, then by name."""
    grouped: dict[str, list[tuple[Spec, Path]]] = {}
    for folder in folders:
        spec = read_spec(folder)
        grouped.setdefault(replace(spec, seed=0).digest, []).append((spec, folder))
    order = {task.name: place for place, task in enumerate(registry.tasks())}
    groups = [sorted(group, key=lambda one: one[0].seed) for group in grouped.values()]
    for group in sorted(groups, key=lambda g: (order.get(g[0][0].task.name, len(order)), g[0][1].name)):
        runs, ended = [], {}
        for spec, folder in group:
            result = read_result(folder)
            if result is None:
                ended[spec.seed] = _failure(folder / FAILED)
            else:
                runs.append(Finished(folder=folder, result=result, before=True))
        yield Arm(spec=group[0][0], runs=tuple(runs), ended=ended)


def _failure(path: Path) -> str:
    with damage_named(path):
        plain = json.loads(path.read_text("utf-8"))
        step = plain.get("step")
        return f"training failed{f' at update {step:,}' if isinstance(step, int) else ''}: {path} says why"
    raise AssertionError


def _comparison(path: Path) -> Mapping[str, Any]:
    try:
        plain = json.loads(path.read_text("utf-8"))
        kind = plain["comparison"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged: {one_line(error, 200)}") from error
    if kind != PRETRAIN_VS_SCRATCH and "verdicts" not in plain:
        raise RequestError(f"{path.parent}: there is no report of the comparison {kind}; {path} holds its numbers")
    found: Mapping[str, Any] = plain
    return found


def differing(arms: tuple[Arm, ...]) -> list[dict[str, str]]:
    """For each arm, the fields of its spec that differ from those of other arms of its task, with their values."""
    plain = [_flat(to_plain(replace(arm.spec, seed=0))) for arm in arms]
    found = []
    for arm, own in zip(arms, plain, strict=True):
        others = [one for other, one in zip(arms, plain, strict=True) if other.spec.task.name == arm.spec.task.name]
        names = [name for name in own if any(own[name] != other.get(name) for other in others)]
        shown = [name for name in names if not name.startswith("task.")]
        found.append({name.rpartition(".")[2].replace("_", " "): _value_text(own[name]) for name in shown})
    return found


def _value_text(value: Any) -> str:
    return {None: "none", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)


def _flat(plain: Any, before: str = "") -> dict[str, Any]:
    if not isinstance(plain, dict):
        return {before.removesuffix("."): plain}
    return {name: value for key, inner in plain.items() for name, value in _flat(inner, f"{before}{key}.").items()}
