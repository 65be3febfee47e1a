"""Read a corpus into mapped files: documents as sentences, duplicates dropped, held-out documents chosen.

D documents as they are read, duplicates among them. What is held in memory grows with D (some 150 bytes each), not with
the text.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bertkit.data.cache import cached
from bertkit.data.changes import marks_of, refuse_changed
from bertkit.data.corpus_counts import CorpusCounts, saved_counts
from bertkit.data.corpus_files import CorpusFile, Listed, hub_rows, listed, texts_of
from bertkit.data.corpus_writer import CorpusWriter
from bertkit.data.held_out import BOTH, parts_of
from bertkit.data.mapped import mapped, write_array
from bertkit.data.paragraphs import Boilerplate, Ends, paragraphs, text_of
from bertkit.data.sentences import sentences
from bertkit.errors import DataError
from bertkit.files import sha256_once
from bertkit.pretraining import Corpus
from bertkit.progress import Progress

VERSION = 1
"""Version of how a corpus is read; increase it when that changes, so that it is read again."""

KIND = "corpora"
TEXT, OFFSETS, COUNTS = "text", "offsets", "counts.json"
STRETCH = 1 << 20
"""Bytes of a document that are in memory at once."""

Part = Literal["train", "held-out"]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CorpusText:
    """The documents of a corpus, in mapped files.

    digest   SHA-256 of what was read and how
    counts   what was read, left out and held out
    text     (bytes,) the documents in UTF-8, one after the other, a sentence a line
    offsets  (D + 1,) where each document begins
    parts    for each part its documents, ascending
    """

    digest: str
    counts: CorpusCounts
    text: NDArray[np.uint8]
    offsets: Indices
    parts: dict[Part, Indices]

    def documents(self, part: Part) -> Iterator[list[str]]:
        """Each document as its sentences, in the order of the files; one of megabytes comes in several lists."""
        for _, stretch in self.stretches(part):
            yield stretch

    def stretches(self, part: Part) -> Iterator[tuple[bool, list[str]]]:
        """Sentences of one document that follow each other, and whether the document begins with them."""
        for document in self.parts[part].tolist():
            start, end = int(self.offsets[document]), int(self.offsets[document + 1])
            begins = True
            while start < end:
                data = self.text[start : min(end, start + STRETCH)].tobytes()
                if start + len(data) < end:
                    data = data[: data.rindex(b"\n") + 1]  # a sentence is shorter than a stretch
                yield begins, data.decode().split("\n")[:-1]
                start, begins = start + len(data), False

    def characters(self, part: Part) -> int:
        """Characters of a part, the ends of its sentences counted."""
        held = self.counts.held_out_characters
        return held if part == "held-out" else self.counts.characters - held


def corpus_text(corpus: Corpus, progress: Progress, least: int = 1) -> CorpusText:
    """The documents of a corpus, cached by the content of its files and by how they are read.

    A share of the text that is held out is at least `least` documents, if there are twice as many.

    Raises DataError or RequestError for files that are missing or cannot be read, for a corpus without text, or with
    none to train on, and for held-out documents that are in train as well.
    """
    hubs = hub_rows(corpus)
    if hubs:
        from bertkit.hub import access

        access.prepare([], hubs)
    train, aside = listed(corpus.paths, corpus), listed(corpus.held_out_files, corpus)
    _refuse_same(train, aside)
    before = marks_of(file.path for file in (*train.files, *aside.files) if file.path is not None)
    digest = _digest(corpus, train, aside, least)

    def make(folder: Path) -> None:
        _read(corpus, (train, aside), least, folder, progress)
        refuse_changed(before)

    def read(folder: Path) -> CorpusText:
        return _mapped(folder, digest)

    text = cached(KIND, digest, make, read)
    return replace(text, counts=text.counts.with_left_out(Counter(train.left_out) + Counter(aside.left_out)))


def _refuse_same(train: Listed, aside: Listed) -> None:
    """Raise DataError if a held-out file is a file of the corpus."""
    there = {file.path.resolve() for file in train.files if file.path}
    same = next((file for file in aside.files if file.path and file.path.resolve() in there), None)
    if same is not None:
        raise DataError(f"{BOTH}: {same.name} is in the corpus: leave it out, or hold out a share (--held-out 1%)")


def _digest(corpus: Corpus, train: Listed, aside: Listed, least: int) -> str:
    """SHA-256 of all that the documents depend on: the files' bytes, and how they are read."""
    plain: list[Any] = [VERSION, corpus.documents, corpus.column, corpus.encoding, corpus.held_out]
    if least > 1 and corpus.held_out:
        plain.append(least)
    files = [[[file.kind, _content(file)] for file in one.files] for one in (train, aside)]
    return hashlib.sha256(json.dumps([plain, files]).encode()).hexdigest()


