"""Rows of a tokenised corpus: windows of all tokens in order, or whole sentences of one document.

B rows of a batch, R rows in all, S sentences, D documents, E documents that begin within a batch's windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bertkit.errors import DataError
from bertkit.heads.features import Ragged
from bertkit.objectives.rows import Texts
from bertkit.objectives.sequences import offsets_of

if TYPE_CHECKING:
    from bertkit.data.tokens import TokenFiles

Indices = NDArray[np.int64]


class WindowRows:
    """All tokens in order, in rows of exactly `room`; what is left at the end is not in them.

    A held-out part that is smaller than a row is one shorter row.
    """

    def __init__(self, files: TokenFiles, room: int, end: int | None) -> None:
        """`end` stands between two documents; None for nothing there. Raises DataError if there is not one row."""
        self._tokens, self._sentences = files.tokens, files.sentences
        self._documents = files.sentences[files.documents[:-1]]
        self._end = end
        self._starts = self._documents + (np.arange(len(self._documents)) if end is not None else 0)
        length = len(files.tokens) + (max(len(self._documents) - 1, 0) if end is not None else 0)
        if length < room and (files.part == "train" or not length):
            raise DataError(_too_small(files, f"{length:,} tokens", f"the {room:,} of one row"))
        self._room = min(room, length)
        self._rows = length // self._room

    def __len__(self) -> int:
        return self._rows

    @property
    def documents(self) -> Indices:
        """(R,) the document that each row begins in."""
        begins = np.arange(self._rows, dtype=np.int64) * self._room
        found: Indices = np.searchsorted(self._starts, begins, "right") - 1
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not in the rows, for the user: nothing worth a line."""
        return ()

    def texts(self, rows: Indices) -> Texts:
        """These rows, in this order."""
        rows = np.asarray(rows, np.int64)
        room, begins = self._room, rows * self._room
        first = np.searchsorted(self._starts, begins, "right") - 1
        last = np.searchsorted(self._starts, begins + room, "right") - 1
        token = begins - first if self._end is not None else begins
        owner, place = ranges(first + 1, last + 1)  # (E,) the row that a document begins in, and the document
        index = token[:, None] + np.arange(room)
        if self._end is not None and len(place):
            stop = self._starts[place] - 1 - begins[owner]
            stops = np.zeros_like(index)
            stops[owner, stop] = 1
            index -= np.cumsum(stops, axis=1)
            values = self._tokens[index].astype(np.int32)
            values[owner, stop] = self._end
            ends = last - first
        else:
            values, ends = self._tokens[index].astype(np.int32), np.zeros_like(first)
        return Texts(
            row=rows,
            document=first,
            tokens=Ragged(values.reshape(-1), np.arange(len(rows) + 1, dtype=np.int64) * room),
            sentences=self._sentence_starts(token, ends, self._documents[place] - token[owner], owner),
        )

    def _sentence_starts(self, token: Indices, ends: Indices, stops: Indices, owner: Indices) -> Ragged:
        """Where sentences begin in rows whose first tokens are `token`, with so many `ends` in each.

        `stops` (E,) are the tokens of the row `owner` before each end.
        """
        low = np.searchsorted(self._sentences, token, "left")
        high = np.searchsorted(self._sentences, token + self._room - ends, "left")
        row, sentence = ranges(low, high)
        starts = self._sentences[sentence] - token[row]
        if ends.any():
            wide = self._room + 2
            before = np.searchsorted(owner * wide + stops, row * wide + starts, "right")
            starts += before - (np.cumsum(ends) - ends)[row]
        inside = starts > 0
        row, starts = row[inside], starts[inside]
        counts = np.bincount(row, minlength=len(token)) + 1
        offsets = offsets_of(counts)
        values = np.zeros(offsets[-1], np.int32)
        others = np.ones(offsets[-1], np.bool_)
        others[offsets[:-1]] = False
        values[others] = starts
        return Ragged(values, offsets)


