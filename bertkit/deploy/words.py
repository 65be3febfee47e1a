"""Split typed text into words for tagging: at spaces, with punctuation split off. Standard library only."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

INSIDE_WORDS = frozenset("'’-‐‑.·_@&#׳״")
"""Marks that stay between two letters or digits: don't, well-known, U.S, snake_case, a@b.org, AT&T, צה״ל."""
INSIDE_NUMBERS = frozenset(",:/٫٬")
"""Marks that stay between two digits: 1,000, 10:30, 24/12, and the Arabic separators."""
CLITIC = re.compile("['’](s|t|m|d|re|ve|ll|em|tis|twas|n|cause)$", re.IGNORECASE)
"""Words that begin with an apostrophe: in text whose words are split already (`do n't`, `Anna 's`), and 'tis."""
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*://|www\.)\S", re.IGNORECASE)
ABBREVIATION = re.compile(r"([^\W\d_]\.){2,}$")
UNSPACED_CHARS = (
    "[\u0e01-\u0e4e\u0e81-\u0eff\u1000-\u109f\u1780-\u17d3\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""A character of a script without spaces: Thai, Lao, Burmese, Khmer, Japanese or Chinese (Unicode's blocks)."""
UNSPACED = re.compile(UNSPACED_CHARS + "{2,}")
"""Two of them."""
CLOSING = {")": "(", "]": "[", "}": "{"}


def split_words(text: str) -> list[str]:
    """The words of a text, which joined are the text without its spaces.

    Punctuation and currency signs (Unicode's P and Sc) become words of their own where they stand before or behind
    a word, or between two; a mark that is repeated is one word ("..."). What stays whole: contractions and
    words with a hyphen (don't, O'Neill, well-known), numbers (3.14, 1,000, 10:30, -5), abbreviations of single
    letters (U.S., e.g.), URLs, e-mail addresses, #tags and @names, and what has spaces round it and no letter (":-)").
    A full stop behind any other abbreviation is split off ("Mr" "."). Scripts without spaces are not split.
    """
    return [word for chunk in text.split() for word in _split_chunk(chunk)]


def unsplit(words: list[str]) -> str | None:
    """The first word that is text in a script without spaces, of several characters; None if there is none."""
    return next((word for word in words if UNSPACED.search(word)), None)


def _split_chunk(chunk: str) -> list[str]:
    if all(map(_is_mark, chunk)):
        return [chunk]
    start = 0
    while _is_mark(chunk[start]) and not _begins_word(chunk[start:]):
        start += 1
    end = len(chunk)
    address = bool(ADDRESS.match(chunk, start))
    while _is_mark(chunk[end - 1]) and not _ends_word(chunk[start:end], address):
        end -= 1
    inner = [chunk[start:end]] if address else _split_inside(chunk[start:end])
    return [*_marks(chunk[:start]), *inner, *_marks(chunk[end:])]


def _is_mark(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] == "P" or kind == "Sc"


def _begins_word(rest: str) -> bool:
    """Whether the mark that `rest` begins with is the beginning of a word: -5, .5, #tag, @name, 's."""
    following = rest[1:2]
    if rest[0] in "-.":
        return following.isdigit()
    return (rest[0] in "#@" and following.isalnum()) or bool(CLITIC.match(rest))


def _ends_word(word: str, address: bool) -> bool:
    """Whether the mark that `word` ends with is a part of it: U.S., or of an address all but a sentence's own marks."""
    last = word[-1]
    if not address:
        return bool(ABBREVIATION.match("".join(char for char in word if unicodedata.category(char)[0] != "M")))
    if last in CLOSING:
        return word.count(CLOSING[last]) >= word.count(last)
    return last in "/-_#=&%@~*+$"


def _split_inside(word: str) -> list[str]:
    """A word split at the marks between its letters, but for those that hold words or numbers together."""
    parts: list[str] = [""]
    for place, char in enumerate(word):
        if not _is_mark(char) or _holds(word, place):
            parts[-1] += char
        else:
            parts += [char, ""]
    return [part for part in _joined(parts) if part]


def _holds(word: str, place: int) -> bool:
    before, char, after = word[:place], word[place], word[place + 1 :]
    if not before or not after:
        return True  # a mark that begins or ends the word was found to be a part of it
    if char in INSIDE_NUMBERS:
        return before[-1].isdigit() and after[0].isdigit()
    return char in INSIDE_WORDS and not _is_mark(before[-1]) and not _is_mark(after[0])


def _joined(parts: list[str]) -> list[str]:
    """The parts, a mark that is repeated as one."""
    kept = [part for part in parts if part]
    return [
        piece
        for _, run in groupby(kept, key=lambda part: part if len(part) == 1 and _is_mark(part) else None)
        for piece in _run(list(run))
    ]


def _run(run: list[str]) -> list[str]:
    return ["".join(run)] if len(set(run)) == 1 and _repeats(run[0]) else run


def _repeats(mark: str) -> bool:
    return len(mark) == 1 and _is_mark(mark) and unicodedata.category(mark) not in ("Ps", "Pe")


def _marks(chunk: str) -> list[str]:
    """Marks alone, one a word, a repeated one as one: `."` gives two, `...` one."""
    return _joined(list(chunk))
