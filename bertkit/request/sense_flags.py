"""The flags of what words mean in sentences, for `bertkit analyse word` and `cbow`, and those of CBOW. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypedDict

from bertkit.errors import RequestError
from bertkit.request.analyse_flags import ANALYSIS, AnalyseOptions, DrawnSeedFlag, OutFlag, check_alone, check_out
from bertkit.request.keywords import Target
from bertkit.request.option import DATA, OUTPUT, TRAINING, Option

SetName = Literal["wic", "coarsewsd"]
MOST_SIZE = 10_000
"""Dimensions of a vector of CBOW at most, and words of a window on a side."""


@dataclass(frozen=True, kw_only=True)
class SenseFlags:
    """Sentences with a word, or a set of such, as given."""

    sentences: Annotated[
        Path | None,
        Option("--sentences", DATA, "Sentences with the word: columns sentence and sense, or a sentence a line."),
    ] = None
    set: Annotated[
        SetName | None, Option("--set", DATA, "Score a whole set, which --data holds, in place of one word.")
    ] = None
    data: Annotated[Path | None, Option("--data", DATA, "Folder in which the set's files are.")] = None
    limit: Annotated[int | None, Option("--limit", DATA, "Rows of each part of the set; of coarsewsd a word.")] = None
    draws: Annotated[
        int, Option("--draws", ANALYSIS, "Also test so many random samples of the sentences, each by itself.")
    ] = 0
    per_sense: Annotated[int, Option("--per-sense", ANALYSIS, "Sentences of each sense in a sample.")] = 5

    def check(self, word: str | None, needed: bool) -> None:
        """Raise RequestError for values that are out of range, or do not go together.

        needed  whether one of a word with its sentences and a set must be given
        """
        for flag, count, least in (
            ("--limit", self.limit, 1),
            ("--draws", self.draws, 0),
            ("--per-sense", self.per_sense, 2),
        ):
            if count is not None and count < least:
                raise RequestError(f"{flag} {count}: it must be at least {least}")
        one = word is not None or self.sentences is not None
        if one and self.set is not None:
            raise RequestError(f"--set {self.set}: leave out the word and --sentences, whose place it takes")
        if one and (word is None or self.sentences is None):
            raise RequestError("give both a word and the --sentences it is in")
        if needed and not one and self.set is None:
            raise RequestError("give a word with --sentences FILE, or a --set with its --data")
        if self.set is not None and self.data is None:
            raise RequestError(f"--set {self.set}: say with --data where its files are")
        if self.set is None and (self.data is not None or self.limit is not None):
            raise RequestError(f"{'--data' if self.data is not None else '--limit'}: it is for --set")
        if self.draws and self.sentences is None:
            raise RequestError("--draws: it is for --sentences")


@dataclass(frozen=True, kw_only=True)
class CbowFlags:
    """How vectors of words are learnt from a corpus, and what is asked of them, as given.

    Defaults are those of Mikolov et al. (2013) as gensim has them, with a size for small corpora.
    """

    word: Annotated[str | None, Option("--word -w", DATA, "The word whose --sentences are compared.")] = None
    neighbours: Annotated[
        str | None, Option("--neighbours", ANALYSIS, "Words whose nearest words are shown, commas between.")
    ] = None
    analogies: Annotated[
        Path | None,
        Option("--analogies", ANALYSIS, "A file of four words a line: man king woman queen. Lines of : are headings."),
    ] = None
    top_k: Annotated[int, Option("--top-k", OUTPUT, "Nearest words to show.")] = 8
    size: Annotated[int, Option("--size", TRAINING, "Dimensions of a vector.")] = 100
    window: Annotated[int, Option("--window", TRAINING, "Words on each side that a word is predicted from.")] = 5
    min_count: Annotated[int, Option("--min-count", TRAINING, "Leave out words that are rarer than this.")] = 5
    epochs: Annotated[int, Option("--epochs", TRAINING, "Passes over the corpus.")] = 5
    text_column: Annotated[
        str | None, Option("--text-column", DATA, "Column of the text, in a corpus of JSON Lines or Parquet.")
    ] = None
    encoding: Annotated[str | None, Option("--encoding", DATA, "Of the corpus. [default: utf-8]")] = None
    seed: DrawnSeedFlag = 42
    out: OutFlag = Path("runs")

    @property
    def asked(self) -> tuple[str, ...]:
        """The words whose neighbours are shown."""
        return tuple(word.strip() for word in (self.neighbours or "").split(",") if word.strip())

    def check(self) -> None:
        """Raise RequestError for values that are out of range."""
        counts = (("--top-k", self.top_k), ("--size", self.size), ("--window", self.window))
        for flag, count in (*counts, ("--min-count", self.min_count), ("--epochs", self.epochs)):
            if count < 1:
                raise RequestError(f"{flag} {count}: it must be at least 1")
        for flag, count in (("--size", self.size), ("--window", self.window)):
            if count > MOST_SIZE:
                raise RequestError(f"{flag} {count}: it must be at most {MOST_SIZE:,}")
        if self.neighbours is not None and not self.asked:
            raise RequestError("--neighbours: name words, commas between")
        check_alone(self.seed)
        check_out(self.out)


class SenseOptions(TypedDict, total=False):
    """The options of words in sentences as keywords, for type checkers; a test compares them with the flags."""

    sentences: Target | None
    set: SetName | None
    data: Target | None
    limit: int | None
    draws: int
    per_sense: int


class WordOptions(AnalyseOptions, SenseOptions, total=False):
    """The options of `bertkit analyse word` as keywords."""


class CbowOptions(SenseOptions, total=False):
    """The options of `bertkit analyse cbow` as keywords."""

    word: str | None
    neighbours: str | None
    analogies: Target | None
    top_k: int
    size: int
    window: int
    min_count: int
    epochs: int
    text_column: str | None
    encoding: str | None
    seed: int
    out: Target
