"""Finished runs on the shipped sample, written without training: what a report reads of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from files import json_lines, write

from bertkit import registry
from bertkit.data.splits import read_splits
from bertkit.files import write_json
from bertkit.heads import Answer
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.result import Result, Score, Scored, Training
from bertkit.runs.folder import LOG, PREDICTIONS, SPEC, write_result
from bertkit.spec import Spec, to_plain

Answering = Callable[[int, Mapping[str, Any], Any], Answer]
"""(the row's place, the row, its gold) -> the answer."""

UPDATES = 6


def run(below: Path, spec: Spec, answering: Answering, **changes: Any) -> Path:
    """The folder of a run with these answers; `changes` are of its result."""
    folder = below / spec.folder_name
    folder.mkdir(parents=True)
    write_json(folder / SPEC, to_plain(spec))
    splits, lines, scored = read_splits(spec), list[Any](), []
    for one in spec.task.scored:
        rows = splits.evaluations[one.name]
        assert not isinstance(rows, str)
        for place, row in enumerate(rows.table):
            gold = splits.head.gold(row)
            answer = answering(place, row, gold)
            lines.append({"evaluation": one.name, "row_id": row["row_id"], "answer": answer.value,
                          "scores": dict(answer.scores), "gold": gold})  # fmt: skip
        metrics = {name: Score(value=0.75, low=0.5, high=0.875, interval="Wilson") for name in one.metrics}
        scored.append(Scored(name=one.name, split=one.split, rows=len(rows), metrics=metrics))
    write(folder / PREDICTIONS, json_lines(*lines))
    write(folder / LOG, json_lines(*log(spec)))
    write_result(folder, replace(_result(spec, scored, splits.counts({})), **changes))
    return folder


def log(spec: Spec, updates: int = UPDATES) -> list[dict[str, Any]]:
    """A falling loss, and a score of the first evaluation halfway and at the end."""
    first = spec.task.scored[0]
    lines: list[dict[str, Any]] = [
        {"step": step, "loss": 1 / step, "learning_rate": 1e-4, "seconds": 0.1 * step} for step in range(1, updates + 1)
    ]
    for step, value in ((updates // 2, 0.5), (updates, 0.75)):
        lines.append({"step": step, "score": {first.name: dict.fromkeys(first.metrics, value)}})
    return lines


def _result(spec: Spec, scored: list[Scored], rows: Any) -> Result:
    return Result(
        spec=spec,
        evaluations=tuple(scored),
        rows=rows,
        training=Training(steps=UPDATES, examples=60, tokens=1_200, seconds=3.0, loss=1 / UPDATES),
        device="cpu, 1 thread",
        precision="fp32",
        encoder={"weights": "0123456789abcdef0123", "parameters": 1_234_567},
        versions={"bertkit": "0.1.0", "torch": "2.13.0"},
    )


def sample(name: str, **flags: Any) -> Spec:
    """The spec of a task on its sample."""
    return replace(spec_of(registry.find(name), Flags(sample=True, **flags)), device="cpu", precision="fp32")


def one_wrong_in_four(place: int, row: Mapping[str, Any], gold: Any) -> Answer:
    """Of labels: every fourth answer is wrong, and surer the later it comes."""
    names = LABELS[gold]
    wrong = next(name for name in names if name != gold)
    share = 0.6 + place / 1_000
    value = wrong if place % 4 == 0 else gold
    return Answer(value=value, scores={name: share if name == value else 1 - share for name in names})


LABELS = {name: pair for pair in (("negative", "positive"), ("not_equivalent", "equivalent")) for name in pair}


def half_too_much(place: int, row: Mapping[str, Any], gold: float) -> Answer:
    """Of numbers: the first is 1.25 too high, the others right."""
    return Answer(value=gold + 1.25 * (place == 0))


def first_word_wrong(place: int, row: Mapping[str, Any], gold: list[str]) -> Answer:
    """Of tags: the first word's is X."""
    return Answer(value=["X", *gold[1:]], scores={"tags": [0.9] * len(gold)})


def first_letters(place: int, row: Mapping[str, Any], gold: list[str]) -> Answer:
    """Of documents: their first nine characters."""
    best = [{"text": row["context"][:9], "start": 0, "score": 0.8}]
    return Answer(value=row["context"][:9], scores={"n_best": best, "no_answer": -2.0})


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text("utf-8"))
