"""Which token each word begins with, and which words `max_length` truncates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertkit.heads.features import Ragged

MARKS = ("▁", "Ġ")
"""What sentencepiece and byte-level BPE write where a word begins; alone it is a token without a character."""


def first_tokens(word_ids: list[int | None], tokens: Sequence[str], words: int) -> list[int]:
    """For each of `words` words the index of its first token, -1 where it has none.

    A bare mark before a letter or digit does not count: XLM-R has one before most words of Chinese and Japanese, and
    in English nearly only before punctuation, of which an encoder fine-tuned on English learns it.
    """
    firsts = [-1] * words
    for place, word in enumerate(word_ids):
        if word is None:
            continue
        first = firsts[word]
        if first < 0 or (first == place - 1 and tokens[first] in MARKS and tokens[place][0].isalnum()):
            firsts[word] = place
    return firsts


def cut_words(first: list[int], overflowing: Sequence[Any]) -> int:
    """How many words `max_length` truncates: those whose first token is in the overflow."""
    beyond = {word for part in overflowing for word in part.word_ids if word is not None}
    return sum(first[word] < 0 for word in beyond)


def targets_of(
    tags: Sequence[Any] | None, firsts: Iterable[Sequence[int]], lengths: Iterable[int], names: Sequence[str]
) -> Ragged | None:
    """For each row a class id a token: that of its word's tag at the place of `firsts`, IGNORED at all others.

    None where a row has no tags.

    lengths  tokens of each row
    """
    from bertkit.heads.features import IGNORED, Ragged

    if not tags or any(row is None for row in tags):
        return None
    order = {name: i for i, name in enumerate(names)}
    runs = []
    for first, row, length in zip(firsts, tags, lengths, strict=True):
        run = [IGNORED] * int(length)
        for place, tag in zip(first, row, strict=True):
            if place >= 0:
                run[place] = order.get(tag, IGNORED)
        runs.append(run)
    return Ragged.of(runs, "int32")
