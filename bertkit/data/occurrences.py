"""Where the words of a dictionary stand in texts: between spaces, or by the longest match in scripts without them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

UNSPACED_CHARS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
RUNS = re.compile(rf"[{UNSPACED_CHARS}]+|[^\W{UNSPACED_CHARS}]+(?:['’\-][^\W{UNSPACED_CHARS}]+)*")
UNSPACED = re.compile(f"[{UNSPACED_CHARS}]")
"""One of their characters."""


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """A word in a text: the text's place, and the characters from `start` to `end`, the end not counted."""

    text: int
    start: int
    end: int


def occurrences(words: Collection[str], texts: Sequence[str], most: int) -> dict[str, list[Occurrence]]:
    """Of each word that occurs its first `most` occurrences, in the order of the texts; case is ignored.

    A run of Chinese characters, or another script without spaces, is cut into the longest words from the left, so that
    a word is not found within a longer one that the words have too.
    """
    wanted = {word.casefold(): word for word in words}
    longest = max(map(len, wanted), default=0)
    found: dict[str, list[Occurrence]] = {}
    for place, text in enumerate(texts):
        for start, end in _words_in(text, wanted, longest):
            word = wanted.get(text[start:end].casefold())
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
            end = next((end for end in ends if text[start:end].casefold() in wanted), start + 1)
            yield start, end
            start = end
