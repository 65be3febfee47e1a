"""The tokens of a corpus in memory-mapped files, and the rows that they are cut into.

N tokens of S sentences of D documents; R rows.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit import __version__
from bertkit.data.cache import cached
from bertkit.data.corpus import CorpusText, TrainOrHeldOut
from bertkit.data.sampler import Indices
from bertkit.errors import DataError
from bertkit.heads.features import Ragged
from bertkit.objectives.base import Cut
from bertkit.objectives.rows import TextRows, Texts
from bertkit.progress import Progress

VERSION = 1
"""Of how text is tokenised; increase it when that changes."""
KIND = "tokens"
TOKENS, SENTENCES, DOCUMENTS, FACTS = "tokens", "sentences", "documents", "facts.json"
CHUNK = 2_000
"""Sentences per tokenizer call."""


@dataclass(frozen=True, kw_only=True)
class TokenFiles:
    """Part of a corpus as tokens, in memory-mapped arrays.

    tokens     (N,) ids; where there is an `end` token, it stands behind each document
    sentences  (S,) where each sentence that has tokens begins, in tokens
    documents  (D,) where each document begins, in tokens
    end        the end token
    """

    tokens: NDArray[np.integer[Any]]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]
    end: int | None


def tokenised(
    text: CorpusText, part: TrainOrHeldOut, tokenizer: Any, end: int | None, progress: Progress
) -> TokenFiles:
    """The tokens of a part of a corpus, cached, with the token `end`, if there is one, behind each document."""
    made = [VERSION, __version__, text.digest, part, tokenizer.backend_tokenizer.to_str(), end]
    key = hashlib.sha256(json.dumps(made).encode()).hexdigest()
    writer = _Writer(tokenizer, end)
    return cached(KIND, key, lambda folder: writer.write(folder, text, part, progress), _mapped)


def _mapped(folder: Path) -> TokenFiles:
    facts = json.loads((folder / FACTS).read_text("utf-8"))

    def array(name: str, dtype: Any) -> Any:
        path = folder / name
        return np.memmap(path, dtype, "r").view(np.ndarray) if path.stat().st_size else np.empty(0, dtype)

    return TokenFiles(
        tokens=array(TOKENS, facts["dtype"]), sentences=array(SENTENCES, np.int64),
        documents=array(DOCUMENTS, np.int64), end=facts["end"],
    )  # fmt: skip


def _blocks(documents: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Documents of at least CHUNK sentences together."""
    block: list[list[str]] = []
    size = 0
    for document in documents:
        block.append(document)
        size += len(document)
        if size >= CHUNK:
            yield block
            block, size = [], 0
    if block:
        yield block


class _Writer:
    """Writes the token files of documents."""

    def __init__(self, tokenizer: Any, end: int | None) -> None:
        self.backend, self.end = copy.deepcopy(tokenizer.backend_tokenizer), end
        self.backend.no_padding()
        self.backend.no_truncation()
        self.dtype = "uint16" if len(tokenizer) <= 1 << 16 else "int32"
        self.count = 0

    def write(self, folder: Path, text: CorpusText, part: TrainOrHeldOut, progress: Progress) -> None:
        """Write the files of a part of a corpus."""
        progress.phase("tokenising", text.count(part))
        with ExitStack() as stack:
            files = [stack.enter_context((folder / name).open("wb")) for name in (TOKENS, SENTENCES, DOCUMENTS)]
            for block in _blocks(text.documents(part)):
                for file, array in zip(files, self._arrays(block), strict=True):
                    file.write(array.tobytes())
                progress.advance(len(block))
        (folder / FACTS).write_text(json.dumps({"dtype": self.dtype, "end": self.end}), "utf-8")

    def _arrays(self, block: list[list[str]]) -> tuple[NDArray[Any], ...]:
        """Tokens, and the starts of sentences and of documents, of documents that follow those written before."""
        flat = [sentence for document in block for sentence in document]
        ids = [one.ids for one in self.backend.encode_batch_fast(flat, add_special_tokens=False)]
        filled = np.array([len(one) > 0 for one in ids])
        if self.end is not None:
            for last in np.cumsum([len(document) for document in block]) - 1:
                ids[last] = [*ids[last], self.end]
        lengths = np.array([len(one) for one in ids], np.int64)
        starts = self.count + np.cumsum(lengths) - lengths
        firsts = np.cumsum([0, *(len(document) for document in block[:-1])])
        self.count += int(lengths.sum())
        return np.concatenate([np.array(one, self.dtype) for one in ids]), starts[filled], starts[firsts]


