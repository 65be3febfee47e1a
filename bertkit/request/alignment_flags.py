"""The flags of `bertkit analyse alignment`, checked: parallel sentences, or a dictionary and texts. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bertkit.errors import DataError, RequestError
from bertkit.files import expanded
from bertkit.request.analyse_flags import ANALYSIS, AnalyseFlags, AnalyseOptions
from bertkit.request.keywords import Target
from bertkit.request.option import DATA, Option

ParallelFlag = Annotated[
    list[str] | None,
    Option("--parallel", DATA, "Texts that translate each other: twice, files line by line; once, a file of columns."),
]
ColumnsFlag = Annotated[
    str | None,
    Option("--columns", DATA, "A column for each language, by name or number: en,zh or 1,2. [default: the first]"),
]
TextFlag = Annotated[
    list[str] | None, Option("--text", DATA, "A text a line; give it twice: the first language's, the second's.")
]
DictionaryFlag = Annotated[
    str | None, Option("--dictionary", DATA, "A word and its translation a line, a space or a tab between.")
]
FromFlag = Annotated[str | None, Option("--from", DATA, "Name of the first language, and its column in one file.")]
ToFlag = Annotated[str | None, Option("--to", DATA, "Name of the second language, and its column in one file.")]
PairsFlag = Annotated[int, Option("--pairs", ANALYSIS, "Pairs at most, drawn from all of them.")]
LEAST_PAIRS = 2


@dataclass(frozen=True, kw_only=True)
class BilingualFlags(AnalyseFlags):
    """Texts of two languages, and how many pairs are read.

    source, target  names of the languages
    """

    source: FromFlag = None
    target: ToFlag = None
    parallel: ParallelFlag = None
    columns: ColumnsFlag = None
    text: TextFlag = None
    dictionary: DictionaryFlag = None
    pairs: PairsFlag = 1_000

    def check(self) -> None:
        """Raise RequestError for values that are out of range or do not go together, DataError for a missing file."""
        super().check()
        if self.pairs < LEAST_PAIRS:
            raise RequestError(f"--pairs {self.pairs}: it must be at least {LEAST_PAIRS}")
        if self.columns is not None and self.parallel is None:
            raise RequestError(f"--columns {self.columns}: these are columns of --parallel: give it")
        if self.parallel is not None and len(self.parallel) > 2:
            raise RequestError(f"--parallel is given {len(self.parallel)} times: give one file of columns, or two")
        if self.text is not None and len(self.text) != 2:
            raise RequestError(f"--text: {len(self.text)} given: give two files, one for each language")
        for file in (*self.parallel_files, *self.text_files, *self.dictionary_files):
            if not file.is_file():
                raise DataError(f"there is no file {file}")

    @property
    def parallel_files(self) -> tuple[Path, ...]:
        """One file of columns, or two files; none if there are none."""
        return tuple(map(expanded, self.parallel or ()))

    @property
    def text_files(self) -> tuple[Path, ...]:
        """The first language's and the second's, or none."""
        return tuple(map(expanded, self.text or ()))

    @property
    def dictionary_files(self) -> tuple[Path, ...]:
        """The dictionary, or none."""
        return () if self.dictionary is None else (expanded(self.dictionary),)

    @property
    def column_names(self) -> list[str] | None:
        """The columns of --parallel: as typed, or in one file those called as the languages are."""
        if self.columns is not None:
            return [one.strip() for one in self.columns.split(",")]
        one_file = len(self.parallel_files) == 1 and self.source and self.target
        if (
            one_file
            and self.source
            and self.target
            and _has_columns(self.parallel_files[0], (self.source, self.target))
        ):
            return [self.source, self.target]
        return None

    @property
    def languages(self) -> tuple[str, str]:
        """What the two are called: as typed, by their columns, or by their files."""
        files = [file.stem for file in (self.parallel_files if len(self.parallel_files) == 2 else self.text_files)]
        named = [one for one in self.column_names or () if not one.isdecimal()]
        found = files if len(files) == 2 and files[0] != files[1] else ["first", "second"]
        if len(named) == 2 and named[0] != named[1]:
            found = named
        return self.source or found[0], self.target or found[1]


def _has_columns(file: Path, names: tuple[str, str]) -> bool:
    with file.open(encoding="utf-8", errors="replace") as lines:
        first = next(lines, "").rstrip("\r\n").removeprefix("\ufeff")
    cells = first.split("," if file.suffix == ".csv" else "\t")
    return set(names) <= {cell.strip().strip('"') for cell in cells}


@dataclass(frozen=True, kw_only=True)
class AlignmentFlags(BilingualFlags):
    """What is aligned: sentences, or words of a dictionary by their occurrences in texts."""

    occurrences: Annotated[
        int, Option("--occurrences", ANALYSIS, "Of a dictionary's word, occurrences in the texts at most.")
    ] = 10
    layers: Annotated[
        str | None,
        Option("--layers", ANALYSIS, "Layers of the table, commas between; 0 is the embeddings. [default: all]"),
    ] = None

    def check(self) -> None:
        """Raise RequestError for values that are out of range or do not go together, DataError for a missing file."""
        super().check()
        if self.occurrences < 1:
            raise RequestError(f"--occurrences {self.occurrences}: it must be at least 1")
        if self.dictionary is None and self.parallel is None:
            raise RequestError("alignment: give sentences with --parallel, or words with --dictionary and --text")
        if self.dictionary is None and self.text is not None:
            raise RequestError(
                "--text: a dictionary's words are looked up in it; give --dictionary, or --parallel alone"
            )
        if self.dictionary is not None and (self.text is None) == (self.parallel is None):
            raise RequestError(
                "--dictionary: name the texts its words are looked up in, with --text twice or --parallel"
            )


class BilingualOptions(AnalyseOptions, total=False):
    """The options of what has two languages as keywords, for type checkers."""

    source: str | None
    target: str | None
    parallel: list[str] | str | None
    columns: str | None
    text: list[str] | None
    dictionary: Target | None
    pairs: int


class AlignmentOptions(BilingualOptions, total=False):
    """The options of `analyse alignment` as keywords, for type checkers; a test compares them with the flags."""

    occurrences: int
