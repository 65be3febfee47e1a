"""Which tokens of a row are predicted: tokens, words, or spans of words, within a budget.

B rows, T tokens of the longest, W words of the row with most of them, S spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.features import Ragged
from bertkit.objectives.rows import Draws, Indices, Pieces, Stream
from bertkit.objectives.sequences import positions

Shares = tuple[float, ...]

GEOMETRIC: Shares = tuple(0.2 * 0.8**i / (1 - 0.8**10) for i in range(10))
"""SpanBERT's spans (Joshi et al. 2020, 3.1): how often they have 1, 2, ... 10 words; 3.8 on average."""

NGRAM: Shares = tuple(1 / n / sum(1 / m for m in (1, 2, 3)) for n in (1, 2, 3))
"""ALBERT's n-grams (Lan et al. 2020, 4.1): 6, 3 and 2 elevenths of them have 1, 2 and 3 words."""

SHARES = {"span": GEOMETRIC, "ngram": NGRAM}


@dataclass(frozen=True, kw_only=True)
class Spans:
    """S spans of tokens, which do not overlap.

    row         (S,) the row of each
    begin, end  (S,) its first token, and the one after its last, as places in the row
    """

    row: Indices
    begin: Indices
    end: Indices


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of B rows; a special token is one too, but not free, and what is missing in short rows is not.

    free   (B, W) whether it may be predicted
    edges  (B, W + 1) where each begins, and where the last ends, as places in the row
    """

    free: NDArray[np.bool_]
    edges: Indices

    @cached_property
    def sizes(self) -> Indices:
        """(B, W) tokens of each word."""
        sizes: Indices = np.diff(self.edges)
        return sizes

    def fitting(self, first: Indices, most: Indices, budget: Indices) -> Indices:
        """(B,) how many words from `first` on, `most` of them at most, have no more tokens than the budget."""
        each = np.arange(len(first))
        counts = np.arange(1, most.max(initial=0) + 1)
        ends = self.edges[each[:, None], np.minimum(first[:, None] + counts, self.free.shape[1])]
        within = ends - self.edges[each, first][:, None] <= budget[:, None]
        fitting: Indices = np.sum(within & (counts <= most[:, None]), axis=1)
        return fitting


def chosen(tokens: Ragged, unit: str, probability: float, rows: Indices, draws: Draws, pieces: Pieces) -> Spans:
    """What is predicted of these rows, whose indices are `rows`; `unit` is one of `Masked`."""
    free = maskable(tokens, pieces)
    budget = budgets(free, probability, up=unit == "span")
    if unit == "subword":
        return tokens_within(free, budget, rows, draws)
    words = words_of(tokens, free, pieces)
    if unit == "whole-word":
        return words_within(words, budget, rows, draws)
    return spans_within(words, SHARES[unit], budget, rows, draws)


def maskable(tokens: Ragged, pieces: Pieces) -> NDArray[np.bool_]:
    """(B, T) whether there is a token here, and not a special one."""
    found = np.zeros((len(tokens), tokens.lengths.max(initial=0)), np.bool_)
    found[_within(found, tokens)] = ~pieces.special[tokens.values]
    return found


def words_of(tokens: Ragged, free: NDArray[np.bool_], pieces: Pieces) -> Words:
    """The words of these rows; `free` is `maskable` of them.

    A token begins a word unless it continues that of the token before it: the first of a row always does, and the
    one after a special token. "[CLS] un ##bend ##ing reed [SEP]" has the edges 0, 1, 4, 5, 6; the words from 1 and
    from 4 are free.
    """
    within = _within(free, tokens)
    begins = within.copy()
    begins[within] = ~pieces.continues[tokens.values]
    begins |= ~free & within
    begins[:, 1:] |= within[:, 1:] & ~free[:, :-1]
    begins[:, :1] = within[:, :1]
    counts = begins.sum(1)
    edges = np.repeat(tokens.lengths[:, None], counts.max(initial=0) + 1, axis=1)
    slots = np.arange(edges.shape[1]) < counts[:, None]
    row, place = np.nonzero(begins)
    edges[slots] = place
    words = np.zeros((len(tokens), edges.shape[1] - 1), np.bool_)
    words[slots[:, :-1]] = free[row, place]
    return Words(free=words, edges=edges)


def budgets(free: NDArray[np.bool_], probability: float, up: bool = False) -> Indices:
    """(B,) how many tokens of each row are predicted: a share of those that may be, rounded, and at least one.

    0.15 of 124 tokens (18.6) are 19, and of 122 (18.3) are 18, or 19 where it is rounded `up`; of 2 they are 1.
    """
    counts = free.sum(1)
    shares = np.round(probability * counts, 9)
    budget: Indices = np.minimum(np.maximum(np.ceil(shares) if up else np.rint(shares), 1), counts).astype(np.int64)
    return budget


def tokens_within(free: NDArray[np.bool_], budget: Indices, rows: Indices, draws: Draws) -> Spans:
    """Spans of one token, each token as likely as any other, until each row's budget is full."""
    order = draws.uniform(Stream.ORDER, rows[:, None], np.arange(free.shape[1]))
    order[~free] = 2  # after all others
    first = np.argsort(order, axis=1)[:, : budget.max(initial=0)]
    chosen = np.arange(first.shape[1]) < budget[:, None]
    token = first[chosen]
    return Spans(row=np.repeat(np.arange(len(rows)), budget), begin=token, end=token + 1)


