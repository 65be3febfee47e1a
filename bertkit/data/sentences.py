"""Split text into sentences, by punctuation. Light."""

from __future__ import annotations

import re

ABBREVIATIONS = frozenset((
    "mr", "mrs", "ms", "messrs", "dr", "prof", "st", "mt", "rev", "hon", "gen", "col", "capt", "lieut", "lt", "sgt",
    "maj", "gov", "sen", "rep", "pres", "jr", "sr", "esq", "mme", "mlle", "vs", "etc", "e.g", "i.e", "cf", "viz",
    "al", "fig", "figs", "no", "nos", "vol", "vols", "ch", "chap", "pp", "ed", "eds", "jan", "feb", "mar", "apr",
    "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "inc", "ltd", "co", "corp", "dept", "approx", "ca",
    "bros", "u.s", "u.k", "u.n", "d.c", "a.m", "p.m", "ph.d",
))  # fmt: skip
"""Words, in lower case, whose full stop does not end a sentence."""

_END = re.compile(
    r"""[.!?…]+["'”’»)\]]*\s+(?=["'“‘«(\[¿¡—-]*[^\W\d_a-z]|["'“‘«(\[]*\d)"""  # then a capital or a digit
    r"|[。！？…]+[」』”’）》]*\s*"  # of Chinese and Japanese
)
_WORD = re.compile(r"[^\s\"'“‘«(\[—]+$")


def sentences_of(text: str) -> list[str]:
    """The sentences of a paragraph, in order, without white space around them.

    A sentence ends in . ! ? or …, and the quotes and brackets behind them, before white space and a capital letter or
    a digit; or in 。！？. The full stop of an abbreviation, or of an initial (J. K.), ends none.
    """
    found, start = [], 0
    for match in _END.finditer(text):
        if match[0].startswith(".") and not match[0].startswith("..") and _is_abbreviation(text, start, match.start()):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [one for one in found if one]


def _is_abbreviation(text: str, start: int, stop: int) -> bool:
    """Whether the word before the full stop at `stop` is an abbreviation, or an initial."""
    before = _WORD.search(text, max(start, stop - 12), stop)
    if before is None:
        return False
    word = before[0]
    return (len(word) == 1 and word.isupper() and word != "I") or word.lower() in ABBREVIATIONS
