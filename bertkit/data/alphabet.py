"""The characters of a corpus: which begin a word and which continue one, counted.

C code points, below 0x110000.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Counts = NDArray[np.int64]

BLOCK = 1 << 20
"""Characters that are counted together."""

COVERAGE = 0.99999
"""The share of a text whose characters are in a WordPiece vocabulary before any other token is."""


@dataclass(frozen=True, kw_only=True)
class Alphabet:
    """How often each code point begins a word (C,), and continues one (C,), as BERT's pre-tokenizer cuts words."""

    begins: Counts
    continues: Counts

    def tokens(self, room: int, coverage: float = 1.0) -> list[str]:
        """The characters, each followed by "##" and it if it continues a word, most frequent first, at most `room`.

        Characters beyond `coverage` of the text are left out. Those of the same count are ordered by code point.
        """
        counts = self.begins + self.continues
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        before = np.cumsum(counts[order]) - counts[order]
        found: list[str] = []
        for point in order[before < coverage * counts.sum()].tolist():
            character = chr(point)
            forms = [character, f"##{character}"] if self.continues[point] else [character]
            if len(found) + len(forms) > room:
                break
            found += forms
        return found


INSIDE, ALONE, SPACE, UNKNOWN = range(4)
"""What BERT's pre-tokenizer makes of a character: a part of a word, a word of its own, nothing; or not yet known."""


def alphabet_of(sentences: Iterable[str], tokenizer: Tokenizer) -> Alphabet:
    """The characters of these sentences behind the tokenizer's normalizer, words as BertPreTokenizer cuts them."""
    begins, continues = np.zeros(sys.maxunicode + 1, np.int64), np.zeros(sys.maxunicode + 1, np.int64)
    kinds = np.full(sys.maxunicode + 1, UNKNOWN, np.int8)
    for block in _blocks(sentences, tokenizer):
        points = np.frombuffer(block.encode("utf-32-le"), np.uint32)
        for point in np.unique(points[kinds[points] == UNKNOWN]).tolist():
            kinds[point] = _kind(chr(point), tokenizer)
        kind = kinds[points]
        inside = (kind == INSIDE) & (np.concatenate([[SPACE], kind[:-1]]) == INSIDE)
        begins += np.bincount(points[(kind != SPACE) & ~inside], minlength=len(begins))
        continues += np.bincount(points[inside], minlength=len(continues))
    return Alphabet(begins=begins, continues=continues)


def _kind(character: str, tokenizer: Any) -> int:
    """Asked of the pre-tokenizer itself: its Unicode is not of the version that Python's is."""
    words = [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(f"a{character}a")]
    return {1: INSIDE, 2: SPACE, 3: ALONE}[len(words)]


def _blocks(sentences: Iterable[str], tokenizer: Any) -> Iterator[str]:
    """The normalized sentences, joined."""
    held: list[str] = []
    length = 0
    for sentence in sentences:
        held.append(sentence)
        length += len(sentence) + 1
        if length >= BLOCK:
            yield tokenizer.normalizer.normalize_str("\n".join(held)) + "\n"
            held, length = [], 0
    if held:
        yield tokenizer.normalizer.normalize_str("\n".join(held)) + "\n"
