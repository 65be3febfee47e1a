"""Where rows come from, as a value; and which files of a folder hold a split, by names only.

Light: no file is opened here; data/rows.py reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

from bertkit.errors import DataError, RequestError

SUFFIXES = (".parquet", ".jsonl", ".csv", ".tsv", ".json", ".conllu", ".npz")
PARENTS = ("", "glue", "superglue", "clue", "ud")


@dataclass(frozen=True, kw_only=True)
class HubRows:
    """A dataset of the Hub: its id, config, and the Hub's name for each of our splits."""

    id: str
    config: str | None = None
    revision: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Carve:
    """How a dev split replaces a train split that was never published.

    `train` of every `of` groups (documents, drawn by the spec's seed) train; the others score.
    """

    dev: str
    train: int
    of: int


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """How rows for scoring are held out of a train split where there is no dev file.

    share  of the train rows, stratified by label; equal texts stay on one side, and so do the rows of a group
    most   rows at most; None is no limit. Of 10,000 rows the 95 % interval is at most a point wide on either side
    """

    share: float = 0.2
    most: int | None = 10_000

    def __post_init__(self) -> None:
        """Raise RequestError for a share that would leave one side empty."""
        if not 0 < self.share < 1:
            raise RequestError(f"--dev-share {self.share:g}: it is a share of the train rows, 0 < share < 1")


FileKind = Literal["csv", "tsv", "jsonl", "json", "parquet", "conllu", "conll", "folders", "npz"]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """How one file is read, where its name and its task do not say it.

    kind       its layout: "csv" has quoted cells and any `delimiter`, "tsv" is split at tabs and has none; "json" is a
               list of rows or SQuAD's; "conll" has a word and its tags a line; "folders" is a folder for each class;
               "npz" is an archive of NumPy's arrays (data/read_npz.py)
    delimiter  of a csv
    header     whether the first line names the columns
    columns    names of the columns where no line names them
    encoding   as Python names it
    """

    kind: FileKind
    delimiter: str = ","
    header: bool = True
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"


@dataclass(frozen=True, kw_only=True)
class Blanks:
    """How a row is made of each blank of a passage, or of a list of them.

    text     the column of the passages
    mark     what a blank looks like, a regular expression; marks with numbers name their blanks
    own      what stands for a row's own blank, and `other` for the others of its passage
    around   characters of the passage that are kept on either side of the blank
    answer   the column with the place of the answer
    answers  that with the answers of several blanks, by their marks: {"text": [...], "candidate_id": [...]}
    """

    text: str
    mark: str
    own: str
    other: str
    around: int
    answer: str
    answers: str


@dataclass(frozen=True, kw_only=True)
class Nested:
    """How rows are made of objects inside objects: a column of an inner one is named by its path, "passage.text".

    each    lists of which every item is a row, the outer ones first; any other list of objects is a list for each of
            their columns: "answers.text" holds the texts of all answers
    joined  columns by which rows that follow one another are one row
    lists   columns of which a joined row has the list of all values; of any other it has the first
    cut     for a column the one with its text, and the lists with first and last characters, of the spans that
            are its items, each once
    """

    each: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    cut: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Words of a text that are marked where they stand: `left` before them, `right` after them.

    text   the column of the text
    word   that of the words; with `end` as a dictionary has them, otherwise as they stand in the text
    start  that of their place in the text: a character, or with `by_words` a word, of words parted by spaces, from 0
    end    that of the first character after them; "" where there is none
    """

    text: str
    word: str
    start: str
    end: str = ""
    left: str
    right: str
    by_words: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from.

    hub      the dataset of the Hub, or None where it has none
    folders  names of the folder in the official layout, below DATA, DATA/glue or DATA/ud
    files    for each split the official file names (`*` allowed), best first; of a split in `formats` those of all
             its files
    stems    for each split how other files' names begin (`train` for `train-00000-of-00001.parquet`)
    columns  for each role (`text`, `text_pair`, `label`, ...) the names its column may have
    header   for each split whose official file has no header line, its columns
    labels   how the data spells a label (a word, an id) -> the label's name
    dropped  golds of rows that the data set's own documentation excludes -> why
    drops_broken  whether lines with another number of columns are skipped: the data set is known for some
    rows     for each split its published number of rows
    carve    what replaces a missing train split
    hold_out what replaces a missing dev split
    formats  for each split how its files are read; without one by their suffix
    joined   for each role the columns that are joined, with a space between them, where it has several
    listed   for each role the columns whose cells are its list, where it has several
    phrases  for a column what each of its cells stands for: {"question": {"cause": "What was the cause of this?"}}
    separator   what stands between the labels of a cell that holds several
    written     for each role how its cells are written, where they are texts and no lists or numbers: "json" is a list
                as JSON or Python have it, "space" are items with white space between them, "comma" is a number with
                a decimal comma, and "text" an answer's text alone
    indicators  columns that are 1 where their row has the label of that name, and 0 where not
    skips       whether bad rows are skipped and counted (up to 5 %) unasked: the published files have some
    halved_by   whose dev rows divide those of this source, which stand in the same order, into halves by their texts
                (data/halves.py): "train" is the first half, any other split the second
    blanks      how rows are made of passages with blanks; None where a file has none
    nested      how rows are made of nested objects; None where a file has a row for each object
    marks       words that are marked in the texts, the last one of a text first
    """

    hub: HubRows | None = None
    folders: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    header: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    drops_broken: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    carve: Carve | None = None
    hold_out: HoldOut | None = None
    formats: Mapping[str, FileFormat] = field(default_factory=dict)
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phrases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    separator: str | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    indicators: tuple[str, ...] = ()
    skips: bool = False
    halved_by: Source | None = None
    blanks: Blanks | None = None
    nested: Nested | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Located:
    """The files of one split, whether they are the official ones, and a note if they were chosen among several."""

    split: str
    files: tuple[Path, ...]
    official: bool
    note: str | None = None


