"""What a finished run answered, read from its files: its predictions, its label names, and its rows again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.data.locate import SplitFiles, is_carved, locate_splits
from bertkit.data.splits import Splits, read_located_splits
from bertkit.errors import RequestError
from bertkit.heads import FROM_TRAIN, Head
from bertkit.runs.folder import MODEL, PREDICTIONS, damage_named, located, pinned_to, recorded_commits
from bertkit.spec import Spec


@dataclass(kw_only=True)
class Predicted:
    """The answers to an evaluation's R rows, in their order; golds are None where there are none."""

    ids: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    golds: list[Any] = field(default_factory=list)


def prediction_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's predictions. Raises RequestError if they are damaged or gone."""
    path = folder / PREDICTIONS
    if not path.is_file():
        raise RequestError(f"{folder} has no {PREDICTIONS}")
    with damage_named(path), path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def predictions_of(folder: Path) -> dict[str, Predicted]:
    """A run's predictions by evaluation. Raises RequestError if they are damaged or gone."""
    found = dict[str, Predicted]()
    for line in prediction_lines(folder):
        with damage_named(folder / PREDICTIONS):
            part = found.setdefault(line["evaluation"], Predicted())
            part.ids.append(line["row_id"])
            part.answers.append(line["answer"])
            part.golds.append(line["gold"])
    return found


def labels_of(folder: Path, head: Head) -> tuple[str, ...]:
    """The names of the head's labels in the model's order: the task's, or those that the train rows had.

    () where neither the task nor a saved model has them. Raises RequestError if the model's config is damaged.
    """
    path = folder / MODEL / "config.json"
    if head.labels != FROM_TRAIN or not path.is_file():
        return head.label_names
    with damage_named(path):
        names = json.loads(path.read_text("utf-8"))["id2label"]
        return tuple(str(names[str(place)]) for place in range(len(names)))


def scored_rows(folder: Path, spec: Spec) -> tuple[Spec, SplitFiles | None, Splits]:
    """The rows that a run was scored on, from where it read them, with its spec and files as they are found now.

    Raises RequestError if they cannot be found, DataError if they cannot be read.
    """
    spec = pinned_to(located(folder, spec), {"datasets": recorded_commits(folder).get("datasets", {})})
    files, labels = locate_splits(spec.task, spec.data, training=False), labels_of(folder, spec.task.head)
    return spec, files, read_located_splits(spec, files, is_carved(spec.task, files), labels)
