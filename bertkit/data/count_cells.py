"""Count a file's cells by column in one pass over its raw rows. Light."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import log
from typing import Any

from bertkit.data.cell_kinds import (
    EMPTY,
    JSON_LIST,
    LIST,
    OBJECTS,
    SEPARATORS,
    TEXT,
    is_missing,
    kind_of,
    listed,
    parts_of,
    spelt,
)  # fmt: skip
from bertkit.data.profile import MOST_VALUES, SAMPLED, SAMPLED_VECTORS, STEP, Column, Profile
from bertkit.heads.vectors import has_vectors

LONGEST_KEY = 200
"""Characters of a value that is counted; longer ones are text, of which only the length is."""
SHOWN = 40
"""Characters of a sample value."""
FEW_PARTS = 0.1
"""The share of distinct parts in a column's values, up to which a mark may separate labels."""


def profile(rows: Iterable[Mapping[str, Any]]) -> Profile:
    """The profile of raw rows, read once."""
    counting: dict[str, _Counting] = {}
    sample: list[Mapping[str, Any]] = []
    number = 0
    for row in rows:
        number += 1
        if number <= SAMPLED:
            sample.append({name: _cut(value) for name, value in row.items()})
        for name, value in row.items():
            column = counting.get(name)
            if column is None:
                column = counting[name] = _Counting()
            column.add(value)
    columns = tuple(column.close(str(name)) for name, column in counting.items())
    return Profile(rows=number, columns=columns, sample=tuple(sample))


def _cut(value: Any) -> Any:
    """A cell as the sample keeps it."""
    return value[:SAMPLED_VECTORS] if has_vectors(value) else value


class _Counting:
    """Counts one column; a value that is kept is measured once, at the end."""

    def __init__(self) -> None:
        self._values: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._parts: dict[str, dict[str, int]] = {}
        self._first = ""
        self._more = False
        self._characters = self._longest = self._words = self._most_words = 0
        self._sizes: dict[int, int] = {}

    def add(self, value: Any) -> None:
        if isinstance(value, str):
            self._add_text(value)
        elif isinstance(value, list):
            self._add_list(value)
        elif isinstance(value, dict):
            self._note_kind(OBJECTS, 1)
            self._first = self._first or _shortened(json.dumps(value, ensure_ascii=False, default=str))
        elif not is_missing(value):
            self._add_text(spelt(value))

    def _add_text(self, text: str) -> None:
        known = self._values.get(text)
        if known is not None:
            self._values[text] = known + 1
        elif len(text) <= LONGEST_KEY and len(self._values) < MOST_VALUES:
            self._values[text] = 1
        else:
            self._overflow(text)
        if not self._first and not text.isspace():
            self._first = _shortened(text)

    def _overflow(self, text: str) -> None:
        """Measure a value that is not kept, and count its parts where the kept ones share theirs."""
        if not self._more and len(self._values) == MOST_VALUES:
            self._parts = {mark: {} for mark in SEPARATORS if _few_parts(self._values, mark)}
        self._more = self._more or len(self._values) == MOST_VALUES
        self._measure(text, 1)
        for mark, counts in self._parts.items():
            for part in set(parts_of(text, mark)):
                if part in counts or len(counts) < MOST_VALUES:
                    counts[part] = counts.get(part, 0) + 1

    def _add_list(self, items: list[Any]) -> None:
        if any(isinstance(item, dict | list) for item in items):
            self._note_kind(OBJECTS, 1)
            if all(isinstance(item, list) for item in items):  # vectors, which count as a word each
                self._note_size(len(items), len(items), 1)
        else:
            self._note_kind(LIST, 1)
            self._note_items(items, 1)
            self._note_size(sum(len(item) if isinstance(item, str) else 1 for item in items), len(items), 1)
        self._first = self._first or _shortened(json.dumps(items[:9], ensure_ascii=False, default=str))

    def _note_kind(self, kind: str, rows: int) -> None:
        self._kinds[kind] = self._kinds.get(kind, 0) + rows

    def _note_items(self, items: list[Any], rows: int) -> None:
        counts = self._items
        for item in items:
            key = item if isinstance(item, str) else spelt(item)
            if key in counts:
                counts[key] += rows
            elif len(counts) < MOST_VALUES:
                counts[key] = rows

    def _note_size(self, characters: int, words: int, rows: int) -> None:
        self._characters += characters * rows
        self._words += words * rows
        self._longest = max(self._longest, characters)
        self._most_words = max(self._most_words, words)
        size = size_of(characters)
        self._sizes[size] = self._sizes.get(size, 0) + rows

    def _measure(self, text: str, rows: int) -> None:
        kind = kind_of(text)
        if kind == EMPTY:
            return
        self._note_kind(kind, rows)
        self._note_size(len(text), len(text.split()) if kind == TEXT else 1, rows)
        if kind == JSON_LIST:
            self._note_items(listed(text) or [], rows)

    def close(self, name: str) -> Column:
        for text, rows in self._values.items():
            self._measure(text, rows)
        return Column(
            name=name,
            filled=sum(self._kinds.values()),
            kinds=self._kinds,
            values={text: rows for text, rows in self._values.items() if kind_of(text) != EMPTY},
            more=self._more,
            items=self._items,
            parts=self._parts,
            first=self._first,
            characters=self._characters,
            longest=self._longest,
            words=self._words,
            most_words=self._most_words,
            sizes=tuple(self._sizes.get(size, 0) for size in range(max(self._sizes, default=0) + 1)),
        )


def size_of(characters: int) -> int:
    """The number of the step in which so many characters are: steps grow by a fifth."""
    return int(log(max(characters, 1), STEP))


def _few_parts(values: Iterable[str], mark: str) -> bool:
    parts: set[str] = set()
    several = 0
    for text in values:
        found = parts_of(text, mark)
        several += len(found) > 1
        parts.update(found)
    return several > 0 and len(parts) <= FEW_PARTS * MOST_VALUES


def _shortened(text: str) -> str:
    flat = " ".join(text[:1_000].split())
    return flat if len(flat) <= SHOWN else flat[: SHOWN - 3] + "..."
