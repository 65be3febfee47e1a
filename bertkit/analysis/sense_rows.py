"""Sentences with one word in each, and its senses if they are marked: read from a file, the word found. Light.

N sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bertkit.data.decoding import check_line_ends, lines
from bertkit.data.readers import read_located
from bertkit.errors import DataError, RequestError

TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
"""Suffixes of files with columns; any other has a sentence a line."""
SENTENCE, SENSE, START = ("sentence", "text"), ("sense", "label"), ("start", "position")
"""The names that each column may have, the first that is there counting; a start is in characters, from 0."""
SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class SenseRows:
    """N sentences with a word.

    spans   where the word stands in each, in characters, the end not counted
    senses  what it means in each; None if that is not marked
    names   how messages name each sentence: "bank.csv, line 3"
    """

    word: str
    sentences: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    senses: tuple[str, ...] | None
    names: tuple[str, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many sentences each sense has, in the order of their first one."""
        return Counter(self.senses or ())

    def taken(self, rows: list[int]) -> SenseRows:
        """These sentences, in this order."""
        return SenseRows(
            word=self.word,
            sentences=tuple(self.sentences[k] for k in rows),
            spans=tuple(self.spans[k] for k in rows),
            senses=None if self.senses is None else tuple(self.senses[k] for k in rows),
            names=tuple(self.names[k] for k in rows),
        )


def places_of(word: str, sentence: str) -> list[tuple[int, int]]:
    """Where the word is in a sentence: its characters from the first number to the second, that one not counted.

    As a whole word, in any case; in scripts without spaces anywhere. Its accents may be characters of their own in one
    and not in the other (NFC and NFD).
    """
    from bertkit.data.word_characters import BEGINS, ENDS, UNSPACED

    forms = dict.fromkeys([word, normalize("NFC", word), normalize("NFD", word)])
    pattern = f"(?:{'|'.join(map(re.escape, forms))})"
    if not UNSPACED.search(word):
        pattern = f"{BEGINS}{pattern}{ENDS}"
    return [found.span() for found in re.finditer(pattern, sentence, re.IGNORECASE)]


def read_sense_rows(path: Path, word: str) -> SenseRows:
    """The sentences of a file: a table with the columns sentence and, if they are known, sense; or a sentence a line.

    A column `start` says which of a word's places in its sentence is meant. Raises DataError or RequestError, naming
    the line: for a word that is not in its sentence, or there twice; for one sense only or one a sentence, and for
    one sentence.
    """
    if not word.strip():
        raise RequestError("the word is empty")
    if not path.is_file():
        raise DataError(f"--sentences {path}: there is no such file")
    word, found = word.strip(), list(_rows(path))
    if len(found) < 2:
        raise DataError(f"{path}: {'one sentence' if found else 'it is empty'}; at least two are compared")
    senses = [sense for *_, sense in found]
    if any(senses):
        lacking = next((name for name, *_, sense in found if not sense), None)
        if lacking is not None:
            raise DataError(f"{lacking}: no sense, and other lines have one: give it one, or leave the column out")
        if len(set(senses)) == 1:
            raise DataError(f"{path}: all {len(found)} sentences have one sense, '{senses[0]}': two are compared")
        if len(set(senses)) == len(senses):
            raise DataError(f"{path}: each sentence has a sense of its own: at least one sense needs two sentences")
    order = _by_sense(senses)
    rows = SenseRows(
        word=word,
        sentences=tuple(sentence for _, sentence, _, _ in found),
        spans=tuple(_span(word, sentence, start, name) for name, sentence, start, _ in found),
        senses=tuple(senses) if any(senses) else None,
        names=tuple(name for name, *_ in found),
    )
    return rows.taken(order)


def check_samples(rows: SenseRows, each: int) -> None:
    """Raise DataError unless every sense has so many sentences as a sample takes."""
    if rows.senses is None:
        raise DataError("--draws: the sentences have no senses, so that there is nothing to test")
    for sense, count in rows.counts.items():
        if count < each:
            raise DataError(f"--per-sense {each}: the sense '{sense}' has {count} sentence{'s' * (count != 1)}")


def _by_sense(senses: list[str]) -> list[int]:
    """The rows of each sense together, in the order of its first one."""
    first = {sense: k for k, sense in reversed(list(enumerate(senses)))}
    return sorted(range(len(senses)), key=lambda k: first[senses[k]])


def _span(word: str, sentence: str, start: int | None, name: str) -> tuple[int, int]:
    places = places_of(word, sentence)
    shown = sentence if len(sentence) <= SHOWN else f"{sentence[:SHOWN]}…"
    if not places:
        raise DataError(f"{name}: '{word}' is not in its sentence: {shown}")
    if start is not None:
        end = dict(places).get(start)
        if end is None:
            there = ", ".join(str(begin) for begin, _ in places)
            raise DataError(f"{name}: '{word}' does not begin at character {start} of its sentence, but at {there}")
        return start, end
    if len(places) > 1:
        there = ", ".join(str(begin) for begin, _ in places[:5])
        raise DataError(
            f"{name}: '{word}' is in its sentence {len(places)} times (from characters {there}): "
            "say which in a column 'start', or leave the line out"
        )
    return places[0]


def _rows(path: Path) -> Iterator[tuple[str, str, int | None, str]]:
    """For each sentence its name, itself, where its word is said to begin, and its sense or ""."""
    if path.suffix.lower() not in TABLES:
        check_line_ends(path)
        for number, line in lines(path):
            if line.strip():
                yield f"{path}, line {number}", line.strip(), None, ""
        return
    for name, row in read_located(path):
        sentence, sense, start = (_column(row, names) for names in (SENTENCE, SENSE, START))
        if sentence is None:
            raise DataError(f"{name}: no column '{SENTENCE[0]}'; there is {', '.join(map(str, row)) or 'none'}")
        if not isinstance(row[sentence], str) or not row[sentence].strip():
            raise DataError(f"{name}: the sentence is empty")
        said = "" if sense is None or row[sense] is None else str(row[sense]).strip()
        yield name, row[sentence], None if start is None else _number(row[start], name, start), said


def _column(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next(compress(names, [name in row for name in names]), None)


def _number(value: Any, name: str, column: str) -> int | None:
    if value is None or not str(value).strip():
        return None
    if not str(value).strip().isdecimal():
        raise DataError(f"{name}: {column} is '{value}', and no number of characters")
    return int(str(value))
