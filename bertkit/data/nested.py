"""Rows of objects inside objects: columns named by their path, a row for each item of a list. Light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import Nested

PlacedRow = tuple[str, dict[str, Any]]
"""A row's place, and its columns as they are in the source."""


def unnested(rows: Iterable[PlacedRow], nested: Nested | None, findings: Findings) -> Iterator[PlacedRow]:
    """The rows of nested objects, each with the place of the object that it is from; all as they are without `nested`.

    An object that cannot be read so is a bad row. Only rows that may be joined are kept waiting for the next. Raises
    DataError where such rows stand apart.
    """
    if nested is None:
        yield from rows
        return
    together: list[PlacedRow] = []
    ended = set[tuple[Any, ...] | None]()
    for where, row in _flat(rows, nested, findings):
        key = _key(row, nested)
        if together and key != _key(together[0][1], nested):
            ended.add(_key(together[0][1], nested))
            yield _joined(together, nested)
            together = []
        if key is not None and key in ended:
            same = ", ".join(f"{name} {row[name]}" for name in nested.joined)
            raise DataError(f"{where}: rows of {same} stand apart, with others between: sort the file by these columns")
        if key is None:
            yield where, row
        else:
            together.append((where, row))
    if together:
        yield _joined(together, nested)


def _flat(rows: Iterable[PlacedRow], nested: Nested, findings: Findings) -> Iterator[PlacedRow]:
    for where, row in rows:
        try:
            found = [_with_stretches(where, one, nested) for one in _rows(where, row, "", nested.each)]
        except DataError as error:
            findings.bad_row(where, error)
            continue
        yield from ((where, one) for one in found)


def _key(row: Mapping[str, Any], nested: Nested) -> tuple[Any, ...] | None:
    """Equal for rows that are joined; None for any other row."""
    is_joined = bool(nested.joined) and all(name in row for name in nested.joined)
    return tuple(row[name] for name in nested.joined) if is_joined else None


def _joined(together: list[PlacedRow], nested: Nested) -> PlacedRow:
    where, row = together[0]
    there = [name for name in nested.lists if any(name in one for _, one in together)]
    return where, row | {name: [one.get(name) for _, one in together] for name in there}


def _rows(where: str, value: Mapping[str, Any], path: str, each: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of an object, which stands at `path`: one, or one for every item of the lists in `each`."""
    rows: list[dict[str, Any]] = [{}]
    for key, inner in value.items():
        name = f"{path}{key}"
        if name in each:
            if not isinstance(inner, list) or not all(isinstance(item, dict) for item in inner):
                raise DataError(f"{where}: '{name}' is no list of objects")
            parts = [row for item in inner for row in _rows(where, item, f"{name}.", each)]
        elif isinstance(inner, dict):
            parts = _rows(where, inner, f"{name}.", each)
        elif isinstance(inner, list) and inner and all(isinstance(item, dict) for item in inner):
            columns = dict.fromkeys(column for item in inner for column in item)
            parts = [{f"{name}.{column}": [item.get(column) for item in inner] for column in columns}]
        else:
            parts = [{name: inner}]
        rows = [{**row, **part} for row in rows for part in parts]
    return rows


def _with_stretches(where: str, row: dict[str, Any], nested: Nested) -> dict[str, Any]:
    """The row with the columns that are cut from its texts, where it has these."""
    for column, (text, first, last) in nested.cut.items():
        whole, bounds = row.get(text), (row.get(first) or [], row.get(last) or [])
        if not isinstance(whole, str):
            continue
        if not all(isinstance(ends, list) and all(type(end) is int for end in ends) for ends in bounds):
            raise DataError(f"{where}: '{first}' and '{last}' are no lists of whole numbers")
        if len(bounds[0]) != len(bounds[1]):
            raise DataError(f"{where}: '{first}' has {len(bounds[0])} numbers, '{last}' has {len(bounds[1])}")
        odd = next(((a, b) for a, b in zip(*bounds, strict=True) if not 0 <= a <= b < len(whole)), None)
        if odd is not None:
            raise DataError(f"{where}: characters {odd[0]} to {odd[1]} are not in '{text}', which has {len(whole):,}")
        row[column] = list(dict.fromkeys(whole[a : b + 1] for a, b in zip(*bounds, strict=True)))
    return row