class SentenceRows:
    """Consecutive whole sentences of one document, two at least, in rows of at most `room` tokens.

    Two sentences that are longer than `room` together are cut at their ends, the longer one first. A document's last
    sentence is in no row where it is left alone.
    """

    def __init__(self, files: TokenFiles, room: int) -> None:
        """Raise DataError if there is not one row."""
        self._tokens, self._sentences, self._room = files.tokens, files.sentences, room
        starts, counts, documents = _packed(files, room)
        self._starts, self._counts, self.documents = starts, counts, documents
        self.alone = len(files.documents) - 1 - len(np.unique(documents))
        self.cut = int((self._length(starts, counts) > room).sum())
        if not len(starts):
            raise DataError(_too_small(files, "no document of two sentences", "the two of one row"))

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not in the rows, for the user."""
        said = []
        if self.alone:
            said.append(f"{self.alone:,} document{'s' * (self.alone > 1)} of one sentence left out")
        if self.cut:
            said.append(f"{self.cut:,} of {len(self):,} rows cut: two sentences with more than {self._room} tokens")
        return tuple(said)

    def texts(self, rows: Indices) -> Texts:
        """These rows, in this order."""
        rows = np.asarray(rows, np.int64)
        starts, counts = self._starts[rows], self._counts[rows]
        row, sentence = ranges(starts, starts + counts)
        begins = self._sentences[sentence]
        lengths = self._sentences[sentence + 1] - begins
        firsts = np.cumsum(counts) - counts
        long = np.flatnonzero(self._length(starts, counts) > self._room)
        one, two = lengths[firsts[long]], lengths[firsts[long] + 1]
        half = self._room // 2
        shorter = np.where(one <= half, one, np.where(two <= half, self._room - two, self._room - half))
        lengths[firsts[long]] = shorter
        lengths[firsts[long] + 1] = self._room - shorter
        inner = offsets_of(lengths)
        places = np.arange(inner[-1]) + np.repeat(begins - inner[:-1], lengths)
        offsets = inner[np.append(firsts, len(lengths))]
        return Texts(
            row=rows,
            document=self.documents[rows],
            tokens=Ragged(self._tokens[places].astype(np.int32), offsets),
            sentences=Ragged((inner[:-1] - offsets[row]).astype(np.int32), offsets_of(counts)),
        )

    def _length(self, starts: Indices, counts: Indices) -> Indices:
        """Tokens of so many sentences from these on."""
        lengths: Indices = self._sentences[starts + counts] - self._sentences[starts]
        return lengths


def _packed(files: TokenFiles, room: int) -> tuple[Indices, Indices, Indices]:
    """(R,) The first sentence of each row, how many it has, and its document."""
    sentences, documents = files.sentences, files.documents
    fits = np.searchsorted(sentences, sentences[:-1] + room, "right") - 1
    following = np.maximum(fits, np.arange(len(fits)) + 2)
    cursor, limit, which = documents[:-1].copy(), documents[1:], np.arange(len(documents) - 1)
    parts = []
    while len(which):  # one row of each document at a time
        reached = np.minimum(following[cursor], limit[which])
        parts.append((cursor, reached - cursor, which))
        more = reached < limit[which]
        cursor, which = reached[more], which[more]
    starts, counts, owners = (
        np.concatenate([part[k] for part in parts]) if parts else np.zeros(0, np.int64) for k in range(3)
    )
    order = np.argsort(starts, kind="stable")
    starts, counts, owners = starts[order], counts[order], owners[order]
    alone = np.flatnonzero(counts == 1)
    before = alone - 1
    gives = (alone > 0) & (owners[before] == owners[alone]) & (counts[before] > 2)
    counts[before[gives]] -= 1
    starts[alone[gives]] -= 1
    counts[alone[gives]] = 2
    whole = counts > 1
    return starts[whole], counts[whole], owners[whole]


def ranges(low: Indices, high: Indices) -> tuple[Indices, Indices]:
    """For runs low[i]..high[i] - 1, one after the other: the i of each number, and the numbers."""
    counts = np.maximum(high - low, 0)
    owner = np.repeat(np.arange(len(low)), counts)
    return owner, np.arange(len(owner)) + np.repeat(low - (np.cumsum(counts) - counts), counts)


def _too_small(files: TokenFiles, found: str, needed: str) -> str:
    if files.part == "train":
        return f"the corpus is too small: its text to train on has {found}, and {needed} are needed: give more text"
    return f"the held-out text is too small: it has {found}, and {needed} are needed: raise --held-out"
