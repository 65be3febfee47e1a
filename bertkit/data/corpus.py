"""The text of a corpus: its documents as sentences in memory-mapped files, without duplicates, some of them held out.

D documents, S sentences, of all parts together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bertkit import __version__
from bertkit.data.cache import cached
from bertkit.data.corpus_files import Document, Part, digest_of, documents_of, parts_of
from bertkit.errors import DataError, RequestError
from bertkit.pretraining import Corpus
from bertkit.progress import Progress

VERSION = 1
"""Of how text is read; increase it when that changes, so that cached text is read again."""
KIND = "corpora"
TEXT, SENTENCES, DOCUMENTS, HELD, FACTS = "text", "sentences", "documents", "held", "facts.json"
"""Files of a corpus in the cache: UTF-8; the end of each sentence, in bytes; the end of each document, in sentences;
whether each is held out; its counts and digest."""

TrainOrHeldOut = Literal["train", "held-out"]


@dataclass(frozen=True, kw_only=True)
class CorpusCounts:
    """What a corpus holds, and what was left out of it; characters without white space between sentences."""

    files: int
    documents: int
    characters: int
    held_out_documents: int = 0
    held_out_characters: int = 0
    duplicates: int = 0
    books: int = 0

    @property
    def plain(self) -> dict[str, Any]:
        """The counts, for JSON."""
        return asdict(self)

    @property
    def lines(self) -> tuple[str, ...]:
        """The counts for the user."""
        found = [f"{self.documents:,} documents, {self.characters:,} characters, from {self.files:,} files"]
        if self.held_out_documents:
            share = 100 * self.held_out_characters / max(self.characters, 1)
            found.append(f"{self.held_out_documents:,} of the documents are held out, {share:.1f} % of the characters")
        if self.duplicates:
            found.append(f"{self.duplicates:,} duplicate documents were left out")
        if self.books:
            found.append(f"the boilerplate of {self.books:,} books of Project Gutenberg was left out")
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class CorpusText:
    """A corpus in memory-mapped arrays: see TEXT and the files after it.

    digest  SHA-256 of its text and of what is held out
    """

    digest: str
    counts: CorpusCounts
    text: NDArray[np.uint8]
    sentences: NDArray[np.int64]
    ends: NDArray[np.int64]
    held: NDArray[np.bool_]

    def documents(self, part: TrainOrHeldOut) -> Iterator[list[str]]:
        """Each document of a part, as its sentences."""
        for document in np.flatnonzero(self.held == (part == "held-out")):
            first = int(self.ends[document - 1]) if document else 0
            ends = self.sentences[first : int(self.ends[document])]
            start = int(self.sentences[first - 1]) if first else 0
            data = self.text[start : int(ends[-1])].tobytes()
            cuts = [0, *(ends - start).tolist()]
            yield [data[a:b].decode(errors="surrogatepass") for a, b in pairwise(cuts)]

    def count(self, part: TrainOrHeldOut) -> int:
        """How many documents a part has."""
        return int((self.held == (part == "held-out")).sum())


def corpus_text(corpus: Corpus, progress: Progress) -> CorpusText:
    """The text of a corpus, cached by the content of its files.

    Raises RequestError or DataError for files that are not there or no text, for a corpus without text, and for
    held-out documents that are also in train.
    """
    train, held = parts_of(corpus.paths, corpus), parts_of(corpus.held_out_files, corpus)
    what = replace(corpus, paths=("",), held_out_files=())
    named = [[(part.key, Path(part.name).suffix) for part in parts] for parts in (train, held)]
    key = hashlib.sha256(json.dumps([VERSION, __version__, repr(what), named]).encode()).hexdigest()
    return cached(KIND, key, lambda folder: _write(folder, corpus, (train, held), progress), _mapped)


def _mapped(folder: Path) -> CorpusText:
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    arrays = {
        name: np.memmap(folder / name, dtype, "r").view(np.ndarray)
        for name, dtype in ((TEXT, np.uint8), (SENTENCES, np.int64), (DOCUMENTS, np.int64), (HELD, np.bool_))
    }
    return CorpusText(
        digest=facts["digest"], counts=CorpusCounts(**facts["counts"]), text=arrays[TEXT],
        sentences=arrays[SENTENCES], ends=arrays[DOCUMENTS], held=arrays[HELD],
    )  # fmt: skip


class _Writer:
    """Appends documents to a corpus' files, and leaves out those that it has already."""

    def __init__(self, folder: Path) -> None:
        self.text = (folder / TEXT).open("wb")
        self.sentences = (folder / SENTENCES).open("wb")
        self.sha = hashlib.sha256()
        self.hashes: list[int] = []
        self.ends: list[int] = []
        self.sizes: list[int] = []
        self.duplicates = 0
        self._seen: set[int] = set()
        self._bytes = self._count = 0

    def add(self, document: Document) -> bool:
        """Append a document; returns whether it is new."""
        digest = digest_of(document.sentences)
        number = int.from_bytes(digest[:8], "little")
        if number in self._seen:
            self.duplicates += 1
            return False
        self._seen.add(number)
        data = [one.encode(errors="surrogatepass") for one in document.sentences]
        ends = self._bytes + np.cumsum([len(one) for one in data], dtype=np.int64)
        self.text.write(b"".join(data))
        self.sentences.write(ends.tobytes())
        self.sha.update(digest)
        self._bytes, self._count = int(ends[-1]), self._count + len(data)
        self.hashes.append(number)
        self.ends.append(self._count)
        self.sizes.append(sum(map(len, document.sentences)))
        return True

    def close(self) -> None:
        """Close the files."""
        self.text.close()
        self.sentences.close()


