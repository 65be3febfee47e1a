"""Which of two languages a token is of: by its script, or where both are written alike by how often either has it.

V tokens of the vocabulary.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEITHER, FROM, TO = -1, 0, 1
SCRIPT_RATIO, TOKEN_RATIO = 2.0, 4.0
"""How many times as often a language must have a script, or a token, for it to be that language's."""


def token_languages(
    tokenizer: Any, texts: Sequence[Sequence[str]], ids: Sequence[Sequence[NDArray[np.int32]]]
) -> NDArray[np.int8]:
    """(V,) FROM, TO or NEITHER for every token, by the texts of two languages and their token ids.

    A token of letters is of the language whose texts have its script SCRIPT_RATIO times as often, as a share of their
    letters; if neither has, of the one that has the token itself TOKEN_RATIO times as often, one more counted of both.
    Punctuation, digits, special tokens and parts of a character are of neither.
    """
    letters = [Counter(script for text in one for script in map(script_of, text) if script) for one in texts]
    share = [{name: count / max(1, one.total()) for name, count in one.items()} for one in letters]
    size = len(tokenizer)
    counts = [np.bincount(np.concatenate(one), minlength=size).astype(float) for one in ids]
    often = [(one + 1) / one.sum() for one in counts]
    found = np.full(size, NEITHER, np.int8)
    special = set(tokenizer.all_special_ids)
    for token in range(size):
        scripts = {script_of(mark) for mark in tokenizer.decode([token])} - {""}
        if token in special or not scripts:
            continue
        own = [sum(one.get(script, 0.0) for script in scripts) for one in share]
        ratio = SCRIPT_RATIO
        if _more(own, ratio) is None and counts[0][token] + counts[1][token]:
            own, ratio = [float(one[token]) for one in often], TOKEN_RATIO
        more = _more(own, ratio)
        if more is not None:
            found[token] = more
    return found


def _more(shares: Sequence[float], ratio: float) -> int | None:
    """Which of two shares is `ratio` times the other."""
    if shares[0] > 0 and shares[0] >= ratio * shares[1]:
        return FROM
    return TO if shares[1] > 0 and shares[1] >= ratio * shares[0] else None


@cache
def script_of(mark: str) -> str:
    """A letter's script by its Unicode name ("LATIN", "CJK"); "" for any other mark."""
    return unicodedata.name(mark, "").split(" ")[0].split("-")[0] if unicodedata.category(mark).startswith("L") else ""
