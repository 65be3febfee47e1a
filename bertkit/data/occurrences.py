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
    Matching is greedy and left to right, longest match first, both for phrases of words with spaces between and for
    scripts without spaces, such as Chinese: a word is not found inside a longer match.
    """
    wanted: dict[str, list[str]] = {}
    for entry in words:
        wanted.setdefault(_normalised(entry), []).append(entry)
    longest = max((len(form) for word in words for form in (word, normalize("NFD", word))), default=0)
    phrase_length = max((len(form.split()) for form in wanted), default=0)
    found: dict[str, list[Occurrence]] = {}
    for place, text in enumerate(texts):
        for start, end in _words_in(text, wanted, longest, phrase_length):
            for word in wanted.get(_normalised(text[start:end]), ()):
                if len(found.setdefault(word, [])) < most:
                    found[word].append(Occurrence(text=place, start=start, end=end))
    return found


def _words_in(text: str, wanted: Collection[str], longest: int, phrase_length: int) -> Iterator[tuple[int, int]]:
    """Spans of the greedy match: up to `phrase_length` words, or up to `longest` characters without spaces."""
    runs = [run.span() for run in RUNS.finditer(text)]
    matched_to = 0
    for place, (start, stop) in enumerate(runs):
        if start < matched_to:
            continue
        if not UNSPACED.match(text[start]):
            ends = [end for _, end in runs[place : place + phrase_length]] or [stop]
            matched_to = next((end for end in reversed(ends) if _normalised(text[start:end]) in wanted), stop)
            yield start, matched_to
            continue
        while start < stop:
            tried = range(min(stop, start + longest), start, -1)
            end = next((end for end in tried if _normalised(text[start:end]) in wanted), start + 1)
            yield start, end
            start = end


def _normalised(text: str) -> str:
    """In lower case, letters and accents as one character (NFC), and one space between words."""
    return " ".join(composed(text.casefold()).split())
