"""Validate raw rows and turn them into a head's columns, labels by name. Light.

Every function raises DataError that begins with `where`, the file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bertkit.data.columns import lacking, match_columns
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.heads import Head, checks
from bertkit.heads.base import DROPPED
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
    seen: set[str] = set()
    names: dict[str, str] | None = None
    where, rows, given, missing = "", 0, 0, 0
    for index, (where, row) in enumerate(raw):
        if names is None:
            names = _column_names(row, where, source, head, golds)
        valid = _checked(row, where, names, source, head, findings)
        if valid is None:
            continue
        rows += 1
        for reason, count in valid.pop(DROPPED, {}).items():
            findings.count(reason, where, unit="gold answer", times=count)
        ident = row.get(names["id"]) if "id" in names else None
        valid["row_id"] = str(index if ident is None else ident)
        valid["group"] = str((row.get(names["group"]) if "group" in names else None) or "")
        if ident is not None:
            if valid["row_id"] in seen:
                findings.count("repeated id", where)
            seen.add(valid["row_id"])
        gold = valid.get(head.roles[-1])
        if isinstance(gold, list):
            missing += _count_missing(gold, where, row, findings)
            given += len(gold) - gold.count(None)
        yield valid
    findings.check_share(rows)
    if not rows and findings.skipped:
        file = where.rpartition(", ")[0]
        raise DataError(f"{file}: all {len(findings.skipped):,} rows are left out (first: {findings.skipped[0].why})")
    if missing and not given:
        file = where.rpartition(", ")[0]
        raise DataError(f"{file}: no word has a tag: a split without tags can be predicted, not trained on or scored")


def _checked(
    row: Mapping[str, Any], where: str, names: Mapping[str, str], source: Source, head: Head, findings: Findings
) -> dict[str, Any] | None:
    """The row as the head's columns; None if it is skipped."""
    gold = row.get(names.get(head.roles[-1], ""))
    reason = source.dropped.get("-1" if gold is None else str(gold).strip())  # `datasets` gives -1 of a class as None
    if reason and names.get(head.roles[-1]) in row:
        findings.drop(where, reason)
        return None
    try:
        values = {role: row[name] for role, name in names.items()}
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


def _count_missing(gold: list[Any], where: str, row: Mapping[str, Any], findings: Findings) -> int:
    """How many words of a row have no tag; each is counted in the findings."""
    if None not in gold:
        return 0
    for place, tag in enumerate(gold):
        if tag is None:
            findings.count(NO_TAG, checks.word_place(where, row.get("lines"), place), unit="word")
    return gold.count(None)


def _column_names(row: Mapping[str, Any], where: str, source: Source, head: Head, golds: bool) -> dict[str, str]:
    """For each role the name of its column in this file."""
    wanted = [role for role in head.roles if golds or role != head.roles[-1]]
    candidates = {role: names for role, names in source.columns.items() if role in wanted or role not in head.roles}
    found = match_columns(list(row), candidates, wanted, where)
    missing = next((role for role in wanted if role not in found), None)
    if missing is not None:
        raise lacking(missing, list(row), candidates, where)
    return found
