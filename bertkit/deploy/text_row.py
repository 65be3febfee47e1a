"""A text as the one row of a corpus, whose tokens are its words, or a tokenizer's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol
from unicodedata import category

import numpy as np

from bertkit.data.sentences import sentences
from bertkit.deploy.words import split_words
from bertkit.heads.features import Ragged
from bertkit.objectives.rows import Indices, Pieces, Texts

MASK, SENTINELS = "[MASK]", tuple(f"<extra_id_{number}>" for number in range(100))
"""The special tokens of a vocabulary of words: BERT's mask token, and T5's sentinels."""

CHARACTER = re.compile("[\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""A Chinese or Japanese character, which is a word."""


@dataclass(frozen=True, kw_only=True)
class TextRow:
    """A row of T tokens: a TextRows of one.

    tokens  their ids
    begins  the first token of each sentence
    """

    tokens: Sequence[int]
    begins: Sequence[int]

    @property
    def documents(self) -> Indices:
        """It is a document of its own."""
        return np.zeros(1, np.int64)

    def __len__(self) -> int:
        return 1

    def texts(self, rows: Indices) -> Texts:
        """The row, as often as it is asked for."""
        return Texts(
            row=rows,
            document=np.zeros(len(rows), np.int64),
            tokens=Ragged.of([self.tokens] * len(rows), "int32"),
            sentences=Ragged.of([self.begins] * len(rows), "int32"),
        )


class Vocabulary(Protocol):
    """What a text's tokens are."""

    @property
    def row(self) -> TextRow: ...
    @property
    def pieces(self) -> Pieces: ...

    def names(self, tokens: Iterable[int]) -> list[str]:
        """The name of each token."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """Tokens as a text."""
        ...


class Words:
    """A text whose tokens are its words, punctuation marks and Chinese or Japanese characters.

    Each of them is a token of its own, also if a word comes twice: so a token knows the white space round it, and a
    random token is any word of the text.
    """

    def __init__(self, text: str) -> None:
        """Split the text. Its characters are kept as they are, but for white space."""
        found = [one for word in split_words(text) for one in _characters(word)]
        edges, end = [], 0
        for word in found:
            begin = text.index(word, end)
            end = begin + len(word)
            edges.append((begin, end))
        self._names = [MASK, *SENTINELS, *found]
        first, self._spaced = 1 + len(SENTINELS), any(char.isspace() for char in text.strip())
        self._after = {first + i for i, (_, end) in enumerate(edges) if self._gap(text, end)}
        self._before = {first + i for i, (begin, _) in enumerate(edges) if self._gap(text, begin - 1)}
        self._joined = {first + i for i, word in enumerate(found) if CHARACTER.match(word) or not _ends_in_letter(word)}
        self.row = TextRow(tokens=range(first, len(self._names)), begins=begins_of(text, [end for _, end in edges]))
        special = np.arange(len(self._names)) < first
        self.pieces = Pieces(
            special=special, continues=np.zeros_like(special), mask=0, sentinels=tuple(range(1, first))
        )

    def names(self, tokens: Iterable[int]) -> list[str]:
        """The words."""
        return [self._names[token] for token in tokens]

    def text(self, tokens: Sequence[int]) -> str:
        """The words with the white space that each had beside it, and with some between two that would be one."""
        gaps = [" " if self._apart(one, other) else "" for one, other in pairwise(tokens)]
        return "".join(name + gap for name, gap in zip(self.names(tokens), [*gaps, ""], strict=True))

    def _gap(self, text: str, place: int) -> bool:
        """Whether there is white space at this place; the start and the end count where there is some at all."""
        return text[place].isspace() if 0 <= place < len(text) else self._spaced

    def _apart(self, one: int, other: int) -> bool:
        if one in self._after or other in self._before:
            return True
        if other == one + 1 and not self.pieces.special[one]:  # as they stood in the text
            return False
        if one in self._joined or other in self._joined:
            return False
        return self._spaced or not self.pieces.special[[one, other]].any()


def _ends_in_letter(word: str) -> bool:
    """Whether the last character is a letter, a digit, or a mark on one, such as the vowel sign of a Hindi word."""
    return word[-1].isalnum() or category(word[-1])[0] == "M"


def _characters(word: str) -> list[str]:
    """A word, or in a script without spaces its characters, and the words between them."""
    return [part for part in re.split(f"({CHARACTER.pattern})", word) if part]


def begins_of(text: str, ends: Sequence[int]) -> list[int]:
    """The first token of each sentence of a text; `ends` are the places where its tokens end, ascending."""
    begins, end = {0: None}, 0
    for sentence in sentences(text):
        begin = text.index(sentence, end)
        end = begin + len(sentence)
        first = next((token for token, place in enumerate(ends) if place > begin), None)
        if first is not None:
            begins[first] = None
    return list(begins)
