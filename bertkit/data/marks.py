"""Words of a text that are marked where they stand, such as the word of WiC and the pronoun of WSC. Light.

Every function raises DataError that begins with `where`, the file and line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bertkit.errors import DataError
from bertkit.sources import Mark

OTHER_FORMS = {"be": ("am", "are", "is", "was", "were"), "go": ("went",), "eat": ("ate",)}
"""English verbs with forms that begin with another letter."""
APOSTROPHES = ("'", "\u2019")


def marked(where: str, row: Mapping[str, Any], marks: tuple[Mark, ...]) -> Mapping[str, Any]:
    """The row with the words of `marks` marked in its texts. A text that is none is left as it is, to be refused."""
    inserts: dict[str, list[tuple[int, int, str]]] = {}
    for mark in marks:
        column = _column(where, row, mark.text)
        text = row[column]
        if isinstance(text, str):
            start, end = _place(where, row, mark, text)
            inserts.setdefault(column, []).extend([(end, 0, mark.right), (start, 1, mark.left)])
    changed = dict(row)
    for column, places in inserts.items():
        for at, _, sign in sorted(places, reverse=True):  # from the end, so that the places before it stay
            changed[column] = changed[column][:at] + sign + changed[column][at:]
    return changed


def _column(where: str, row: Mapping[str, Any], name: str) -> str:
    """The column of this name, or of a path that ends in it."""
    found = next((one for one in row if one == name or str(one).endswith(f".{name}")), None)
    if found is None:
        raise DataError(f"{where}: no column '{name}'; it has {', '.join(map(str, row))}")
    return found


def _place(where: str, row: Mapping[str, Any], mark: Mark, text: str) -> tuple[int, int]:
    """From which character to which the words stand in the text, the last one not counted."""
    word = row[_column(where, row, mark.word)]
    if not isinstance(word, str) or not word.strip():
        raise DataError(f"{where}: '{mark.word}' is empty, or no text")
    start = _number(where, row, mark.start)
    if mark.by_words:
        return _of_words(where, word, start, text)
    end = _number(where, row, mark.end) if mark.end else start + len(word)
    span = text[start:end] if start <= end <= len(text) else ""
    as_said = _is_form(word, start, span, text) if mark.end else span == word
    if not as_said:
        raise DataError(f"{where}: '{word}' is not in its text at characters {start} to {end}: '{_shown(span)}'")
    return start, end


def _number(where: str, row: Mapping[str, Any], name: str) -> int:
    raw = row[_column(where, row, name)]
    if isinstance(raw, str) and raw.strip().isdecimal():
        raw = int(raw)
    if type(raw) is not int or raw < 0:
        raise DataError(f"{where}: '{name}' is '{_shown(str(raw))}', and no number from 0 on")
    return raw


def _is_form(word: str, start: int, span: str, text: str) -> bool:
    """Whether the span is a whole word and a form of `word`, or follows one, as "round" of "called round" does."""
    if not span or span != span.strip():
        return False
    if span[0] in APOSTROPHES:
        return True  # "have" as 've
    if start and text[start - 1].isalnum():
        return False
    before = text[:start].split()[-1:]
    return any(_alike(word, one) for one in (span, *before))


def _alike(word: str, form: str) -> bool:
    word, form = word.casefold(), form.casefold()
    return form[:1] == word[:1] or form in OTHER_FORMS.get(word, ())


def _of_words(where: str, words: str, first: int, text: str) -> tuple[int, int]:
    """The place of words by the number of the first; punctuation beside them is left out.

    As published, WSC has one number that is too small by one, and three noun phrases that do not stand in one piece:
    of such a one the words are marked that it is said to be at, if one of them is right.
    """
    places = [found.span() for found in re.finditer(r"\S+", text)]
    count = len(words.split())
    for start in (first, first + 1, first - 1):
        if 0 <= start <= len(places) - count:
            from_, to = places[start][0], places[start + count - 1][1]
            at = text[from_:to].lower().find(words.lower())
            if at >= 0:
                return from_ + at, from_ + at + len(words)
            if _letters(words) and _letters(words) in _letters(text[from_:to]):
                return from_, to
    said = places[first : first + count]
    span = text[said[0][0] : said[-1][1]] if said else ""
    if not {_letters(word) for word in words.split()} & {_letters(word) for word in span.split()} - {""}:
        raise DataError(f"{where}: '{words}' is not in its text at word {first}: '{_shown(span)}'")
    return said[0][0], said[-1][1]


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
