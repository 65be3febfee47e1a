"""Which characters make a word: letters and digits with their combining marks, and joiners between them. Light.

Python's `\\w` leaves out combining marks (Unicode's M): the vowel signs and viramas of Indic scripts, the points of
Arabic and Hebrew, the accents of decomposed text (NFD). It leaves out the joiners ZWNJ and ZWJ too, which Persian and
Indic words have between two letters.
"""

from __future__ import annotations

import re
from itertools import chain
from unicodedata import category, normalize

UNSPACED_CHARS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
UNSPACED = re.compile(f"[{UNSPACED_CHARS}]")
"""One of their characters."""
BLOCKS = ((0x300, 0x3400), (0xA000, 0xAC00), (0xFB00, 0x17000), (0x1B000, 0x1F000), (0xE0100, 0xE01F0))
"""Where combining marks are: Unicode without Chinese and Korean characters, Tangut, and what is not assigned."""


def _marks() -> str:
    """Combining marks as ranges of a class of characters, without those of UNSPACED_CHARS."""
    found: list[list[str]] = []
    for char in map(chr, chain.from_iterable(range(*block) for block in BLOCKS)):
        if category(char)[0] != "M" or UNSPACED.match(char):
            continue
        if found and ord(found[-1][1]) == ord(char) - 1:
            found[-1][1] = char
        else:
            found.append([char, char])
    return "".join(f"{first}-{last}" for first, last in found)


MARKS = _marks()
"""Combining marks, for use inside a class of characters; those of scripts without spaces are in UNSPACED_CHARS."""
LETTER = rf"[^\W{UNSPACED_CHARS}]"
JOINER = "[\u200c\u200d]"
INSIDE = rf"(?:{LETTER}|[{MARKS}])"
"""A pattern of one character of a word, in scripts with spaces."""
SPACED_WORD = rf"{LETTER}++(?:[{MARKS}]++|{LETTER}++|{JOINER}++(?={INSIDE}))*+"
"""A pattern of a word between spaces or punctuation."""
BEGINS = rf"(?<!{LETTER})(?<![{MARKS}])(?<!{LETTER}{JOINER})(?<![{MARKS}]{JOINER})"
"""A pattern of a place that no character of a word stands before, so that a word may begin there."""
ENDS = rf"(?!{JOINER}*{INSIDE})"
"""A pattern of a place where a word may end."""


def composed(text: str) -> str:
    """The text with letters and accents as one character where there is one (NFC): equal texts are equal strings."""
    return normalize("NFC", text)
