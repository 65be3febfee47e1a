"""The flags of `bertkit analyse language-vector`, checked: languages, their texts, what is added where. Light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from bertkit.errors import RequestError
from bertkit.request.alignment_flags import BilingualFlags, BilingualOptions, PairsFlag
from bertkit.request.analyse_flags import ANALYSIS
from bertkit.request.option import Option

LECTURE = "The girl that can help me is all the way across town. There is no one who can help me."
"""The sentences of Hung-yi Lee's lecture on multilingual BERT."""
MAX_STRENGTH = 1_000
"""The largest absolute value of a strength."""
LEAST = 8
"""Pairs at least, of which half are measured."""


@dataclass(frozen=True, kw_only=True)
class LanguageVectorFlags(BilingualFlags):
    """What is added at which layers, and the sentences that are shown."""

    pairs: PairsFlag = 400
    strengths: Annotated[
        str, Option("--strengths", ANALYSIS, "By what the vector is multiplied, commas between; 0 is always there.")
    ] = "0,1,2,3"
    layers: Annotated[
        str | None,
        Option("--layers", ANALYSIS, "Layers it is added at, commas between; 0: the embeddings. [default: all]"),
    ] = None
    sentence: Annotated[
        list[str] | None,
        Option(
            "--sentence",
            ANALYSIS,
            "Show what becomes of it; may be repeated. [default of en: 'The girl that ...']",
        ),
    ] = None

    def check(self) -> None:
        """Raise RequestError for values that are out of range or do not go together, DataError for a missing file."""
        super().check()
        if not self.source or not self.target:
            raise RequestError("language-vector: name the languages with --from and --to, such as --from en --to zh")
        if self.source == self.target:
            raise RequestError(f"--from {self.source} --to {self.target}: these are one language")
        if self.parallel is None and self.text is None:
            raise RequestError(
                "language-vector: give sentences with --parallel, or a text of each language with --text"
            )
        if self.pairs < LEAST:
            raise RequestError(f"--pairs {self.pairs}: it must be at least {LEAST}")
        if not any(self.factors):
            raise RequestError(f"--strengths {self.strengths}: nothing is added: give one that is not 0")

    @property
    def factors(self) -> tuple[float, ...]:
        """The strengths, 0 first. Raises RequestError."""
        try:
            found = [float(one) for one in self.strengths.split(",")]
        except ValueError:
            found = [math.nan]
        if not all(abs(one) <= MAX_STRENGTH for one in found):  # false of what is not a number too
            raise RequestError(
                f"--strengths {self.strengths}: give numbers up to {MAX_STRENGTH:,} with commas between, such as 0,1,2"
            )
        return (0.0, *sorted(set(found) - {0.0}))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences that are shown; none if none is typed and the language is not English."""
        return tuple(self.sentence or ((LECTURE,) if self.source == "en" else ()))


class LanguageVectorOptions(BilingualOptions, total=False):
    """The options of `analyse language-vector` as keywords, for type checkers; a test compares them with the flags."""

    strengths: str
    sentence: list[str] | str | None
