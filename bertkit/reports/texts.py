"""The rows of a run by their ids, read again from where it read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.data.rows import Rows
from bertkit.errors import BertkitError
from bertkit.result import Result
from bertkit.runs.answered import scored_rows
from bertkit.runs.folder import read_spec


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
        _, _, splits = scored_rows(folder, read_spec(folder))
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


def _picked(rows: Rows, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    places = [place for place, ident in enumerate(rows.table.column("row_id")) if ident in ids]
    return {row["row_id"]: row for row in rows.table.select(places)}
