"""Validate raw rows and turn them into a head's columns, labels by name. Light.

Every function raises DataError that begins with `where`, the file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bertkit.data.cells import Cells
from bertkit.data.marks import marked
from bertkit.data.seen import Seen
from bertkit.data.written import unwritten
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.heads import Head, checks
from bertkit.heads.base import ODD_GOLDS
from bertkit.sources import Source

NO_TAG = "no tag ('_'): not trained on, not scored"


def validate_rows(
    raw: Iterable[tuple[str, dict[str, Any]]],
    source: Source,
    head: Head,
    golds: bool,
    findings: Findings | None = None,
) -> Iterator[dict[str, Any]]:
    """Raw rows as the head's columns, labels by name. Raises DataError at the first bad row.

    `findings` counts what is no error, and may skip bad rows.
    """
    findings = findings or Findings()
    seen = Seen()
    cells: Cells | None = None
    where, rows, given, missing = "", 0, 0, 0
    for index, (where, row) in enumerate(raw):
        if cells is None:
            cells = Cells.of(row, where, source, head, golds)
        valid = _checked(row, where, cells, source, head, findings)
        if valid is None:
            continue
        rows += 1
        for reason, count in valid.pop(ODD_GOLDS, {}).items():
            findings.count(reason, where, unit="gold answer", times=count)
        ident, group = (row.get(cells.names[role]) if role in cells.names else None for role in ("id", "group"))
        valid["row_id"] = str(index if ident is None else ident)
        valid["group"] = "" if group is None else str(group)
        if ident is not None and seen.add(valid["row_id"]):
            findings.count("repeated id", where)
        gold = valid.get(head.roles[-1])
        if isinstance(gold, list):
            missing += _count_missing(gold, where, row, findings)
            given += len(gold) - gold.count(None)
            _count_oddities(valid, where, row, head, findings)
        yield valid
    findings.check_share(rows)
    if not rows and findings.skipped:
        file = where.rpartition(", ")[0]
        raise DataError(f"{file}: all {len(findings.skipped):,} rows are left out (first: {findings.skipped[0].why})")
    if missing and not given:
        file = where.rpartition(", ")[0]
        raise DataError(f"{file}: no word has a tag: a split without tags can be predicted, not trained on or scored")


def _checked(
    row: Mapping[str, Any], where: str, cells: Cells, source: Source, head: Head, findings: Findings
) -> dict[str, Any] | None:
    """The row as the head's columns; None if it is skipped."""
    gold = cells.raw_gold(row)
    reason = source.dropped.get("-1" if gold is None else str(gold).strip())  # `datasets` gives -1 of a class as None
    if reason and cells.names.get(head.roles[-1]) in row:
        findings.drop(where, reason)
        return None
    try:
        row = marked(where, row, source.marks) if source.marks else row
        values = unwritten(where, cells.values(row, where), source.written)
        return head.check(where, {**values, **_optional(row, head)}, source.labels)
    except KeyError as error:
        findings.bad_row(where, DataError(f"{where}: no column {error}"))
    except DataError as error:
        findings.bad_row(where, error)
    return None


def _optional(row: Mapping[str, Any], head: Head) -> dict[str, Any]:
    """The head's optional columns that the row has."""
    named = {str(name).strip().casefold(): name for name in row} if head.optional else {}
    return {role: row[named[role]] for role in head.optional if role in named}


def _count_oddities(
    valid: Mapping[str, Any], where: str, row: Mapping[str, Any], head: Head, findings: Findings
) -> None:
    """Count what the head finds odd in a row."""
    for reason, word in head.oddities(valid):
        if word is None:
            findings.count(reason, where)
        else:
            findings.count(reason, checks.word_place(where, row.get("lines"), word), unit="word")


def _count_missing(gold: list[Any], where: str, row: Mapping[str, Any], findings: Findings) -> int:
    """How many words of a row have no tag; each is counted in the findings."""
    if None not in gold:
        return 0
    for place, tag in enumerate(gold):
        if tag is None:
            findings.count(NO_TAG, checks.word_place(where, row.get("lines"), place), unit="word")
    return gold.count(None)
