"""Profile the columns of raw rows in one pass: what their cells are, which values they have and how often.

Memory is bounded: of a column at most MOST_VALUES distinct values are kept, and of the rows the first SAMPLED, with the
first SAMPLED_VECTORS of a sequence of vectors. Light.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bertkit.data.cell_kinds import SEPARATORS

PROFILER = 6
"""Version of the profile; increase it when it changes, so that files are profiled again."""
MOST_VALUES = 20_000
SAMPLED = 200
SAMPLED_VECTORS = 2
STEP = 1.2
"""By which the sizes grow of which the rows are counted."""


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
    """`rows` rows and their columns, in the order in which they first occur, and the first SAMPLED rows.

    sample  of a sequence of vectors it has the first SAMPLED_VECTORS
    """

    rows: int
    columns: tuple[Column, ...]
    sample: tuple[Mapping[str, Any], ...]

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}


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
