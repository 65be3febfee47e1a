"""A finished run's scores by parts of its rows: by length, gold, unknown tokens, annotators, or a file's columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.data.locate import is_carved, locate_splits
from bertkit.data.raw_columns import RawColumns, annotators_in, matched, raw_columns
from bertkit.data.rows import Rows
from bertkit.data.splits import read_located_splits
from bertkit.data.token_lengths import read_tokenizer, tokens_of_rows
from bertkit.errors import RequestError
from bertkit.evaluation.parts import Division, by_agreement, by_column, by_value, quartered
from bertkit.evaluation.slices import Slice, Slicing, adjusted, on_parts, sliced
from bertkit.heads import FROM_TRAIN, Head
from bertkit.runs.folder import (
    MODEL,
    PREDICTIONS,
    damage_named,
    located,
    pinned_to,
    read_result,
    read_spec,
    recorded_commits,
)
from bertkit.task import Evaluation

__all__ = ["Slice", "Slicing", "slices_of"]

FEW_UNKNOWN = 0.05
"""The share of unknown tokens at which rows with some are divided."""


@dataclass(kw_only=True)
class Predicted:
    """What predictions.jsonl says of an evaluation's rows."""

    ids: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    golds: list[Any] = field(default_factory=list)


def slices_of(folder: Path, by: Sequence[str] = ()) -> tuple[Slicing, ...]:
    """The scores of a finished run by parts of the rows it was scored on, and by the columns `by` of their file.

    No model is loaded: the answers are those of predictions.jsonl. Each p is of a part against the other rows, adjusted
    for all slices that are returned (Holm). Raises RequestError for what is no finished run or no column, and if the
    rows are not those that it was scored on; DataError if they cannot be read.
    """
    spec = read_spec(folder)
    if read_result(folder) is None:
        raise RequestError(f"{folder} is not finished: `bertkit resume {folder}` resumes it")
    spec = pinned_to(located(folder, spec), {"datasets": recorded_commits(folder).get("datasets", {})})
    files = locate_splits(spec.task, spec.data, training=False)
    splits = read_located_splits(spec, files, is_carved(spec.task, files), _labels(folder, spec.task.head))
    predicted, found, present = read_predictions(folder), list[Slicing](), list[str]()
    for evaluation in spec.task.scored:
        rows = splits.evaluations[evaluation.name]
        if isinstance(rows, Rows):
            given = predicted.get(evaluation.name, Predicted())
            _check_same(folder, evaluation, given, rows, splits.head)
            columns = raw_columns(spec, files, evaluation, splits.head, lambda names: _chosen(names, by))
            present += columns.present
            divisions = [*_by_tokens(folder, rows, splits.head), *_by_golds(rows, splits.head)]
            divisions += _by_columns(columns, rows.table["row_id"], by)
            metric = on_parts(evaluation.metrics[0], splits.head.chunk_scheme)
            table = metric.measure(given.golds, given.answers, splits.head.label_names)
            found += sliced(metric, table, divisions, evaluation.name)
    for name in by:
        if matched(name, present) is None:
            raise RequestError(f"--slice-by {name}: no such column; there are {', '.join(dict.fromkeys(present))}")
    return adjusted(found)


def read_predictions(folder: Path) -> dict[str, Predicted]:
    """The answers and golds in a run's predictions.jsonl, by evaluation; golds are None where there are none."""
    path, found = folder / PREDICTIONS, dict[str, Predicted]()
    if not path.is_file():
        raise RequestError(f"{folder} has no {PREDICTIONS}")
    with path.open(encoding="utf-8") as lines, damage_named(path):
        for line in lines:
            one = json.loads(line)
            part = found.setdefault(one["evaluation"], Predicted())
            part.ids.append(one["row_id"])
            part.answers.append(one["answer"])
            part.golds.append(one["gold"])
    return found


def _labels(folder: Path, head: Head) -> tuple[str, ...]:
    """The names of the model's labels, where the train rows alone say them."""
    if head.labels != FROM_TRAIN:
        return ()
    path = folder / MODEL / "config.json"
    with damage_named(path):
        names = json.loads(path.read_text("utf-8"))["id2label"]
        return tuple(str(names[str(place)]) for place in range(len(names)))


def _check_same(folder: Path, evaluation: Evaluation, given: Predicted, rows: Rows, head: Head) -> None:
    """Raise RequestError if the rows are not those that were answered."""
    same = given.ids == rows.table["row_id"] and given.golds == [head.gold(row) for row in rows.table]
    if not same:
        raise RequestError(
            f"the rows of {evaluation.name} are not those in {folder / PREDICTIONS}: they changed since it finished"
        )


def _by_golds(rows: Rows, head: Head) -> list[Division]:
    """By what the head says of their golds."""
    return [by_value(head.parts_by, [list(head.parts_of(head.gold(row))) for row in rows.table])]


def _by_tokens(folder: Path, rows: Rows, head: Head) -> list[Division]:
    """By the rows' lengths in tokens, and by how many of these are unknown, if any are."""
    tokenizer = read_tokenizer(folder / MODEL)
    if tokenizer is None:
        return []
    lengths, unknown = tokens_of_rows(rows, head, tokenizer)
    found = [quartered("length in tokens", lengths)]
    if unknown.any():
        shares = unknown / lengths.clip(min=1)
        names = ["none" if not one else "under 5 %" if one < FEW_UNKNOWN else "5 % and more" for one in shares]
        found.append(by_value("share of unknown tokens", [[name] for name in names]))
    return found


def _chosen(present: Sequence[str], by: Sequence[str]) -> list[str]:
    """Of these columns those with annotators' labels, and those that are asked for."""
    typed = [matched(name, present) for name in by]
    return list(dict.fromkeys([*annotators_in(present), *(name for name in typed if name is not None)]))


def _by_columns(columns: RawColumns, ids: Sequence[str], by: Sequence[str]) -> list[Division]:
    """By whether annotators agree, where columns have their labels, and by the columns that are asked for."""
    annotators, divisions = annotators_in(columns.present), []
    if annotators:
        cells = zip(*(columns.column(name, ids) for name in annotators), strict=True)
        labels = [one[0] if isinstance(one[0], list) else one for one in cells]
        divisions.append(by_agreement(f"agreement of {', '.join(annotators)}", labels))
    typed = dict.fromkeys(name for asked in by if (name := matched(asked, columns.present)) is not None)
    return [*divisions, *(by_column(name, columns.column(name, ids)) for name in typed)]
