"""Score a run's model on another task's rows, and keep what it answered in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bertkit.data.locate import locate_splits
from bertkit.data.splits import Splits, marks_of, read_located_splits
from bertkit.data.token_lengths import read_tokenizer, tokens_of_rows
from bertkit.files import atomic_folder, line_writer, write_json
from bertkit.progress import Progress
from bertkit.runs.answered import Predicted, predictions_of
from bertkit.runs.folder import MODEL, PREDICTIONS, RESULT, damage_named
from bertkit.runs.rescore import score_checkpoint
from bertkit.spec import Spec, to_plain

TRANSFER, SCORES = "transfer", "scores.json"
"""In a run's folder: what its model answered on other tasks, a folder each."""


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """What one run's model answered on another task.

    folder     where that is kept, in the run's own
    predicted  by evaluation that has rows, the answers with their golds
    missing    by evaluation that has none, why
    unknown    by evaluation, which share of the tokens stand for what the tokenizer does not know (special tokens are
               counted among all); None where it cannot be counted
    marks      why the scores are not of all published rows
    """

    folder: Path
    predicted: Mapping[str, Predicted]
    missing: Mapping[str, str]
    unknown: Mapping[str, float | None]
    marks: tuple[str, ...]


def read_tested(spec: Spec) -> Splits:
    """The rows of the evaluations of the task of `spec`, none of train. Raises DataError or HubError."""
    files = locate_splits(spec.task, spec.data, training=False)
    return read_located_splits(spec, files, training=False, labels=spec.task.head.label_names)


def transferred(run: Path, spec: Spec, progress: Progress) -> Transferred:
    """What the model in a finished run's folder answers on the task of `spec`, whose model is not read.

    An earlier answer to the same rows, by the same model with the same window, is read and not computed again. Raises
    DataError where the rows cannot be read, EncoderError where labels do not agree by name.
    """
    splits = read_tested(spec)
    folder = run / TRANSFER / f"{spec.task.name}-{_digest(run, spec, splits)}"
    with closing(progress):
        if not (folder / SCORES).is_file():
            _score(folder, replace(spec, model=str(run / MODEL)), splits, progress)
    with damage_named(folder / SCORES):
        plain = json.loads((folder / SCORES).read_text("utf-8"))
        return Transferred(
            folder=folder, predicted=predictions_of(folder), missing=plain["missing"], unknown=plain["unknown"],
            marks=tuple(plain["marks"]),
        )  # fmt: skip


def _score(folder: Path, spec: Spec, splits: Splits, progress: Progress) -> None:
    """Answer and score every evaluation that has rows, and write `folder` when all is done."""
    unknown = _unknown(Path(spec.model), splits)
    folder.parent.mkdir(exist_ok=True)
    with atomic_folder(folder) as temporary:
        with line_writer(temporary / PREDICTIONS) as write:
            scores = score_checkpoint(spec, progress, write)
        plain = {
            "task": to_plain(spec.task),
            "evaluations": [to_plain(one) for one in scores.evaluations],
            "missing": {one.name: one.missing for one in scores.evaluations if one.missing},
            "unknown": unknown,
            "marks": list(marks_of(spec, splits)),
        }
        write_json(temporary / SCORES, plain)


def _unknown(model: Path, splits: Splits) -> dict[str, float | None]:
    tokenizer = read_tokenizer(model)
    found = dict[str, float | None]()
    for name, rows in splits.rows.items():
        if tokenizer is None:
            found[name] = None
            continue
        lengths, unknown = tokens_of_rows(rows, splits.head, tokenizer)
        found[name] = float(unknown.sum() / max(lengths.sum(), 1))
    return found


def _digest(run: Path, spec: Spec, splits: Splits) -> str:
    """Of everything that decides the answers: the finished run, the task, the window, and the rows."""
    rows = {name: [one.digest, len(one)] for name, one in splits.rows.items()}
    asked: list[Any] = [to_plain(spec.task), to_plain(spec.recipe.window), rows]
    digest = sha256((run / RESULT).read_bytes())
    digest.update(json.dumps(asked, sort_keys=True).encode())
    return digest.hexdigest()[:8]
