"""Tokenise a corpus into mapped files, and cut it into rows.

N tokens, S sentences and D documents of a part of a corpus, V tokens of the vocabulary. Documents without tokens, and
such sentences, are not counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.cache import cached
from bertkit.data.corpus import CorpusText, Part
from bertkit.data.mapped import mapped, write_array
from bertkit.data.sentences import OPENING, WIDE
from bertkit.data.text_rows import SentenceRows, WindowRows
from bertkit.objectives.base import Cut
from bertkit.objectives.sequences import offsets_of
from bertkit.progress import Progress

VERSION = 1
"""Version of the tokenisation; increase it when that changes, so that corpora are tokenised again."""

KIND = "tokens"
TOKENS, SENTENCES, DOCUMENTS, FREQUENCIES = "tokens", "sentences", "documents", "frequencies"
BLOCK = 1 << 20
"""Characters of text that are tokenised at once."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenFiles:
    """The tokens of a part of a corpus, in mapped files.

    tokens       (N,) token ids, uint16 if the vocabulary allows it, else int32; no special ones
    sentences    (S + 1,) where each sentence begins in the tokens, and N
    documents    (D + 1,) where each document begins in the sentences, and S
    frequencies  (V,) how often each token occurs
    """

    part: Part
    tokens: NDArray[Any]
    sentences: Indices
    documents: Indices
    frequencies: Indices


def tokenised(text: CorpusText, part: Part, tokenizer: Any, progress: Progress) -> TokenFiles:
    """The tokens of a part, cached by the content of the corpus and of the tokenizer, a fast one of transformers.

    A special token that is spelt in the text is text.
    """
    from tokenizers import Tokenizer

    plain = tokenizer.backend_tokenizer.to_str()
    backend = Tokenizer.from_str(plain)
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    key = hashlib.sha256(json.dumps([VERSION, version("tokenizers"), text.digest, part, plain]).encode()).hexdigest()
    dtype = _type_of(size_of(backend))

    def make(folder: Path) -> None:
        _tokenise(text, part, backend, folder, progress)

    def read(folder: Path) -> TokenFiles:
        others = {name: mapped(folder / name, "<i8") for name in (SENTENCES, DOCUMENTS, FREQUENCIES)}
        return TokenFiles(part=part, tokens=mapped(folder / TOKENS, dtype), **others)

    return cached(KIND, key, make, read)


def rows_of(files: TokenFiles, cut: Cut, room: int, end: int | None) -> WindowRows | SentenceRows:
    """The rows of at most `room` tokens that the tokens are cut into; `end` is put between documents in windows.

    It is not in the files: another `end`, or none, needs no other files, and rows of sentences have none. Raises
    DataError if the text is too small for a row.
    """
    if cut == "windows":
        return WindowRows(files, room, end)
    return SentenceRows(files, room)


def _tokenise(text: CorpusText, part: Part, backend: Any, folder: Path, progress: Progress) -> None:
    """Write the tokens of a part to a folder of the cache."""
    size = size_of(backend)
    dtype = _type_of(size)
    frequencies = np.zeros(size, np.int64)
    documents: list[Indices] = []
    tokens = sentences = 0
    progress.phase("tokenising", text.characters(part) // BLOCK + 1)
    with (folder / TOKENS).open("wb") as token_file, (folder / SENTENCES).open("wb") as sentence_file:
        for block, begins in _blocks(text, part):
            ids = [encoding.ids for encoding in backend.encode_batch_fast(block, add_special_tokens=False)]
            lengths = np.fromiter(map(len, ids), np.int64, len(ids))
            values = np.fromiter(chain.from_iterable(ids), dtype, int(lengths.sum()))
            frequencies += np.bincount(values, minlength=size)
            token_file.write(values.tobytes())
            starts = tokens + offsets_of(lengths)[:-1]
            sentence_file.write(starts[lengths > 0].tobytes())
            before = offsets_of((lengths > 0).astype(np.int64))
            documents.append(sentences + before[begins])
            tokens, sentences = tokens + len(values), sentences + int(before[-1])
            progress.advance()
        sentence_file.write(np.array([tokens], np.int64).tobytes())
    write_array(folder / DOCUMENTS, np.unique(np.concatenate([*documents, np.array([sentences])])))
    write_array(folder / FREQUENCIES, frequencies)


def _blocks(text: CorpusText, part: Part) -> Iterator[tuple[list[str], Indices]]:
    """Sentences of about BLOCK characters, and which of them begin a document.

    A space before a sentence is part of it, as byte-level vocabularies tell words after a space from others.
    """
    block: list[str] = []
    begins: list[int] = []
    size = 0
    for is_first, sentences in text.stretches(part):
        if is_first:
            begins.append(len(block))
            block.append(sentences[0])
        for sentence in sentences[is_first:]:
            block.append(sentence if WIDE.match(sentence.lstrip(OPENING)) else f" {sentence}")
        size += sum(map(len, sentences)) + len(sentences)
        if size >= BLOCK:
            yield block, np.array(begins, np.int64)
            block, begins, size = [], [], 0
    if block:
        yield block, np.array(begins, np.int64)


def size_of(backend: Any) -> int:
    """V, which counts ids that are not used."""
    return 1 + max(backend.get_vocab(with_added_tokens=True).values(), default=0)


def _type_of(size: int) -> str:
    return "<u2" if size <= 1 << 16 else "<i4"