def _write(folder: Path, corpus: Corpus, parts: Sequence[list[Part]], progress: Progress) -> None:
    writer, books = _Writer(folder), 0
    progress.phase("reading", sum(map(len, parts)))
    try:
        counts = []
        for some in parts:
            for part in some:
                found = 0
                for document in documents_of(part, corpus):
                    if not writer.add(document) and some is parts[1]:
                        raise RequestError(f"--held-out {part.name}: a document of it is in the train text too")
                    found = found or document.book
                books += bool(found)
                progress.advance()
            counts.append(len(writer.ends))
    finally:
        writer.close()
    held = _held_out(corpus, writer, counts[0])
    _check(corpus, held)
    writer.sha.update(held.tobytes())
    np.array(writer.ends, np.int64).tofile(folder / DOCUMENTS)
    held.tofile(folder / HELD)
    sizes = np.array(writer.sizes, np.int64)
    facts = CorpusCounts(
        files=sum(map(len, parts)), documents=len(held), characters=int(sizes.sum()),
        held_out_documents=int(held.sum()), held_out_characters=int(sizes[held].sum()),
        duplicates=writer.duplicates, books=books,
    )  # fmt: skip
    (folder / FACTS).write_text(json.dumps({"digest": writer.sha.hexdigest(), "counts": facts.plain}), "utf-8")


def _held_out(corpus: Corpus, writer: _Writer, trained: int) -> NDArray[np.bool_]:
    """(D,) which documents are held out: those behind the `trained` ones, or a share of the text, by their hashes.

    Documents are taken in the order of their hashes, until the share is reached; one that would take it to more than
    twice the share is passed over. If all would, it is the smallest.
    """
    held = np.arange(len(writer.ends)) >= trained
    if corpus.held_out_files or not corpus.held_out:
        return held
    sizes = np.array(writer.sizes, np.int64)
    wanted, got = corpus.held_out * sizes.sum(), 0
    for document in np.argsort(np.array(writer.hashes, np.uint64), kind="stable"):
        if got >= wanted:
            break
        if got + sizes[document] <= 2 * wanted:
            held[document] = True
            got += sizes[document]
    if len(sizes) and not held.any():
        held[sizes.argmin()] = True
    return held


def _check(corpus: Corpus, held: NDArray[np.bool_]) -> None:
    """Raise DataError where there is no text, or none to train on."""
    if not len(held):
        raise DataError(f"the corpus {', '.join(corpus.paths)} holds no text")
    if held.all():
        raise DataError(
            f"the corpus is {len(held)} document{'s' * (len(held) > 1)}, all of it held out: give more text, "
            "--held-out 0, or --documents blank-lines"
        )
