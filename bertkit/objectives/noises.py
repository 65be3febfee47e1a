"""What noise does to rows of tokens: spans of them are replaced or dropped, or their order changes.

B rows, N tokens of all of them, S spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.features import Ragged
from bertkit.objectives.choose import Spans
from bertkit.objectives.rows import Draws, Indices, Stream
from bertkit.objectives.sequences import offsets_of, positions


def filled(tokens: Ragged, spans: Spans, mask: int) -> Ragged:
    """Each token of the spans becomes a mask token.

    Of "a b c d e" the spans "b c" and "e" leave "a M M d M".
    """
    seen = tokens.values.astype(np.int32)
    seen[_flat(tokens, spans)] = mask
    return Ragged(seen, tokens.offsets)


def dropped(tokens: Ragged, spans: Spans) -> Ragged:
    """The tokens of the spans are missing.

    Of "a b c d e" the spans "b c" and "e" leave "a d".
    """
    keeps = _kept(tokens, spans)
    lengths = tokens.lengths - _per_row(spans, spans.end - spans.begin, len(tokens))
    return Ragged(tokens.values[keeps].astype(np.int32), offsets_of(lengths))


def whole(tokens: Ragged) -> Ragged:
    """All tokens, as int32."""
    return Ragged(tokens.values.astype(np.int32), tokens.offsets)


def within(tokens: Ragged, spans: Spans) -> Ragged:
    """The tokens of each row's spans.

    Of "a b c d e" the spans "b c" and "e" hold "b c e".
    """
    lengths = _per_row(spans, spans.end - spans.begin, len(tokens))
    return Ragged(tokens.values[_flat(tokens, spans)].astype(np.int32), offsets_of(lengths))


def with_sentinels(tokens: Ragged, spans: Spans, sentinels: Sequence[int]) -> tuple[Ragged, Ragged]:
    """Each span becomes a sentinel: a row's first the first, and so on; and the sentinels with their spans.

    Of "a b c d e" the spans "b c" and "e" leave "a X d Y", and make "X b c Y e Z": Z, the next one, ends it.
    """
    marks, counts = np.array(sentinels), _per_row(spans, np.ones(len(spans.row)), len(tokens))
    rank = np.arange(len(spans.row)) - np.searchsorted(spans.row, spans.row)
    return substituted(tokens, spans, marks[rank]), marked(tokens, spans, marks[rank], marks[counts])


def substituted(tokens: Ragged, spans: Spans, values: Indices | int) -> Ragged:
    """Each span becomes one token, the one of `values` (S,); a span of no token adds one before that it begins at.

    The spans are in the order of their rows and beginnings. Of "a b c d e" the spans "b c" and "" before "e" leave
    "a M d M e".
    """
    keeps = _kept(tokens, spans)
    lengths = tokens.lengths - _per_row(spans, spans.end - spans.begin - 1, len(tokens))
    begins = tokens.offsets[spans.row] + spans.begin
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(keeps)])  # tokens kept before each
    kept = np.flatnonzero(keeps)
    seen = np.empty(lengths.sum(), np.int32)
    seen[np.arange(len(kept)) + np.searchsorted(begins, kept, side="right")] = tokens.values[kept]
    seen[before[begins] + np.arange(len(begins))] = values
    return Ragged(seen, offsets_of(lengths))


def marked(tokens: Ragged, spans: Spans, marks: Indices, last: Indices) -> Ragged:
    """Row by row what is in its spans: of each its mark (S,) and its tokens; and at the end of a row its last (B,).

    Of "a b c d e" the spans "b c" and "e" with the marks X and Y, and Z at the end, make "X b c Y e Z".
    """
    sizes = spans.end - spans.begin
    offsets = offsets_of(_per_row(spans, sizes + 1, len(tokens)) + 1)
    begins = np.cumsum(sizes + 1) - (sizes + 1) + spans.row  # a token ends each row before
    found = np.empty(offsets[-1], np.int32)
    found[begins] = marks
    found[positions(begins + 1, sizes)] = tokens.values[_flat(tokens, spans)]
    found[offsets[1:] - 1] = last
    return Ragged(found, offsets)


def permuted(tokens: Ragged, sentences: Ragged, end: int | None, rows: Indices, draws: Draws) -> Ragged:
    """The sentences of each row in random order, each order as likely as any other.

    An end token, which stands between two documents, stays where it is, and no sentence passes one. Of the sentences
    "a b.", "c." and "d e f." one order is "d e f. a b. c.".
    """
    count = len(tokens.values)
    ends: NDArray[np.bool_] = np.zeros(count, np.bool_) if end is None else tokens.values == end
    begins = np.zeros(count + 1, np.bool_)
    begins[np.repeat(tokens.offsets[:-1], sentences.lengths) + sentences.values.astype(np.int64)] = True
    begins[:-1] |= ends
    begins[1:] |= ends
    begins[tokens.offsets] = True
    begin = np.flatnonzero(begins[:-1])
    row = np.searchsorted(tokens.offsets, begin, side="right") - 1
    order = draws.uniform(Stream.SENTENCES, rows[row], begin - tokens.offsets[row])
    order[ends[begin]] = 1  # behind those of its document
    passed: Indices = np.cumsum(ends[begin]) - ends[begin]
    chosen = np.lexsort((order, passed, row))
    places = positions(begin[chosen], np.diff(begin, append=count)[chosen])
    return Ragged(tokens.values[places].astype(np.int32), tokens.offsets)


def rotated(tokens: Ragged, rows: Indices, draws: Draws) -> Ragged:
    """Each row begins with one of its tokens, each as likely as any other; those before it follow at the end.

    "a b c d" becomes "c d a b" where c is drawn.
    """
    lengths = tokens.lengths
    first = (draws.uniform(Stream.STARTS, rows) * lengths).astype(np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(tokens.values)) - tokens.offsets[row] + first[row]
    place -= lengths[row] * (place >= lengths[row])
    return Ragged(tokens.values[tokens.offsets[row] + place].astype(np.int32), tokens.offsets)


def _flat(tokens: Ragged, spans: Spans) -> Indices:
    """The places of the spans' tokens among all of them, span by span."""
    return positions(tokens.offsets[spans.row] + spans.begin, spans.end - spans.begin)


def _kept(tokens: Ragged, spans: Spans) -> NDArray[np.bool_]:
    """(N,) whether a token is in no span."""
    keeps = np.ones(len(tokens.values), np.bool_)
    keeps[_flat(tokens, spans)] = False
    return keeps


def _per_row(spans: Spans, values: NDArray[Any], rows: int) -> Indices:
    """(B,) the sum of the values (S,) of each row's spans."""
    return np.bincount(spans.row, values, rows).astype(np.int64)
