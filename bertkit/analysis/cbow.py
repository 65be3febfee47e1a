"""Vectors of words from a corpus by CBOW (Mikolov et al. 2013, arXiv 1301.3781), trained by gensim; one a word.

V words of the vocabulary, H dimensions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bertkit.data.cache import cached
from bertkit.data.corpus import CorpusText
from bertkit.data.word_characters import SPACED_WORD, UNSPACED, composed
from bertkit.errors import DataError, RequestError
from bertkit.progress import Progress

if TYPE_CHECKING:
    from bertkit.request.sense_flags import CbowFlags

VERSION = 2
"""Of how vectors are trained; increase it when that changes, so that they are trained again."""
KIND = "cbow"
VECTORS = "vectors.bin"
NEGATIVE = 5
"""Words that are drawn against each right one."""
WORDS = re.compile(rf"{UNSPACED.pattern}|{SPACED_WORD}(?:['’]{SPACED_WORD})?")
"""A word: letters and digits with their marks, an apostrophe inside; in scripts without spaces a character."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WordVectors:
    """Vectors of V words.

    table   gensim's KeyedVectors
    kept    words of several characters without spaces that count as one, because they were asked for
    digest  SHA-256 of all that they depend on
    """

    table: Any
    kept: tuple[str, ...]
    digest: str

    @property
    def size(self) -> int:
        """V."""
        return len(self.table.index_to_key)

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """(H,) the word's vector, in any case; None if the corpus has too few of it."""
        if normalised(word) not in self.table:
            return None
        found: NDArray[np.float32] = self.table[normalised(word)]
        return found

    def of_spans(
        self, sentences: Sequence[str], spans: Sequence[tuple[int, int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(N, 1, H) the mean vector of each span's words, and (N,) which have one; 0 for others."""
        found = np.zeros((len(sentences), 1, self.table.vector_size), np.float32)
        there = np.zeros(len(sentences), np.bool_)
        for k, (sentence, (start, end)) in enumerate(zip(sentences, spans, strict=True)):
            parts = [self.vector(word) for word in words_of(sentence[start:end], self.kept)]
            known = [part for part in parts if part is not None]
            if known:
                found[k, 0], there[k] = np.mean(known, axis=0), True
        return found, there

    def neighbours(self, word: str, count: int) -> list[tuple[str, float]]:
        """The words nearest to it and their cosines, the nearest first; of several parts, to their mean vector.

        Raises DataError if a part has no vector.
        """
        parts = self.check(word)
        if len(parts) == 1:
            return [(name, float(value)) for name, value in self.table.most_similar(parts[0], topn=count)]
        mean = np.mean([self.table[part] for part in parts], axis=0)
        found = self.table.most_similar(positive=[mean], topn=count + len(parts))
        return [(name, float(value)) for name, value in found if name not in parts][:count]

    def fourth(self, first: str, second: str, third: str) -> str:
        """The word that is to the third as the second to the first: the nearest to second - first + third (3CosAdd).

        "" if there is no word but these three.
        """
        given = [normalised(word) for word in (first, second, third)]
        found = self.table.most_similar(positive=[given[1], given[2]], negative=[given[0]], topn=1)
        return str(found[0][0]) if found else ""

    def check(self, word: str) -> list[str]:
        """The parts of a word that have vectors of their own: "well" and "being" of "well-being".

        Raises DataError if one has none.
        """
        return _known_parts(word, self.kept, self.table)


def check_gensim() -> None:
    """Raise RequestError if gensim is not installed."""
    if find_spec("gensim") is None:
        raise RequestError("analyse cbow needs the package gensim: pip install gensim, or bertkit[cbow]")


def check_words(words: Collection[str]) -> None:
    """Raise RequestError for a word of punctuation alone, which no corpus can have a vector for."""
    for word in words:
        if not words_of(word):
            raise RequestError(f"'{word}' has no letter or digit, so that it has no vector")


def _known_parts(word: str, kept: Collection[str], table: Any) -> list[str]:
    """The parts of a word. Raises DataError if a table of vectors lacks one."""
    parts = words_of(word, kept)
    for part in parts or [word]:
        if part not in table:
            it = "it" if len(parts) < 2 else f"'{part}'"
            raise DataError(f"'{word}' has no vector: the corpus has {it} too rarely (--min-count), or not at all")
    return parts


def words_of(text: str, kept: Collection[str] = ()) -> list[str]:
    """The words of a text, `normalised`, without punctuation; a character each in scripts without spaces.

    Those of several characters that are `kept`, normalised too, count as one word.
    """
    found: list[str] = WORDS.findall(normalised(text))
    whole = sorted((word for word in kept if len(word) > 1), key=len, reverse=True)
    if whole:
        pattern = re.compile("|".join([*map(re.escape, whole), WORDS.pattern]))
        found = pattern.findall(normalised(text))
    return found


def normalised(text: str) -> str:
    """The text in lower case, with letters and accents as one character where there is one (NFC)."""
    return composed(text.lower())


def unspaced(words: Collection[str]) -> tuple[str, ...]:
    """The words of at least two characters in scripts without spaces, sorted: they are kept whole as tokens.

    A phrase with white space in it is left out: its words are tokens of their own.
    """
    single = [word for word in words if len(word) > 1 and not re.search(r"\s", word)]
    return tuple(sorted({normalised(word) for word in single if UNSPACED.search(word)}))


@dataclass(frozen=True)
class _Sentences:
    """The sentences of a corpus as words, again and again; each pass is told to the progress."""

    text: CorpusText
    kept: tuple[str, ...]
    progress: Progress

    def __iter__(self) -> Iterator[list[str]]:
        for document in self.text.documents("train"):
            for sentence in document:
                words = words_of(sentence, self.kept)
                if words:
                    yield words
        self.progress.advance()


def train_cbow(
    text: CorpusText, flags: CbowFlags, kept: tuple[str, ...], needed: Sequence[str], progress: Progress
) -> WordVectors:
    """Vectors of the words of a corpus, in one thread, so that a seed gives the same; cached by all they depend on.

    Raises DataError for a corpus in which no word is frequent enough, or one that is `needed` is not: once its words
    are counted, before it is trained on.
    """
    import gensim

    how = {"size": flags.size, "window": flags.window, "min_count": flags.min_count, "epochs": flags.epochs}
    asked = [VERSION, gensim.__version__, np.__version__, text.digest, how, flags.seed, kept]
    key = hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()

    def make(folder: Path) -> None:
        progress.phase("CBOW, passes over the corpus", flags.epochs + 1)
        _trained(_Sentences(text, kept, progress), flags, needed).save_word2vec_format(
            str(folder / VECTORS), binary=True
        )

    def read(folder: Path) -> Any:
        return gensim.models.KeyedVectors.load_word2vec_format(str(folder / VECTORS), binary=True)

    found = WordVectors(table=cached(KIND, key, make, read), kept=kept, digest=key)
    for word in needed:
        found.check(word)
    return found


def _trained(sentences: _Sentences, flags: CbowFlags, needed: Sequence[str]) -> Any:
    from gensim.models import Word2Vec

    model = Word2Vec(
        sg=0, vector_size=flags.size, window=flags.window, min_count=flags.min_count, negative=NEGATIVE,
        epochs=flags.epochs, seed=flags.seed, workers=1, hashfxn=_hash,
    )  # fmt: skip
    model.build_vocab(sentences)
    if not model.wv.index_to_key:
        raise DataError(f"--min-count {flags.min_count}: no word of the corpus is so frequent: give less, or more text")
    for word in needed:
        _known_parts(word, sentences.kept, model.wv)
    model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    return model.wv


def _hash(word: str) -> int:
    """A word's hash that is the same in every process."""
    return crc32(word.encode())