def locate(source: Source, data: Path, split: str) -> Located | None:
    """The files below the folder `data` that hold `split`; None if it has none.

    An exact official name comes first, in whichever folder, then the larger file. Raises DataError if `data` is not a
    folder.
    """
    if not data.is_dir():
        raise DataError(f"--data {data}: {'not a folder' if data.exists() else 'there is no such folder'}")
    folders = _folders(source, data)
    official = (_official(source, folder, split) for folder in folders)
    others = (_others(source, folder, split) for folder in folders)
    return next(filter(None, chain(official, others)), None)


def _folders(source: Source, data: Path) -> list[Path]:
    named = [data / parent / name for parent in PARENTS for name in source.folders]
    return [folder for folder in [*named, data] if folder.is_dir()]


def _official(source: Source, folder: Path, split: str) -> Located | None:
    if split in source.formats or source.stems.get(split) == ():  # a user's own files: all that are named
        return _all(folder, source.files.get(split, ()), split)
    for pattern in source.files.get(split, ()):
        matches = sorted(path for path in folder.glob(pattern) if path.is_file())
        if len(matches) > 1:
            largest = max(matches, key=lambda path: path.stat().st_size)
            return Located(split=split, files=(largest,), official=True, note=_choice(largest, matches))
        if matches:
            return Located(split=split, files=(matches[0],), official=True)
    return None


def _all(folder: Path, patterns: tuple[str, ...], split: str) -> Located | None:
    """All files of all patterns; None if there are none. Raises DataError if only some patterns have files."""
    by_pattern = {pattern: _matches(folder, pattern) for pattern in patterns}
    found = {path for matches in by_pattern.values() for path in matches}
    lacking = [pattern for pattern, matches in by_pattern.items() if not matches]
    if found and lacking:
        raise DataError(f"{folder} has no {', '.join(lacking[:3])}: {len(lacking)} of {len(patterns)} names of {split}")
    return Located(split=split, files=tuple(sorted(found)), official=True) if found else None


def _matches(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob(pattern) if path.name[0] != "." and path.is_file()]


def _others(source: Source, folder: Path, split: str) -> Located | None:
    """Files named after the split in another layout; shards of one set count as one."""
    stems = source.stems.get(split, (split,))
    sets: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        stem = next((s for s in stems if re.match(re.escape(s) + r"(?![a-z0-9_])", path.name, re.I)), None)
        if stem and path.is_file() and path.suffix in SUFFIXES:
            sets.setdefault(re.sub(r"\d{5}-of-(?=\d{5})", "", path.name), []).append(path)
    if not sets:
        return None
    best = max(sets.values(), key=lambda paths: sum(path.stat().st_size for path in paths))
    check_shards(best)
    note = _choice(best[0], [paths[0] for paths in sets.values()]) if len(sets) > 1 else None
    return Located(split=split, files=tuple(best), official=False, note=note)


def check_shards(paths: list[Path]) -> None:
    """Raise DataError if files called 00000-of-00003 and so on are not all there."""
    found = re.search(r"\d{5}-of-(\d{5})", paths[0].name)
    if found and len(paths) != int(found[1]):
        wanted = {re.sub(r"\d{5}(?=-of-)", f"{k:05}", paths[0].name) for k in range(int(found[1]))}
        missing = sorted(wanted - {path.name for path in paths})
        raise DataError(f"{paths[0].parent} lacks {', '.join(missing[:3])}: {len(paths)} of {int(found[1])} shards")


def _choice(taken: Path, among: list[Path]) -> str:
    rest = ", ".join(path.name for path in among if path != taken)
    return f"{taken.name} is read, being larger than {rest}"
