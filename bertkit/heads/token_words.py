"""Which token each word begins with, and which words `max_length` truncates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def first_tokens(word_ids: list[int | None], words: int) -> list[int]:
    """For each of `words` words the index of its first token, -1 where it has none."""
    firsts = [-1] * words
    for place, word in enumerate(word_ids):
        if word is not None and firsts[word] < 0:
            firsts[word] = place
    return firsts


def cut_words(first: list[int], overflowing: Sequence[Any]) -> int:
    """How many words `max_length` truncates: those whose first token is in the overflow."""
    beyond = {word for part in overflowing for word in part.word_ids if word is not None}
    return sum(first[word] < 0 for word in beyond)
