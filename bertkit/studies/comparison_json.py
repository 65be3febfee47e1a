"""A comparison of arms as JSON: its verdicts as they are said, which runs failed, how the arms differ and were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bertkit.request.typed_command import commands_of
from bertkit.result import Result
from bertkit.runs.folder import read_result
from bertkit.spec import to_plain
from bertkit.studies.arms import Arm, differences
from bertkit.studies.verdict import Verdict
from bertkit.studies.verdict_lines import lines


def plain_of(arms: Sequence[Arm], found: Sequence[Verdict]) -> dict[str, Any]:
    """The verdicts on these arms, and all that is said beside them."""
    return {
        "verdicts": [plain_verdict(one) for one in found],
        "failures": [
            {"arm": arm.name, "task": task, "seed": seed, **to_plain(failure)}
            for arm in arms
            for (task, seed), failures in arm.failures.items()
            for failure in failures
        ],
        "differences": differing(arms),
        "made": [made for arm in arms for made in _made_of_arm(arm)],
    }


def plain_verdict(verdict: Verdict) -> dict[str, Any]:
    """The verdict with its lines, the first of which is its sentence."""
    said = lines(verdict)
    return {"sentence": said[0], "lines": said, **verdict.plain()}


def differing(arms: Sequence[Arm]) -> list[str]:
    """In which fields the specs of each arm differ from the first one's, a line a task."""
    found = []
    for arm in arms[1:]:
        for task in arm.specs.keys() & arms[0].specs.keys():
            if fields := differences(arms[0].specs[task], arm.specs[task]):
                found.append(f"{arms[0].name} and {arm.name} differ in {'; '.join(fields[:6])}")
    return found


def made_of(arm: str, task: str, folders: Sequence[Path]) -> dict[str, Any]:
    """How an arm's runs on a task were made: the commands, the machine, the seconds of training, and the versions."""
    results = [_result(folder) for folder in folders]
    machines = [f"{one.device}, {one.precision}, {one.training.layout}" for one in results]
    return {
        "arm": arm,
        "task": task,
        "commands": commands_of([(one.spec, folder) for one, folder in zip(results, folders, strict=True)]),
        "machines": list(dict.fromkeys(machines)),
        "seconds of training": sum(one.training.seconds for one in results),
        "versions": dict(results[0].versions),
    }


def _made_of_arm(arm: Arm) -> Iterator[dict[str, Any]]:
    for task in arm.specs:
        parts = [part for part in arm.parts.values() if part.task == task]
        if parts:
            yield made_of(arm.name, task, [run.source for run in parts[0].runs])


def _result(folder: Path) -> Result:
    found = read_result(folder)
    assert found, folder
    return found
