"""Raw rows to a head's columns, labels by name. Light.

Every function raises DataError, naming the file and line that it is given as `where`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.heads import Head
from bertkit.sources import Source


def tidy(
    raw: Iterable[tuple[str, dict[str, Any]]],
    source: Source,
    head: Head,
    golds: bool,
    findings: Findings | None = None,
) -> Iterator[dict[str, Any]]:
    """Raw rows as the head's columns, labels by name. Raises DataError at the first that does not fit.

    What does not fail is counted in `findings`.
    """
    findings = findings or Findings()
    seen: set[str] = set()
    names: dict[str, str] | None = None
    for index, (where, row) in enumerate(raw):
        if names is None:
            names = _column_names(row, where, source, head, golds)
        try:
            values = {role: row[name] for role, name in names.items()}
        except KeyError as error:
            raise DataError(f"{where}: no column {error}") from error
        tidied = head.check(where, values, source.labels)
        ident = values.get("id")
        tidied["row_id"] = str(index if ident is None else ident)
        tidied["group"] = str(values.get("group") or "")
        if ident is not None:
            if tidied["row_id"] in seen:
                findings.count("repeated id", where)
            seen.add(tidied["row_id"])
        yield tidied


def _column_names(row: Mapping[str, Any], where: str, source: Source, head: Head, golds: bool) -> dict[str, str]:
    """For each role the name its column has here."""
    found = {}
    gold = head.roles[-1]
    for role, candidates in source.columns.items():
        name = next((name for name in candidates if name in row), None)
        if name is not None and (golds or role != gold):
            found[role] = name
        elif role in head.roles and (golds or role != gold):
            raise DataError(
                f"{where.partition(', line')[0]}: no column '{candidates[0]}' for the {role}; "
                f"it has {', '.join(map(str, row))}"
            )
    return found
