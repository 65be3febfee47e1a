"""Profile the columns of raw rows in one pass: what their cells are, which values they have and how often.

Memory is bounded: of a column at most MOST_VALUES distinct values are kept, and of the rows the first SAMPLED. Light.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import log
from pathlib import Path
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

PROFILER = 1
"""Version of the profile; increase it when it changes, so that files are profiled again."""
MOST_VALUES = 20_000
LONGEST_KEY = 200
"""Characters of a value that is counted; longer ones are text, of which only the length is."""
SAMPLED = 200
SHOWN = 40
"""Characters of a sample value."""
STEP = 1.2
FEW_PARTS = 0.1
"""The share of distinct parts in a column's values, up to which a mark may separate labels."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of R rows.

    filled      rows in which it is not empty
    kinds       rows by the kind of their cell (cell_kinds.py), the empty ones left out
    values      its distinct values as they are spelt -> rows, at most MOST_VALUES
    more        whether it has further values, which are not kept
    items       of cells that are lists: the items -> how often they occur, at most MOST_VALUES
    parts       by mark the parts of further values that it separates -> rows, where the kept ones share few parts
    first       its first value, shortened
    characters  their sum over the rows, and `longest` their maximum; `words` and `most_words` likewise
    sizes       rows by how many characters they have, in steps of a fifth (size_of)
    """

    name: str
    filled: int
    kinds: Mapping[str, int]
    values: Mapping[str, int]
    more: bool
    items: Mapping[str, int]
    parts: Mapping[str, Mapping[str, int]]
    first: str
    characters: int
    longest: int
    words: int
    most_words: int
    sizes: tuple[int, ...]

    @property
    def is_unique(self) -> bool:
        """Whether no value occurs twice among those that are kept, so that it is an id, or text."""
        return self.filled > 1 and all(count == 1 for count in self.values.values())

    @property
    def mean_characters(self) -> float:
        """Characters of a cell that is not empty."""
        return self.characters / max(self.filled, 1)

    @property
    def mean_words(self) -> float:
        """Words, separated by white space, of a cell that is not empty."""
        return self.words / max(self.filled, 1)

    def only(self, *kinds: str) -> bool:
        """Whether it has cells, all of these kinds."""
        return bool(self.kinds) and set(self.kinds) <= set(kinds)

    def has(self, *kinds: str) -> bool:
        """Whether it has a cell of these kinds."""
        return bool(set(self.kinds) & set(kinds))

    def most_characters(self, share: float) -> int:
        """Characters that `share` of the cells do not exceed, a fifth too many at most."""
        seen = 0
        for size, rows in enumerate(self.sizes):
            seen += rows
            if seen >= share * self.filled:
                return min(round(STEP ** (size + 1)), self.longest)
        return self.longest


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`rows` rows and their columns, in the order in which they first occur, and the first SAMPLED rows."""

    rows: int
    columns: tuple[Column, ...]
    sample: tuple[Mapping[str, Any], ...]

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}


def profile(rows: Iterable[Mapping[str, Any]]) -> Profile:
    """The profile of raw rows, read once."""
    counting: dict[str, _Counting] = {}
    sample: list[Mapping[str, Any]] = []
    number = 0
    for row in rows:
        number += 1
        if number <= SAMPLED:
            sample.append(row)
        for name, value in row.items():
            column = counting.get(name)
            if column is None:
                column = counting[name] = _Counting()
            column.add(value)
    columns = tuple(column.close(str(name)) for name, column in counting.items())
    return Profile(rows=number, columns=columns, sample=tuple(sample))


def merged(profiles: Sequence[Profile]) -> Profile:
    """One profile of several files' rows."""
    if len(profiles) == 1:
        return profiles[0]
    names = dict.fromkeys(column.name for one in profiles for column in one.columns)
    columns = [_merged([one.by_name[name] for one in profiles if name in one.by_name]) for name in names]
    sample = [row for one in profiles for row in one.sample][:SAMPLED]
    return Profile(rows=sum(one.rows for one in profiles), columns=tuple(columns), sample=tuple(sample))


def _merged(columns: Sequence[Column]) -> Column:
    widest = max(len(one.sizes) for one in columns)
    return Column(
        name=columns[0].name,
        filled=sum(one.filled for one in columns),
        kinds=_added(one.kinds for one in columns),
        values=_added(one.values for one in columns),
        more=any(one.more for one in columns),
        items=_added(one.items for one in columns),
        parts={mark: _added(one.parts.get(mark, {}) for one in columns) for mark in SEPARATORS},
        first=next((one.first for one in columns if one.first), ""),
        characters=sum(one.characters for one in columns),
        longest=max(one.longest for one in columns),
        words=sum(one.words for one in columns),
        most_words=max(one.most_words for one in columns),
        sizes=tuple(sum(one.sizes[k] for one in columns if k < len(one.sizes)) for k in range(widest)),
    )


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for key, count in one.items():
            total[key] = total.get(key, 0) + count
    return total


def save_profile(found: Profile, path: Path) -> None:
    """Write it as JSON."""
    plain = {"rows": found.rows, "columns": [asdict(one) for one in found.columns], "sample": found.sample}
    path.write_text(json.dumps(plain, default=str), "utf-8")


def saved_profile(path: Path) -> Profile:
    """Read what `save_profile` wrote. Raises ValueError, KeyError, TypeError or OSError."""
    plain = json.loads(path.read_text("utf-8"))
    columns = tuple(Column(**{**one, "sizes": tuple(one["sizes"])}) for one in plain["columns"])
    return Profile(rows=plain["rows"], columns=columns, sample=tuple(plain["sample"]))


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
        else:
            self._note_kind(LIST, 1)
            self._note_items(items, 1)
            self._note_size(sum(len(item) + 1 if isinstance(item, str) else 2 for item in items), len(items), 1)
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
