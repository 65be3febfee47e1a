"""Write the documents of a corpus to a file, one after the other, and remember what is in each."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from bertkit.data.corpus_files import CorpusFile
from bertkit.data.held_out import Documents
from bertkit.progress import Progress

UNIT = 1 << 20
"""Bytes of a step of the progress."""
HASH = 16
"""Bytes of a document's hash."""


class CorpusWriter:
    """Writes sentences, a line each; `end` ends a document, if there is one."""

    def __init__(self, path: Path, files: Sequence[CorpusFile], progress: Progress) -> None:
        self._file = path.open("wb", 1 << 20)
        self._progress = progress
        self._sizes = [file.size // UNIT for file in files]
        progress.phase("reading the corpus", sum(self._sizes))
        self._files, self._shown = -1, 0
        self._at = self._began = 0
        self._hash, self._length = hashlib.blake2b(digest_size=HASH), 0
        self._offsets, self._lengths, self._indices = array("q", [0]), array("q"), array("i")
        self._hashes = bytearray()

    def begin(self) -> None:
        """The next file begins."""
        self._files += 1
        self._shown, self._began = 0, self._at

    def add(self, sentences: list[str]) -> None:
        """Sentences of the document."""
        text = "\n".join(sentences) + "\n"
        data = text.encode(errors="replace")  # JSON may hold half of a surrogate pair
        self._file.write(data)
        self._hash.update(data)
        self._length += len(text)
        self._at += len(data)
        if (self._at - self._began) // UNIT > self._shown < self._sizes[self._files]:
            self._show(1)

    def end(self) -> None:
        """The document ends."""
        if self._at > self._offsets[-1]:
            self._offsets.append(self._at)
            self._lengths.append(self._length)
            self._indices.append(self._files)
            self._hashes += self._hash.digest()
            self._hash, self._length = hashlib.blake2b(digest_size=HASH), 0

    def end_file(self) -> None:
        """The file ends, and its last document."""
        self.end()
        self._show(self._sizes[self._files] - self._shown)

    def _show(self, steps: int) -> None:
        self._shown += steps
        self._progress.advance(steps)

    @property
    def documents(self) -> Documents:
        """All documents."""
        return Documents(
            offsets=np.array(self._offsets, np.int64),
            characters=np.array(self._lengths, np.int64),
            hashes=np.frombuffer(bytes(self._hashes), "<u8").reshape(-1, 2),
            files=np.array(self._indices, np.int32),
        )

    def __enter__(self) -> CorpusWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
