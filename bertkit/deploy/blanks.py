"""Blanks in a text: find them, and put what a model gives into them as text. Light."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from bertkit.deploy.words import UNSPACED_CHARS
from bertkit.errors import DataError

BLANK = "___"
"""How a blank that is still open is shown."""
SPELLINGS = (r"\[MASK\]", "<mask>", "_{3,}")
UNSPACED = re.compile(UNSPACED_CHARS)


def parts_of(text: str, *more: str) -> list[str]:
    """The parts of a text between its blanks: of B blanks B + 1. `more` are patterns of blanks besides SPELLINGS."""
    return re.split("|".join((*more, *SPELLINGS)), text)


def check_blank(text: str, mask: str | None) -> None:
    """Raise DataError if the text has no blank."""
    if len(parts_of(text, *([re.escape(mask)] if mask else []))) == 1:
        other = f", {mask}" if mask and len(parts_of(mask)) == 1 else ""
        raise DataError(f"the text has no blank: write [MASK], <mask>{other} or ___ where a word is missing")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A token as text.

    text    without a space before it, or a mark in its place
    begins  whether it begins a word; else it continues what stands before it
    """

    text: str
    begins: bool


Spaces = Literal["no token's", "a token's", "a token's, also before a blank"]
"""Whose the spaces of a text are: WordPiece leaves them out, other vocabularies have them in their tokens."""


def put(before: str, piece: Piece, after: str, spaces: Spaces) -> tuple[str, str, str]:
    """The text before a blank, the piece in it and the text after it, which joined are the text as the model reads it.

    >>> put("She was play", Piece(text="ing", begins=False), " chess", "no token's")
    ('She was play', 'ing', ' chess')
    >>> put("the old", Piece(text="man", begins=True), " of", "a token's")
    ('the old ', 'man', ' of')
    """
    if spaces == "no token's":
        gap = " " if piece.begins and _apart(before, piece.text) else ""
        return (before if piece.begins else before.rstrip()) + gap, piece.text, _gap(piece.text, after) + after
    if not piece.begins:
        return (before if spaces != "a token's" else before.rstrip()), piece.text, after
    bare = before.rstrip()
    joined = not bare or (before == bare and (_unspaced(bare[-1]) or _unspaced(piece.text[:1])))
    return bare + ("" if joined else " "), piece.text, after


def word_in(before: str, piece: Piece, after: str, spaces: Spaces) -> str:
    """The whole word that a piece makes of the text around it; in a script without spaces the piece itself.

    >>> word_in("She was play", Piece(text="ing", begins=False), " chess", "no token's")
    'playing'
    """
    before, text, after = put(before, piece, after, spaces)
    start, end = len(before), 0
    if text and _in_word(text[0]):
        while start and _in_word(before[start - 1]):
            start -= 1
    if text and _in_word(text[-1]):
        while end < len(after) and _in_word(after[end]):
            end += 1
    return before[start:] + text + after[:end]


def _apart(left: str, right: str) -> bool:
    """Whether two words that are read apart would be one without a space."""
    return bool(left and right) and all(_in_word(char) and char not in "'’" for char in (left[-1], right[0]))


def _gap(left: str, right: str) -> str:
    return " " if _apart(left, right) else ""


def _in_word(char: str) -> bool:
    """Whether a character is inside a word of a script with spaces, or of a blank."""
    return (unicodedata.category(char)[0] in "LNM" or char in "'’_") and not _unspaced(char)


def _unspaced(char: str) -> bool:
    return bool(UNSPACED.match(char))