def words_within(words: Words, budget: Indices, rows: Indices, draws: Draws) -> Spans:
    """Spans of one word, in random order: one that exceeds what is left of its row's budget of tokens is skipped."""
    order = np.argsort(draws.uniform(Stream.ORDER, rows[:, None], np.arange(words.free.shape[1])), axis=1)
    each, left = np.arange(len(rows)), budget.copy()
    sizes = np.where(words.free, words.sizes, budget.max(initial=0) + 1)[each[:, None], order]
    taken = np.zeros(sizes.shape, np.bool_)
    for turn in range(sizes.shape[1]):
        taken[:, turn] = sizes[:, turn] <= left
        left -= sizes[:, turn] * taken[:, turn]
        if not left.any():
            break
    row, rank = np.nonzero(taken)
    word = order[row, rank]
    return Spans(row=row, begin=words.edges[row, word], end=words.edges[row, word + 1])


def spans_within(words: Words, shares: Shares, budget: Indices, rows: Indices, draws: Draws) -> Spans:
    """Spans of whole words, until each row's budget of tokens is full, or no word fits in what is left of it.

    The number of words of a span is drawn first, by its share; then its first word, from all with which it overlaps
    no other span, holds no special token and ends in the row. If there are none, the span is cut to the longest gap.
    It ends before the word that exceeds the budget; a word that does so alone is not drawn. (SpanBERT's and ALBERT's
    own programs draw the length again as well when spans overlap, which makes long ones rarer than their share.)
    """
    left, taken = budget.copy(), ~words.free
    found: list[tuple[Indices, Indices, Indices]] = []
    limits: NDArray[np.float64] = np.cumsum(shares)[:-1]
    while True:
        reach = np.where(words.sizes <= left[:, None], _gaps(taken), 0)
        length: Indices = np.searchsorted(limits, draws.uniform(Stream.LENGTHS, rows, len(found)), side="right") + 1
        length = np.minimum(length, reach.max(1, initial=0))
        row = np.flatnonzero(length)
        if not len(row):
            break
        first = _one_of(reach >= np.maximum(length, 1)[:, None], draws.uniform(Stream.STARTS, rows, len(found)))
        count = words.fitting(first, length, left)
        each = np.repeat(np.arange(len(rows)), count)
        taken[each, positions(first, count)] = True
        begin, end = words.edges[row, first[row]], words.edges[row, (first + count)[row]]
        left[row] -= end - begin
        found.append((row, begin, end))
    row, begin, end = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else _NONE
    return Spans(row=row, begin=begin, end=end)


_NONE = (np.zeros(0, np.int64),) * 3


def _within(grid: NDArray[np.bool_], tokens: Ragged) -> NDArray[np.bool_]:
    """(B, T) whether the row is as long as this."""
    return np.arange(grid.shape[1]) < tokens.lengths[:, None]


def _gaps(taken: NDArray[np.bool_]) -> Indices:
    """(B, W) how many words from this one on are not taken."""
    places = np.arange(taken.shape[1])
    following = np.where(taken, places, len(places))[:, ::-1]
    gaps: Indices = np.minimum.accumulate(following, axis=1)[:, ::-1] - places
    return gaps


def _one_of(allowed: NDArray[np.bool_], uniform: NDArray[np.float64]) -> Indices:
    """(B,) the place of one of the allowed, each as likely as any other; 0 where none is."""
    counts = np.cumsum(allowed, axis=1)
    place: Indices = np.argmax(counts > (uniform * counts[:, -1]).astype(np.int64)[:, None], axis=1)
    return place
