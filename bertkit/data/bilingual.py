"""Texts of two languages that translate each other: parallel sentences, bilingual dictionaries. Read and sampled.

P pairs, U texts of the first language, V of the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertkit.data.decoding import lines
from bertkit.data.read_tables import read_csv
from bertkit.errors import DataError, RequestError
from bertkit.findings import Findings

EMPTY, AGAIN = "with an empty side", "that were there before"


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """What translates what.

    texts    U distinct texts of the first language, V of the second
    links    (P, 2) places of texts that translate each other; a text may have several translations
    skipped  pairs that were left out, by the reason
    """

    texts: tuple[tuple[str, ...], tuple[str, ...]]
    links: NDArray[np.int64]
    skipped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.links)

    def only(self, kept: NDArray[np.int64]) -> Pairs:
        """These of the pairs, by their places, and the texts that are in them."""
        return _pairs([(self.texts[0][a], self.texts[1][b]) for a, b in self.links[kept]], self.skipped)

    def sampled(self, count: int, seed: int) -> Pairs:
        """`count` of the pairs in their order, drawn without replacement; all of them if they are not more."""
        if len(self) <= count:
            return self
        return self.only(np.sort(np.random.default_rng(seed).choice(len(self), count, replace=False)))

    def one_to_one(self) -> Pairs:
        """The pairs neither of whose texts is in an earlier one."""
        seen: tuple[set[int], set[int]] = (set(), set())
        kept = []
        for k, (a, b) in enumerate(self.links.tolist()):
            if a not in seen[0] and b not in seen[1]:
                kept.append(k)
                seen[0].add(a)
                seen[1].add(b)
        return self.only(np.array(kept, np.int64))


def read_parallel(files: Sequence[Path], columns: Sequence[str] | None) -> Pairs:
    """The pairs of two files, line by line, or of one with two columns.

    columns  of each text its column: the name in the file's first line, or its number from 1 on in a file that names
             none. Without them: of two files the first column, of one file its two

    A .csv file is quoted as RFC 4180 has it and its columns are named; of any other file tabs separate the columns, and
    of two files whose names do not end in .tsv or .csv a line is a text. Raises DataError for files of unequal length,
    an empty one or a column that is missing, RequestError for a number of columns that does not fit.
    """
    if len(files) not in (1, 2):
        raise RequestError(f"--parallel is given {len(files)} times: give one file of two columns, or two files")
    if columns is not None and len(columns) != 2:
        raise RequestError(f"--columns {','.join(columns)}: name two, one for each language, such as en,zh or 1,2")
    found = _two_columns(files[0], columns) if len(files) == 1 else _line_by_line(files, columns)
    pairs = _pairs(found)
    if not len(pairs):
        raise DataError(f"{' and '.join(map(str, files))}: each of the {len(found):,} pairs has an empty side")
    return pairs


def _line_by_line(files: Sequence[Path], columns: Sequence[str] | None) -> list[tuple[str, str]]:
    first, second = (_column(file, columns[k] if columns else None) for k, file in enumerate(files))
    if len(first) != len(second):
        longer, shorter = files if len(first) > len(second) else files[::-1]
        raise DataError(
            f"{longer} has {max(len(first), len(second)):,} lines and {shorter} {min(len(first), len(second)):,}: "
            "line n of one must translate line n of the other"
        )
    return list(zip(first, second, strict=True))


def read_dictionary(file: Path) -> Pairs:
    """The pairs of a dictionary in MUSE's layout: a word and its translation a line, a tab or a space between.

    A line with a tab may have several words on a side. Raises DataError for a line of another kind, or an empty file.
    """
    pairs = []
    for number, line in lines(file):
        cells = line.split("\t") if "\t" in line else line.split()
        if cells and len(cells) != 2:
            raise DataError(
                f"{file}, line {number}: a word and its translation are expected, with a tab or a space between"
            )
        if cells:
            pairs.append((cells[0], cells[1]))
    if not pairs:
        raise DataError(f"{file} is empty: a word and its translation are expected on each line")
    return _pairs(pairs)


def read_texts(file: Path) -> tuple[str, ...]:
    """The lines of a file that are not blank. Raises DataError if there is none."""
    found = tuple(text for _, line in lines(file) if (text := line.strip()))
    if not found:
        raise DataError(f"{file} is empty: a text is expected on each line")
    return found


def check_different(texts: Sequence[Sequence[str]], languages: Sequence[str]) -> None:
    """Raise DataError if at least half of the texts of one language are the other's too."""
    one, other = (set(side) for side in texts)
    if 2 * len(one & other) >= len(one):
        raise DataError(
            f"{languages[0]} and {languages[1]} have the same texts ({len(one & other):,} of {len(one):,}): "
            "name a file of each language"
        )


