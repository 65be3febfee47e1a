"""Folders of finished runs with given answers: what a comparison reads of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from files import json_lines, write

from bertkit import registry
from bertkit.files import write_json
from bertkit.result import Failure, Result, Score, Scored, Training
from bertkit.runs.folder import PREDICTIONS, SPEC, write_result
from bertkit.spec import Spec, to_plain

TRAINED = Training(steps=1, examples=1, tokens=1, seconds=0.1, loss=0.5)


def answered(
    below: Path, golds: Sequence[Any], answers: Sequence[Any], finished: bool = True, first: int = 0, **fields: Any
) -> Path:
    """A run of sst2 below a folder, that answered these rows of dev, the first of which is called `first`."""
    spec = replace(Spec(task=registry.find("sst2"), model="org/tiny", data="here"), **fields)
    return answered_on(below, spec, {"dev": (golds, answers)}, finished, first)


def answered_on(
    below: Path,
    spec: Spec,
    parts: Mapping[str, tuple[Sequence[Any], Sequence[Any]]],
    finished: bool = True,
    first: int = 0,
    failures: tuple[Failure, ...] = (),
) -> Path:
    """A run of this spec with its golds and answers, by evaluation."""
    folder = below / spec.folder_name
    folder.mkdir(parents=True)
    write_json(folder / SPEC, to_plain(spec))
    lines = [
        {"evaluation": name, "row_id": str(first + k), "answer": answer, "scores": {}, "gold": gold}
        for name, (golds, answers) in parts.items()
        for k, (gold, answer) in enumerate(zip(golds, answers, strict=True))
    ]
    write(folder / PREDICTIONS, json_lines(*lines))
    if finished:
        score = Score(value=0.5, low=0.4, high=0.6)
        scored = tuple(
            Scored(name=one.name, split=one.split, rows=len(lines), metrics=dict.fromkeys(one.metrics, score))
            for one in spec.task.evaluations
        )
        write_result(folder, Result(spec=spec, evaluations=scored, rows={}, training=TRAINED, device="cpu",
                                    precision="fp32", encoder={}, versions={}, failures=failures))  # fmt: skip
    return folder


def wrong_on(golds: Sequence[str], rows: Sequence[int]) -> list[str]:
    """The golds of sst2, but for these rows."""
    other = {"negative": "positive", "positive": "negative"}
    return [other[gold] if k in set(rows) else gold for k, gold in enumerate(golds)]
