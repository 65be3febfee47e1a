"""A finished run's scores by parts of its rows: by length, gold, unknown tokens, annotators, or a file's columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bertkit.data.raw_columns import RawColumns, annotators_in, matched, raw_columns
from bertkit.data.rows import Rows
from bertkit.data.token_lengths import read_tokenizer, tokens_of_rows
from bertkit.errors import RequestError
from bertkit.evaluation.parts import Division, by_agreement, by_column, by_value, quartered
from bertkit.evaluation.slices import Slice, Slicing, adjusted, on_parts, sliced
from bertkit.heads import Head
from bertkit.runs.answered import Predicted, predictions_of, scored_rows
from bertkit.runs.folder import MODEL, PREDICTIONS, read_result, read_spec
from bertkit.task import Evaluation

__all__ = ["Slice", "Slicing", "slices_of"]

FEW_UNKNOWN = 0.05
"""The share of unknown tokens at which rows with some are divided."""


def slices_of(folder: Path, by: Sequence[str] = ()) -> tuple[Slicing, ...]:
    """The scores of a finished run by parts of the rows it was scored on, and by the columns `by` of their file.

    No model is loaded: the answers are those of predictions.jsonl. Each p is of a part against the other rows, adjusted
    for all slices that are returned (Holm). Raises RequestError for what is no finished run or no column, and if the
    rows are not those that it was scored on; DataError if they cannot be read.
    """
    spec = read_spec(folder)
    if read_result(folder) is None:
        raise RequestError(f"{folder} is not finished: `bertkit resume {folder}` resumes it")
    spec, files, splits = scored_rows(folder, spec)
    predicted, found, present = predictions_of(folder), list[Slicing](), list[str]()
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
