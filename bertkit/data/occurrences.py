"""Where the words of a dictionary stand in texts: between spaces, or by the longest match in scripts without them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from bertkit.data.word_characters import SPACED_WORD, UNSPACED, UNSPACED_CHARS, composed

RUNS = re.compile(rf"[{UNSPACED_CHARS}]+|{SPACED_WORD}(?:['’\-]{SPACED_WORD})*")
"""A run of characters without spaces, or a word; an apostrophe or a hyphen inside."""


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """A word in a text: the text's place, and the characters from `start` to `end`, the end not counted."""

    text: int
    start: int
    end: int


def occurrences(words: Collection[str], texts: Sequence[str], most: int) -> dict[str, list[Occurrence]]:
    """Of each word that occurs its first `most` occurrences, in the order of the texts.

    Case is ignored, and whether accents are characters of their own (NFC or NFD).
    A run of Chinese characters, or another script without spaces, is cut into the longest words from the left, so that
    a word is not found within a longer one that the words have too.
    """
    wanted = {_normalised(word): word for word in words}
    longest = max((len(form) for word in words for form in (word, normalize("NFD", word))), default=0)
    found: dict[str, list[Occurrence]] = {}
    for place, text in enumerate(texts):
        for start, end in _words_in(text, wanted, longest):
            word = wanted.get(_normalised(text[start:end]))
            if word is not None and len(found.setdefault(word, [])) < most:
                found[word].append(Occurrence(text=place, start=start, end=end))
    return found


def _words_in(text: str, wanted: Collection[str], longest: int) -> Iterator[tuple[int, int]]:
    for run in RUNS.finditer(text):
        start, stop = run.span()
        if not UNSPACED.match(run[0]):
            yield start, stop
            continue
        while start < stop:
            ends = range(min(stop, start + longest), start, -1)
            end = next((end for end in ends if _normalised(text[start:end]) in wanted), start + 1)
            yield start, end
            start = end


def _normalised(text: str) -> str:
    return composed(text.casefold())