def rows_of(files: TokenFiles, cut: Cut, room: int) -> TextRows:
    """The rows of a corpus, of `room` tokens, or of whole sentences of at most so many: see Objective.cut.

    Raises DataError if the corpus is smaller than a row.
    """
    rows: TextRows = _Windows(files, room) if cut == "windows" else _SentenceRows(files, room)
    if not len(rows):
        least = f"{room} tokens" if cut == "windows" else "two sentences of one document"
        raise DataError(f"the text is smaller than a row ({least}): give more text, or a smaller --max-length")
    return rows


class _Windows:
    """All tokens in order, in rows of one length; what is left over at the end is left out."""

    def __init__(self, files: TokenFiles, room: int) -> None:
        self._files, self._room = files, room
        firsts = np.arange(len(files.tokens) // room, dtype=np.int64) * room
        self.documents: Indices = np.searchsorted(files.documents, firsts, side="right") - 1

    def __len__(self) -> int:
        return len(self.documents)

    def texts(self, rows: Indices) -> Texts:
        """These rows."""
        rows = np.asarray(rows, np.int64)
        firsts = rows * self._room
        tokens = self._files.tokens[firsts[:, None] + np.arange(self._room)].astype(np.int32)
        begins, ends = np.searchsorted(self._files.sentences, [firsts, firsts + self._room])
        starts = _stretches(self._files.sentences, begins, ends)
        opened = starts.values - np.repeat(firsts, starts.lengths)
        return Texts(
            row=rows,
            document=self.documents[rows],
            tokens=Ragged(tokens.ravel(), np.arange(len(rows) + 1, dtype=np.int64) * self._room),
            sentences=_from_zero(Ragged(opened.astype(np.int32), starts.offsets)),
        )


class _SentenceRows:
    """Whole sentences of one document that follow each other, at least two; one that is longer than a row is cut.

    A document of a single sentence has no row.
    """

    def __init__(self, files: TokenFiles, room: int) -> None:
        self._files, self._room = files, room
        last = np.append(files.documents[1:], len(files.tokens)) - (files.end is not None)  # behind each document
        document = np.searchsorted(files.documents, files.sentences, side="right") - 1
        self._ends = np.minimum(np.append(files.sentences[1:], len(files.tokens)), last[document])
        self._first, self._last = _whole_sentences(files.sentences, self._ends, document, room)
        self.documents: Indices = document[self._first]

    def __len__(self) -> int:
        return len(self.documents)

    def texts(self, rows: Indices) -> Texts:
        """These rows."""
        rows = np.asarray(rows, np.int64)
        files, begins, ends = self._files, self._first[rows], self._last[rows]
        firsts = files.sentences[begins]
        lasts = np.minimum(self._ends[ends - 1], firsts + self._room)
        tokens = _stretches(files.tokens, firsts, lasts)
        starts = _stretches(files.sentences, begins, ends)
        opened = starts.values - np.repeat(firsts, starts.lengths)
        return Texts(
            row=rows,
            document=self.documents[rows],
            tokens=Ragged(tokens.values.astype(np.int32), tokens.offsets),
            sentences=Ragged(opened.astype(np.int32), starts.offsets),
        )


def _whole_sentences(starts: Indices, ends: Indices, document: Indices, room: int) -> tuple[Indices, Indices]:
    """For each row its first sentence, and the one behind its last: as many of a document as fit into `room` tokens.

    A row has at least two; where two do not fit, the second is cut, if the first leaves room for any of it.
    """
    fits = np.searchsorted(ends, starts + room, side="right")  # behind the last sentence that fits
    behind = np.searchsorted(document, document, side="right")  # behind the last sentence of the document
    short = ends - starts < room
    first, last, k = [], [], 0
    while k < len(starts):
        end = min(max(int(fits[k]), k + 2), int(behind[k]))
        if end - k >= 2 and short[k]:
            first.append(k)
            last.append(end)
            k = end
        else:
            k += 1
    return np.array(first, np.int64), np.array(last, np.int64)


def _stretches(values: NDArray[Any], begins: Indices, ends: Indices) -> Ragged:
    """The values from each begin to its end."""
    lengths = ends - begins
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    places = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1] - begins, lengths)
    return Ragged(values[places], offsets)


def _from_zero(starts: Ragged) -> Ragged:
    """Starts of sentences with a 0 before those of a row that begins within one."""
    lacking = np.ones(len(starts), np.bool_)
    filled = starts.lengths > 0
    lacking[filled] = starts.values[starts.offsets[:-1][filled]] != 0
    values = np.insert(starts.values, starts.offsets[:-1][lacking], 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(starts.lengths + lacking)])
    return Ragged(values, offsets)
