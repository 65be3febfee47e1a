"""The simple model of the floors as an arm of a comparison: its answers row by row, cached by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bertkit import __version__
from bertkit.data.cache import cached
from bertkit.data.encoding import blocks_of
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits
from bertkit.evaluation.floors import FLOORS, fitted
from bertkit.progress import Progress
from bertkit.studies.arms import Answers, Arm


def simple_arm(name: str, beside: Arm, train: Mapping[int, Rows], splits: Splits, progress: Progress) -> Arm:
    """The arm of the model that learns from words: TF-IDF, or each word's commonest tag (evaluation/floors.py).

    beside  an arm with the same rows and golds, on one evaluation
    train   by seed, the rows that it learns from
    """
    ((key, part),) = beside.parts.items()
    rows = splits.evaluations[part.evaluation]
    assert isinstance(rows, Rows)
    golds = part.runs[0].golds
    runs = []
    for seed, learnt in train.items():
        given = _answers(splits, learnt, rows, progress)
        values = dict(zip(golds, given, strict=True))
        runs.append(Answers(source=Path(f"{name}, seed {seed}"), seed=seed, values=values, golds=golds))
    return Arm(name=name, parts={key: replace(part, arm=name, runs=tuple(runs))}, specs={})


def _answers(splits: Splits, train: Rows, rows: Rows, progress: Progress) -> list[Any]:
    """What the model, fitted to the train rows, answers to each row, in their order."""
    head, simple = splits.head, splits.head.simple
    assert simple is not None, "checked before anything was trained"

    def make(folder: Path) -> None:
        *_, (_, model) = fitted(head, simple, train, progress, len(rows))
        found = []
        for columns in blocks_of(rows.table):
            found += model.answers(columns)
            progress.advance(len(columns["row_id"]))
        (folder / "answers.json").write_text(json.dumps(found), "utf-8")

    made_of = [FLOORS, __version__, version("scikit-learn"), repr(simple), head.roles, head.label_names]
    made_of += [train.digest, len(train), rows.digest, len(rows)]
    key = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    read: list[Any] = cached("simple-answers", key, make, lambda at: json.loads((at / "answers.json").read_text()))
    return read
