"""What a role's value is where a file keeps it in several columns, or several labels in one cell. Light.

Every function raises DataError that begins with `where`, the file and line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bertkit.data.cell_kinds import literal
from bertkit.data.columns import lacking, match_columns
from bertkit.errors import DataError
from bertkit.heads import Head
from bertkit.sources import Source

JSON = "json"
YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Where a file has each role's value.

    names       for each role the name of its column
    joined      for each role that is joined the names of its columns
    listed      for each role that is a list of several columns' cells their names
    phrases     for a column what each of its cells stands for
    indicators  for each label the name of its 0/1 column
    separator   what stands between the labels of the gold's cell
    gold        the role of the gold
    """

    names: Mapping[str, str]
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phrases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    indicators: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    gold: str

    @classmethod
    def of(cls, row: Mapping[str, Any], where: str, source: Source, head: Head, golds: bool) -> Cells:
        """Match a file's columns, those of its first row. Raises DataError if a role has none."""
        present = list(row)
        wanted = [role for role in head.roles if golds or role != head.roles[-1]]
        several = {role: names for role, names in {**source.joined, **source.listed}.items() if role in wanted}
        if source.indicators and golds:
            several[head.roles[-1]] = source.indicators
        single = [role for role in wanted if role not in several]
        candidates = {role: names for role, names in source.columns.items() if role in single or role not in head.roles}
        found = match_columns(present, candidates, single, where)
        missing = next((role for role in single if role not in found), None)
        if missing is not None:
            raise lacking(missing, present, candidates, where)
        matched = {role: _all_of(names, present, role, where) for role, names in several.items()}
        labels = matched.pop(head.roles[-1], ()) if source.indicators else ()
        return cls(
            names=found, joined={role: names for role, names in matched.items() if role not in source.listed},
            listed={role: names for role, names in matched.items() if role in source.listed}, phrases=source.phrases,
            indicators=dict(zip(source.indicators, labels, strict=False)),
            separator=source.separator, gold=head.roles[-1],
        )  # fmt: skip

    def raw_gold(self, row: Mapping[str, Any]) -> Any:
        """The gold's cell as the file has it; None where it has none of its own."""
        return row.get(self.names.get(self.gold, ""))

    def values(self, row: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The value of each role. Raises KeyError for a column that a row lacks, and DataError for a senseless cell."""
        if self.phrases:
            row = {name: self._phrase(name, cell, where) for name, cell in row.items()}
        found = {role: row[name] for role, name in self.names.items()}
        for role, names in self.joined.items():
            found[role] = joined([row.get(name) for name in names])
        for role, names in self.listed.items():
            found[role] = [row.get(name) for name in names]
        if self.indicators:
            found[self.gold] = [
                label for label, name in self.indicators.items() if is_set(row[name], f"{where}: the column '{name}'")
            ]
        elif self.separator is not None and isinstance(found.get(self.gold), str):
            found[self.gold] = separated(found[self.gold], self.separator, where)
        return found

    def _phrase(self, name: str, cell: Any, where: str) -> Any:
        """What a cell stands for; the cell itself where its column has no phrases, or it is one of them."""
        phrases = self.phrases.get(name.strip().casefold())
        if phrases is None or cell in phrases.values():
            return cell
        if cell not in phrases:
            raise DataError(f"{where}: the column '{name}' has '{str(cell)[:60]}'; expected {' or '.join(phrases)}")
        return phrases[cell]


def _all_of(names: tuple[str, ...], present: list[str], role: str, where: str) -> tuple[str, ...]:
    found = match_columns(present, {name: (name,) for name in names}, (), where)
    missing = next((name for name in names if name not in found), None)
    if missing is not None:
        file = where.rpartition(", ")[0]
        raise DataError(f"{file}: no column '{missing}' for the {role}; it has {', '.join(present)}")
    return tuple(found[name] for name in names)


def joined(parts: list[Any]) -> Any:
    """The parts, and the items of lists, with a space between them, empty ones left out.

    A part that is no text is returned, to be refused.
    """
    parts = [item for part in parts for item in (part if isinstance(part, list) else [part])]
    odd = next((part for part in parts if part is not None and not isinstance(part, str)), None)
    return odd if odd is not None else " ".join(part.strip() for part in parts if part is not None and part.strip())


def is_set(raw: Any, what: str) -> bool:
    """Whether a cell of a 0/1 column says yes. Raises DataError that begins with `what` for any other value."""
    text = str(raw).strip().casefold()
    if text not in (*YES, *NO):
        shown = "is empty" if raw is None or not text else f"has '{text[:40]}'"
        raise DataError(f"{what} {shown}, and is 1 or 0 for a label that the row has or has not")
    return text in YES


def separated(cell: str, separator: str, where: str) -> list[Any]:
    """The labels in a cell, each once, outer spaces and empty ones left out; a JSON list's as they are.

    A list as Python prints it, with single quotes, is read as a JSON list is.
    """
    if not cell.strip():
        return []
    if separator != JSON:
        return list(dict.fromkeys(part.strip() for part in cell.split(separator) if part.strip()))
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        found = literal(cell)
    if found is not None and not isinstance(found, set):
        return list(found) if isinstance(found, list | tuple) else [found]
    raise DataError(f"{where}: '{cell[:60]}' is no list in JSON")