def _pairs(pairs: Iterable[tuple[str, str]], skipped: Mapping[str, int] | None = None) -> Pairs:
    places: tuple[dict[str, int], dict[str, int]] = ({}, {})
    links: dict[tuple[int, int], None] = {}
    left = {EMPTY: 0, AGAIN: 0, **(skipped or {})}
    for pair in pairs:
        one, other = pair[0].strip(), pair[1].strip()
        if not one or not other:
            left[EMPTY] += 1
            continue
        link = (places[0].setdefault(one, len(places[0])), places[1].setdefault(other, len(places[1])))
        left[AGAIN] += link in links
        links[link] = None
    found = np.array(list(links), np.int64).reshape(-1, 2)
    return Pairs(texts=(tuple(places[0]), tuple(places[1])), links=found, skipped={k: n for k, n in left.items() if n})


def _column(file: Path, column: str | None) -> list[str]:
    """One text a line: the whole line of a plain text, else a column."""
    if file.suffix not in (".tsv", ".csv") and column is None:
        found = [line for _, line in lines(file)]
        while found and not found[-1].strip():
            found.pop()
    else:
        rows = _table(file, [column or "1"])
        found = [row[0] for row in rows]
    if not any(text.strip() for text in found):
        raise DataError(f"{file} is empty: a text is expected on each line")
    return found


def _two_columns(file: Path, columns: Sequence[str] | None) -> list[tuple[str, str]]:
    found = [(row[0], row[1]) for row in _table(file, columns or ["1", "2"], exactly=None if columns else 2)]
    if not found:
        raise DataError(f"{file} is empty: two columns of text are expected")
    return found


def _table(file: Path, columns: Sequence[str], exactly: int | None = None) -> list[list[str]]:
    """The cells of these columns, a row a line. `exactly` is how many columns the file must have."""
    rows = _csv(file) if file.suffix == ".csv" else [(number, line.split("\t")) for number, line in lines(file)]
    while rows and not "".join(rows[-1][1]).strip():
        rows.pop()
    if not rows:
        return []
    header = [cell.strip() for cell in rows[0][1]]
    named = not all(column.isdecimal() for column in columns)
    if exactly is not None and len(header) != exactly:
        said = f"it has {len(header)} column{'s' * (len(header) != 1)}"
        raise DataError(f"{file}: {said}: name the two with --columns, such as --columns en,zh or --columns 1,2")
    places = [_place(file, column, header, named) for column in columns]
    found = []
    for number, cells in rows[named or file.suffix == ".csv" :]:
        if not "".join(cells).strip():  # the line of a pair whose texts are missing
            cells = [""] * len(header)
        if len(cells) <= max(places):
            raise DataError(f"{file}, line {number}: it has {len(cells)} columns, and column {max(places) + 1} is read")
        found.append([cells[place] for place in places])
    return found


def _csv(file: Path) -> list[tuple[int, list[str]]]:
    rows = list(read_csv(file, Findings([file])))
    return [(1, list(rows[0][1])), *((number, list(row.values())) for number, row in rows)] if rows else []


def _place(file: Path, column: str, header: Sequence[str], named: bool) -> int:
    """A column's place, from 0."""
    if named and column in header:
        return header.index(column)
    if not named and 1 <= int(column) <= len(header):
        return int(column) - 1
    have = ", ".join(header) if named else f"{len(header)} column{'s' * (len(header) != 1)}"
    raise DataError(f"{file} has no column {column}: it has {have}"[:300])
