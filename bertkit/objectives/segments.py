"""The two segments of a row of sentences: one after the other, swapped, or with text of another document.

B rows, k_i sentences of row i.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.features import Ragged
from bertkit.objectives.rows import Draws, Indices, Stream, TextRows, Texts
from bertkit.objectives.sequences import parts

TRIES = 8
"""How many rows of other documents are drawn at most to find one that is long enough."""


def in_either_order(texts: Texts, draws: Draws) -> tuple[Ragged, Ragged, Indices]:
    """A first and a second segment for each row, swapped where its class is 1."""
    swapped = draws.uniform(Stream.CLASSES, texts.row) >= 0.5
    lengths, split = texts.tokens.lengths, splits(texts, draws)
    first = parts(texts.tokens, np.where(swapped, split, 0), np.where(swapped, lengths, split))
    second = parts(texts.tokens, np.where(swapped, 0, split), np.where(swapped, split, lengths))
    return first, second, swapped.astype(np.int64)


def next_sentences(rows: TextRows, texts: Texts, draws: Draws) -> tuple[Ragged, Ragged, Indices]:
    """A first segment and the one after it, or text of another document where the class is 1; there must be one."""
    foreign = draws.uniform(Stream.CLASSES, texts.row) >= 0.5
    split = splits(texts, draws)
    last = _begins(texts, texts.sentences.lengths - 1)
    ends = texts.tokens.lengths - _drawn(draws.uniform(Stream.ENDS, texts.row), texts.tokens.lengths - last)
    first, second = parts(texts.tokens, np.zeros_like(split), split), parts(texts.tokens, split, ends)
    replaced = np.flatnonzero(foreign)
    others = _others(rows, texts.row[replaced], second.lengths[replaced], draws)
    order = np.arange(len(split))
    order[replaced] = len(split) + np.arange(len(replaced))
    return first, Ragged.concat([second, others]).take(order), foreign.astype(np.int64)


def splits(texts: Texts, draws: Draws) -> Indices:
    """(B,) where the second segment begins: one of the row's sentences after the first, each as likely as any other."""
    counts = texts.sentences.lengths
    assert counts.min(initial=2) >= 2, "a row of one sentence cannot be split"
    sentence = 1 + _drawn(draws.uniform(Stream.SPLITS, texts.row), counts - 1)
    return _begins(texts, sentence)


def _others(rows: TextRows, row: Indices, lengths: Indices, draws: Draws) -> Ragged:
    """For each row text of another document, so many tokens; fewer where TRIES rows were all too short."""
    documents = np.asarray(rows.documents)
    assert len(documents) and documents[0] != documents[-1], "see MaskedNextSentence.least_documents"
    begin, end = (np.searchsorted(documents, documents[row], side) for side in ("left", "right"))
    found: list[Ragged] = []
    order, waiting = np.zeros(len(row), np.int64), np.arange(len(row))
    for turn in range(TRIES):
        own = (end - begin)[waiting]
        other = _drawn(draws.uniform(Stream.OTHERS, row[waiting], turn), len(documents) - own)
        texts = rows.texts(other + np.where(other >= begin[waiting], own, 0))
        text = _from_a_sentence(texts, lengths[waiting], draws.uniform(Stream.SENTENCES, row[waiting], turn))
        order[waiting] = sum(map(len, found)) + np.arange(len(waiting))
        found.append(text)
        waiting = waiting[text.lengths < lengths[waiting]]
    return Ragged.concat(found).take(order)


def _from_a_sentence(texts: Texts, lengths: Indices, uniform: NDArray[np.float64]) -> Ragged:
    """From one of the sentences after each row's first that leave so many tokens, so many; else from the second."""
    sentences, sizes = texts.sentences, texts.tokens.lengths
    enough = sentences.values <= np.repeat(sizes - lengths, sentences.lengths)
    enough[sentences.offsets[:-1]] = False
    counts = np.add.reduceat(enough, sentences.offsets[:-1], dtype=np.int64) if len(enough) else np.zeros(0, np.int64)
    sentence = np.where(counts > 0, 1 + _drawn(uniform, counts), np.minimum(1, sentences.lengths - 1))
    begin = _begins(texts, sentence)
    return parts(texts.tokens, begin, np.minimum(begin + lengths, sizes))


def _begins(texts: Texts, sentence: Indices) -> Indices:
    """(B,) where this sentence of each row begins."""
    begins: Indices = texts.sentences.values[texts.sentences.offsets[:-1] + sentence].astype(np.int64)
    return begins


def _drawn(uniform: NDArray[np.float64], counts: Indices) -> Indices:
    """For each number in [0, 1) one of 0, 1, ... n - 1, each as likely as any other."""
    return (uniform * counts).astype(np.int64)
