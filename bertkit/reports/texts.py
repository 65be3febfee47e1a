"""The rows of a run by their ids, read again from where it read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.data.locate import is_carved, locate_splits
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits, read_located_splits
from bertkit.errors import BertkitError
from bertkit.heads import FROM_TRAIN
from bertkit.result import Result
from bertkit.runs.folder import MODEL, located, pinned_to, read_spec, recorded_commits
from bertkit.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Rows by their evaluation and id, and why some are not there."""

    rows: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def row(self, evaluation: str, row_id: str) -> Mapping[str, Any]:
        """The row; {} where it is not there."""
        return self.rows.get((evaluation, row_id), {})


def texts_of(folder: Path, result: Result, wanted: Mapping[str, Sequence[str]]) -> Texts:
    """The rows with these ids, by evaluation. Where they cannot be read, or changed since, `missing` says it."""
    try:
        splits = _splits(folder)
    except (BertkitError, OSError) as error:
        return Texts(missing=dict.fromkeys(wanted, f"The rows cannot be read any more: {error}."))
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    missing: dict[str, str] = {}
    for name, ids in wanted.items():
        part, before = splits.evaluations[name], result.rows.get(name)
        if not isinstance(part, Rows):
            missing[name] = f"The rows are not there any more: {part}."
        elif before is not None and before.digest != part.digest:
            missing[name] = f"The rows of {name} changed since the run, so that their texts are left out."
        else:
            rows |= {(name, ident): row for ident, row in _picked(part, set(ids)).items()}
    return Texts(rows=rows, missing=missing)


def _splits(folder: Path) -> Splits:
    spec = located(folder, read_spec(folder))
    spec = pinned_to(spec, {"datasets": recorded_commits(folder).get("datasets", {})})
    files = locate_splits(spec.task, spec.data, training=False)
    return read_located_splits(spec, files, training=is_carved(spec.task, files), labels=_labels(folder, spec))


def _labels(folder: Path, spec: Spec) -> list[str]:
    """The labels that the train rows had, as the model's config names them; [] where the task names them."""
    if spec.task.head.labels != FROM_TRAIN:
        return []
    with suppress(OSError, ValueError, AttributeError):
        named = json.loads((folder / MODEL / "config.json").read_text("utf-8")).get("id2label", {})
        return [str(name) for name in named.values()]
    return []


def _picked(rows: Rows, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    places = [place for place, ident in enumerate(rows.table.column("row_id")) if ident in ids]
    return {row["row_id"]: row for row in rows.table.select(places)}
