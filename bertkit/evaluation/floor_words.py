"""Simple models of words: the commonest tag of each, and the sentence that has most of a question's words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import log

from bertkit.data.sentences import sentences
from bertkit.data.table import Columns
from bertkit.evaluation.floor_texts import LONGEST, WORD


class WordTags:
    """The commonest tag of each word in the train rows, as it is spelt; for others the commonest tag of all.

    Of tags that are as common for a word, the one that is commoner over all, then the first by name.
    """

    name = "each word's commonest tag"

    def __init__(self, rows: Iterable[tuple[Sequence[str], Sequence[str | None]]]) -> None:
        """Learn from the words and tags of rows, at least one of which has a tag."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        overall: Counter[str] = Counter()
        for words, tags in rows:
            for word, tag in zip(words, tags, strict=True):
                if tag is not None:
                    counts[word][tag] += 1
                    overall[tag] += 1
        self._tags = {word: min(of, key=lambda tag: (-of[tag], -overall[tag], tag)) for word, of in counts.items()}
        self._other = min(overall, key=lambda tag: (-overall[tag], tag))

    def answers(self, columns: Columns) -> list[list[str]]:
        """A tag for each word of each row."""
        return [[self._tags.get(word, self._other) for word in words] for words in columns["words"]]


class SentenceOverlap:
    """The sentence of a document whose words in common with the question weigh most, as the answer to it.

    A word weighs its idf among the documents of the train rows, ln((1 + n) / (1 + df)) + 1 as scikit-learn has it, and
    counts once; of equal sentences it is the first.
    """

    name = "sentence with the question's words"

    def __init__(self, documents: Iterable[str]) -> None:
        """Learn from documents, each as often as it has a question; it counts once."""
        self._counts: Counter[str] = Counter()
        different = dict.fromkeys(document[:LONGEST] for document in documents)
        for document in different:
            self._counts.update(words_of(document))
        self._documents = len(different)

    def answers(self, columns: Columns) -> list[str]:
        """A sentence of its document for each question."""
        document, split = None, list[tuple[str, set[str]]]()
        found = []
        for question, context in zip(columns["question"], columns["context"], strict=True):
            if context != document:
                document, split = context, [(one, words_of(one)) for one in sentences(context)]
            asked = words_of(question)
            found.append(max(split, key=lambda one: self._weight(one[1] & asked), default=("", set()))[0])
        return found

    def _weight(self, words: set[str]) -> float:
        """The sum over the words, in one order, so that it is the same in every process."""
        return sum(log((1 + self._documents) / (1 + self._counts[word])) + 1 for word in sorted(words))


def words_of(text: str) -> set[str]:
    """The different words of a text, in lower case."""
    return set(re.findall(WORD, text.lower()))


def tagged(columns: Iterable[Columns]) -> Iterator[tuple[Sequence[str], Sequence[str | None]]]:
    """The words and tags of each row of blocks of rows."""
    for block in columns:
        yield from zip(block["words"], block["tags"], strict=True)
