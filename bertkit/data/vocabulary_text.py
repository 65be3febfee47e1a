"""The text that a vocabulary is learnt from: a corpus, or an even share of its sentences where it is large."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bertkit.pretraining import VocabularyKind

MOST = 100_000_000
"""Characters of text that a vocabulary is learnt from: more changes its rarest tokens alone."""

MOST_UNSPACED = 3_000_000
"""The same of text without spaces, for bpe and unigram vocabularies, which take a stretch without a space for one word:
each million characters costs 10 s and 280 MB there, 1 s and 20 MB in English."""

LONG_WORD = 12
"""Characters to a space in a sentence, above which it counts as unspaced."""


@dataclass(frozen=True, kw_only=True)
class VocabularyText:
    """Documents, lists of sentences, of which a share is kept; can be iterated over many times.

    documents  all of them, anew at each call
    shares     of the sentences with spaces, and of those without, that are kept: evenly, each time the same
    """

    documents: Callable[[], Iterable[list[str]]]
    shares: tuple[float, float] = (1.0, 1.0)

    def __iter__(self) -> Iterator[list[str]]:
        if min(self.shares) >= 1:
            yield from self.documents()
            return
        owed = [0.0, 0.0]
        for document in self.documents():
            kept = []
            for sentence in document:
                unspaced = _is_unspaced(sentence)
                owed[unspaced] += self.shares[unspaced]
                if owed[unspaced] >= 1:
                    owed[unspaced] -= 1
                    kept.append(sentence)
            yield kept


def vocabulary_text(documents: Callable[[], Iterable[list[str]]], kind: VocabularyKind) -> VocabularyText:
    """The text that a vocabulary of this kind is learnt from, in bounded memory and time."""
    counts = [0, 0]
    for document in documents():
        for sentence in document:
            counts[_is_unspaced(sentence)] += len(sentence)
    most = MOST_UNSPACED if kind in ("bpe", "unigram") else MOST
    shares = (min(1.0, MOST / max(1, counts[0])), min(1.0, most / max(1, counts[1])))
    return VocabularyText(documents=documents, shares=shares)


def _is_unspaced(sentence: str) -> bool:
    return len(sentence) > LONG_WORD * (sentence.count(" ") + 1)
