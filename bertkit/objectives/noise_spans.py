"""Which spans of a row noise affects: of text infilling, of T5, and of MASS.

B rows, T tokens of the longest, S spans, J spans drawn for a row at most.
"""

from __future__ import annotations

from math import exp, factorial

import numpy as np
from numpy.typing import NDArray

from bertkit.objectives.choose import Spans
from bertkit.objectives.rows import Draws, Indices, Stream
from bertkit.objectives.sequences import positions

POISSON: NDArray[np.float64] = np.cumsum([exp(-3.0) * 3.0**k / factorial(k) for k in range(40)])
"""How often a Poisson variable of mean 3 is at most 0, 1, 2, ... (Lewis et al. 2020, 2.2)."""

MEAN = 3
"""The mean length of T5's spans (Raffel et al. 2020, 3.3.4)."""


def poisson_spans(free: NDArray[np.bool_], budget: Indices, rows: Indices, draws: Draws) -> Spans:
    """Spans whose lengths are drawn from a Poisson distribution of mean 3 until a row's budget of tokens is full.

    The last one drawn is cut to what is left of the budget. Those of no token count too, but only so many that the
    spans are not more than the budget: a row in which each span becomes one token is no longer than before. Spans
    and the tokens between them are in random order, so that two may be neighbours. One that reaches over tokens that
    are not `free` (B, T) is split there.
    """
    lengths = _poisson(budget, rows, draws)
    before = np.cumsum(lengths, axis=1) - lengths
    lengths = np.minimum(lengths, budget[:, None] - before)
    full = lengths > 0
    empty = (lengths == 0) & (before < budget[:, None])
    room = budget - full.sum(1)
    drawn = full | (empty & (np.cumsum(empty, axis=1) <= room[:, None]))
    kept = np.arange(free.shape[1]) < (free.sum(1) - budget)[:, None]
    keys = np.concatenate([_keys(Stream.ORDER, drawn, rows, draws), _keys(Stream.KINDS, kept, rows, draws)], axis=1)
    order = np.argsort(keys, axis=1, kind="stable")
    sizes = np.concatenate([lengths * drawn, kept.astype(np.int64)], axis=1)
    sizes = np.take_along_axis(sizes, order, axis=1)
    ends = np.cumsum(sizes, axis=1)
    is_span = (order < drawn.shape[1]) & (np.take_along_axis(keys, order, axis=1) < 1)
    row = np.nonzero(is_span)[0]
    return split(Spans(row=row, begin=(ends - sizes)[is_span], end=ends[is_span]), free)


def even_spans(free: NDArray[np.bool_], budget: Indices, most: int, rows: Indices, draws: Draws) -> Spans:
    """Spans of 3 tokens on average, with a token at least between two of them: T5's.

    As many as a third of the budget, rounded, but at least one, and `most` at most. Their lengths are any that add up
    to the budget, and those of the gaps any that add up to what is kept; each as likely as any other. One that reaches
    over tokens that are not `free` (B, T) is split there, and of a row with more than `most` then the first are taken.
    """
    kept = free.sum(1) - budget
    count = np.minimum(np.maximum(np.rint(budget / MEAN), 1), most).astype(np.int64)
    count = np.minimum(np.minimum(count, budget), kept + 1)
    edges = _subset(Stream.SPLITS, np.maximum(budget - 1, 0), np.maximum(count - 1, 0), free.shape[1], rows, draws)
    gaps = _subset(Stream.ORDER, kept + 1, count, free.shape[1] + 1, rows, draws)
    cuts = np.arange(free.shape[1] + 1)
    inner = np.zeros((len(rows), len(cuts)), np.bool_)
    inner[:, 1:] = edges
    inner[:, 0] = count > 0
    row, first = np.nonzero(inner)  # where a span begins, counted through the tokens of the spans alone
    _, before = np.nonzero(gaps)  # how many are kept before it
    is_last = np.diff(row, append=-1) != 0
    end = np.where(is_last, budget[row], np.roll(first, -1))
    found = split(Spans(row=row, begin=before + first, end=before + end), free)
    rank = np.arange(len(found.row)) - np.searchsorted(found.row, found.row)
    return Spans(row=found.row[rank < most], begin=found.begin[rank < most], end=found.end[rank < most])


def fragments(lengths: Indices, budget: Indices, rows: Indices, draws: Draws) -> Spans:
    """A span in each row that has tokens (B,), as long as its budget; each place as likely as any other: MASS's."""
    start = (draws.uniform(Stream.STARTS, rows) * (lengths - budget + 1)).astype(np.int64)
    row = np.flatnonzero(budget)
    return Spans(row=row, begin=start[row], end=(start + budget)[row])


def split(spans: Spans, free: NDArray[np.bool_]) -> Spans:
    """Spans counted through the free tokens of a row alone, as spans of all its tokens, of which they hold no other.

    In "a b # c d", where # is not free, "b c" becomes "b" and "c".
    """
    if (np.diff(free.astype(np.int8), axis=1) <= 0).all():  # those that are not free are behind the others
        return spans
    row, place = np.nonzero(free)
    offsets = np.searchsorted(row, np.arange(len(free) + 1))
    sizes = spans.end - spans.begin
    which = np.repeat(np.arange(len(sizes)), sizes)
    places = place[positions(offsets[spans.row] + spans.begin, sizes)]
    starts = np.ones(len(places), np.bool_)
    starts[1:] = (np.diff(which) != 0) | (np.diff(places) > 1)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(places)) - 1
    empty = np.flatnonzero(sizes == 0)
    at = _places_of_empty(place, offsets, spans.row[empty], spans.begin[empty])
    found = np.concatenate([spans.row[which[first]], spans.row[empty]])
    begin, end = np.concatenate([places[first], at]), np.concatenate([places[last] + 1, at])
    order = np.lexsort((end, begin, found))
    return Spans(row=found[order], begin=begin[order], end=end[order])


def _places_of_empty(place: Indices, offsets: Indices, row: Indices, begin: Indices) -> Indices:
    """The places in their rows of spans of no token: before a free token, or behind the last."""
    behind = offsets[row] + begin == offsets[row + 1]
    token = offsets[row] + begin - behind
    found: Indices = place[token] + behind
    return found


def _poisson(budget: Indices, rows: Indices, draws: Draws) -> Indices:
    """(B, J) numbers drawn from a Poisson distribution of mean 3, whose sums are no less than the budgets."""
    count = 16
    while True:
        uniform = draws.uniform(Stream.LENGTHS, rows[:, None], np.arange(count))
        lengths: Indices = np.searchsorted(POISSON, uniform, side="right")
        if (lengths.sum(1) >= budget).all():
            return lengths
        count *= 2


def _keys(stream: Stream, there: NDArray[np.bool_], rows: Indices, draws: Draws) -> NDArray[np.float64]:
    """Random numbers below 1, by which what is there (B, W) is ordered; 2, behind all others, where nothing is."""
    keys = draws.uniform(stream, rows[:, None], np.arange(there.shape[1]))
    keys[~there] = 2
    return keys


def _subset(stream: Stream, of: Indices, count: Indices, width: int, rows: Indices, draws: Draws) -> NDArray[np.bool_]:
    """(B, W) `count` of the first `of` places of each row, each such set as likely as any other."""
    order = np.argsort(_keys(stream, np.arange(width) < of[:, None], rows, draws), axis=1, kind="stable")
    found = np.zeros(order.shape, np.bool_)
    np.put_along_axis(found, order, np.arange(width) < count[:, None], axis=1)
    return found