def _content(file: CorpusFile) -> str:
    if file.hub is None:
        assert file.path is not None
        return sha256_once(file.path)
    from bertkit.hub.fetch import fetch_rows

    return f"{file.hub.id}/{file.hub.config}/{file.hub.splits['train']}@{fetch_rows(file.hub, 'train')[1]}"


def _read(corpus: Corpus, parts: tuple[Listed, Listed], least: int, folder: Path, progress: Progress) -> None:
    """Write the documents of the files, to train on and held out, to a folder of the cache."""
    train, aside = parts
    files = (*train.files, *aside.files)
    boilerplate = Boilerplate()
    with CorpusWriter(folder / TEXT, files, progress) as writer:
        for file in files:
            writer.begin()
            for lines in texts_of(file, corpus):
                _add(writer, file, lines, corpus, boilerplate)
            writer.end_file()
    documents = writer.documents
    if not len(documents.characters):
        raise DataError(f"{', '.join(corpus.paths[:3])}: the corpus is empty: there is no text")
    found = parts_of(documents, corpus, [file.name for file in files], len(train.files), least)
    write_array(folder / "train", found.train)
    write_array(folder / "held-out", found.held_out)
    write_array(folder / OFFSETS, documents.offsets)
    kept, held = np.concatenate([found.train, found.held_out]), found.held_out
    CorpusCounts(
        files=len(files),
        documents=len(kept),
        characters=int(documents.characters[kept].sum()),
        duplicates=len(documents.characters) - len(kept),
        books=boilerplate.books,
        boilerplate=boilerplate.characters,
        held_out=len(held),
        held_out_characters=int(documents.characters[held].sum()),
        asked=None if corpus.held_out_files else corpus.held_out,
    ).save(folder / COUNTS)


def _add(
    writer: CorpusWriter, file: CorpusFile, lines: Iterator[str], corpus: Corpus, boilerplate: Boilerplate
) -> None:
    """Add the documents of one text."""
    text = text_of(lines)
    ends = _ends(corpus, file, text.is_book)
    for paragraph in paragraphs(text, ends, boilerplate):
        if paragraph is not None:
            writer.add(sentences(paragraph))
        elif not (corpus.documents == "file" and file.kind != "text"):
            writer.end()


def _ends(corpus: Corpus, file: CorpusFile, is_book: bool) -> Ends:
    """What ends a document in a text of this file."""
    if corpus.documents == "row" and file.kind == "text":
        return "line"
    if corpus.documents == "blank-lines" or (corpus.documents == "auto" and file.kind == "text" and not is_book):
        return "blank-lines"
    return "text"


def _mapped(folder: Path, digest: str) -> CorpusText:
    return CorpusText(
        digest=digest,
        counts=saved_counts(folder / COUNTS),
        text=mapped(folder / TEXT, "u1"),
        offsets=mapped(folder / OFFSETS, "<i8"),
        parts={"train": mapped(folder / "train", "<i8"), "held-out": mapped(folder / "held-out", "<i8")},
    )
