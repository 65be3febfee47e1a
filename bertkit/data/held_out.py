"""Which documents of a corpus are kept, and which of them are held out, by their content alone.

D documents, K of them kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.errors import DataError
from bertkit.pretraining import Corpus

CLOSE = 0.01
"""The share of the held-out characters that may be missing, so that no document has to fit exactly."""

BOTH = "held-out documents that are also in train"

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Documents:
    """D documents.

    offsets     (D + 1,) where each begins in the file of their texts, in bytes
    characters  (D,) their lengths
    hashes      (D, 2) a hash of each one's text, 128 bits as two numbers
    files       (D,) the index of the file that each comes from
    """

    offsets: Indices
    characters: Indices
    hashes: NDArray[np.uint64]
    files: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The documents to train on, and those held out: their indices, ascending."""

    train: Indices
    held_out: Indices


def parts_of(documents: Documents, corpus: Corpus, names: Sequence[str], training: int, least: int = 1) -> Parts:
    """The documents to train on and those held out; of documents with the same text the first is kept.

    `names` are those of the files, of which the first `training` are to train on; the others are held out, if there are
    any, else at least `least` documents, of twice as many. Raises DataError if nothing is left to train on, or if
    a held-out document stands in train as well.
    """
    low, high = documents.hashes.T
    order = np.lexsort((low, high))  # stable: the first of equal ones stays the first
    ordered = documents.hashes[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    kept = order[new]
    if len(names) > training:
        aside = documents.files[order] >= training
        _refuse_shared(documents.files[order], aside, np.cumsum(new) - 1, names, corpus)
        is_held = aside[new]
    else:
        is_held = _drawn(documents.characters[kept], corpus.held_out, least)
    if is_held.all():
        raise DataError(_nothing_left(corpus, len(kept), names))
    if len(names) > training and not is_held.any():
        raise DataError(f"{names[training]}: there is no text to hold out")
    return Parts(train=np.sort(kept[~is_held]), held_out=np.sort(kept[is_held]))


def _drawn(sizes: Indices, share: float, least: int) -> Flags:
    """Of documents with these sizes, in the order of their hashes, those that make up `share` of all characters.

    Whatever fits is taken, in this order; if they come to too little, so is the smallest of the others, and so are the
    smallest until there are `least`, if there are twice as many documents.
    """
    is_held = np.zeros(len(sizes), np.bool_)
    if not share:
        return is_held
    wanted = share * float(sizes.sum())
    room = wanted
    for place, size in enumerate(sizes.tolist()):
        if size <= room:
            is_held[place] = True
            room -= size
        if room <= CLOSE * wanted:
            break
    lacking = (least if len(sizes) >= 2 * least else 1) - int(is_held.sum())
    more = max(int(room > CLOSE * wanted), lacking)
    smallest = np.where(is_held, np.iinfo(np.int64).max, sizes).argsort(kind="stable")
    is_held[smallest[: max(more, 0)]] = True
    return is_held


def _refuse_shared(
    files: NDArray[np.int32], aside: Flags, groups: Indices, names: Sequence[str], corpus: Corpus
) -> None:
    """Raise DataError, naming a file, if documents with the same text, a group, are both to train on and held out."""
    in_train = np.zeros(groups[-1] + 1, np.bool_)
    in_train[groups[~aside]] = True
    shared = np.flatnonzero(aside & in_train[groups])
    if len(shared):
        first = shared[0]
        other = np.flatnonzero((groups == groups[first]) & ~aside)[0]
        held, where = names[files[first]], names[files[other]]
        count = int((files[shared] == files[first]).sum())
        what = f"{count:,} of {held}, the first in {where}: leave them out of one of the two"
        small = "" if corpus.documents == "file" else ", or make each file one document (--documents file)"
        raise DataError(f"{BOTH}: {what}{small}")


def _nothing_left(corpus: Corpus, count: int, names: Sequence[str]) -> str:
    what = f"the corpus is {count:,} document{'s' * (count > 1)}, held out whole: nothing is left to train on"
    if corpus.held_out_files:
        return f"{what}; {', '.join(corpus.paths[:3])} has no text"
    finer = "row" if corpus.documents == "blank-lines" else "blank-lines or row"
    more = "" if corpus.documents == "row" else f", or cut it into more with --documents {finer}"
    return f"{names[0]}: {what}; hold out nothing (--held-out 0) or a file (--held-out FILE){more}"
