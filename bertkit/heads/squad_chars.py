"""SQuAD's rules for text without spaces: Chinese characters count one by one, and other scripts by words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

CJK = ((0x2E80, 0x2FDF), (0x3007, 0x3007), (0x3021, 0x3029), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
       (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x323AF))  # fmt: skip
"""Code points that are written without spaces and count one by one: Han, its radicals and extensions, and kana."""


def units(text: str) -> list[str]:
    """What an answer is compared by: each Chinese character or kana, and each word of other scripts, in lower case.

    Punctuation and symbols of every script are dropped (Unicode's categories P and S: 《》，。 as well as $ and -), and
    words end where they stand. Full-width letters and digits become ordinary ones (NFKC). Unlike SQuAD's rule it drops
    no English article, and a hyphen divides a word.

    CMRC 2018's own script differs: it divides other text by NLTK's tokenizer, whose model is downloaded, keeps most
    ASCII symbols, and takes the longest common substring of the two lists in place of the characters that both have,
    so that F1 here is never below its F1 of the same lists.

    >>> units("《战国无双3》由 KOEI 开发。")
    ['战', '国', '无', '双', '3', '由', 'koei', '开', '发']
    """
    found, word = list[str](), ""
    for char in unicodedata.normalize("NFKC", text).lower():
        alone = is_cjk(char)
        if not alone and not char.isspace() and unicodedata.category(char)[0] not in "PSZC":
            word += char
            continue
        if word:
            found.append(word)
            word = ""
        if alone:
            found.append(char)
    return [*found, word] if word else found


def is_cjk(char: str) -> bool:
    """Whether a character counts by itself: Han or kana, and no punctuation."""
    return any(low <= ord(char) <= high for low, high in CJK) and unicodedata.category(char)[0] not in "PSZC"


def best_exact_chars(golds: Sequence[str], answer: str) -> float:
    """1.0 where the units of `answer` are those of any gold, in order, else 0.0; 0.0 if there is no gold."""
    given = units(answer)
    return float(any(units(gold) == given for gold in golds))


def best_f1_chars(golds: Sequence[str], answer: str) -> float:
    """The best F1 of the bags of units of `answer` and any gold; of two empty ones 1.0. 0.0 if there is no gold."""
    given = units(answer)
    return max((_f1(units(gold), given) for gold in golds), default=0.0)


def _f1(wanted: list[str], given: list[str]) -> float:
    if not wanted or not given:
        return float(wanted == given)
    shared = sum((Counter(wanted) & Counter(given)).values())
    return 2 * shared / (len(wanted) + len(given))
