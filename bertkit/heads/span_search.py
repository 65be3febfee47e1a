"""The best spans of a window: every start with every end an answer may have, vectorised.

W windows, T tokens of a window, L = longest, the tokens of an answer at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bertkit.heads.features import Features, Ragged

N_BEST = 20
"""Spans kept of a window, as in google-research/bert's run_squad.py."""

AT_ONCE = 128
"""Windows searched at once."""


class Candidates(NamedTuple):
    """A window's score for "no answer", and its best spans: (first, last + 1 character) and score."""

    null: float
    spans: list[tuple[tuple[int, int], float]]


def candidates(features: Features, logits: Ragged, longest: int) -> list[Candidates]:
    """For each window its N_BEST spans."""
    import numpy as np

    found = []
    for first in range(0, len(features), AT_ONCE):
        some = range(first, min(first + AT_ONCE, len(features)))
        width = max(len(logits[i]) for i in some)
        scores = np.full((len(some), width, 2), -np.inf)
        places = np.full((len(some), width, 2), -1, np.int64)
        best = np.zeros((len(some), width), bool)
        for k, i in enumerate(some):
            scores[k, : len(logits[i])] = logits[i]
            places[k, : len(logits[i])] = features.places["chars"][i]
            best[k, : len(logits[i])] = features.places["best"][i]
        sums, starts, ends = _best_spans(scores, places[:, :, 0] >= 0, best, longest)
        begins = np.take_along_axis(places[:, :, 0], starts, 1).tolist()
        stops = np.take_along_axis(places[:, :, 1], ends, 1).tolist()
        for null, *columns in zip(scores[:, 0].sum(1).tolist(), sums.tolist(), begins, stops, strict=True):
            spans = [((begin, stop), value) for value, begin, stop in zip(*columns, strict=True) if value > -np.inf]
            found.append(Candidates(null, spans))
    return found


def _best_spans(
    scores: NDArray[Any], inside: NDArray[Any], best: NDArray[Any], longest: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The N_BEST sums of a start and an end logit in each of W windows, with their starts and ends: three (W, N).

    scores (W, T, 2), inside and best (W, T). Each start is represented by its best end: the
    N_BEST spans begin at the N_BEST best of these starts.
    """
    import numpy as np

    start = np.where(inside & best, scores[:, :, 0], -np.inf)
    end = np.where(inside, scores[:, :, 1], -np.inf)
    end = np.concatenate([end, np.full((len(end), longest - 1), -np.inf)], axis=1)
    reach = np.lib.stride_tricks.sliding_window_view(end, longest, axis=1)  # (W, T, L)
    begins = _largest(start + reach.max(axis=2))
    sums = np.take_along_axis(start, begins, 1)[:, :, None] + np.take_along_axis(reach, begins[:, :, None], 1)
    flat = sums.reshape(len(sums), -1)
    picked = _largest(flat)
    starts = np.take_along_axis(begins, picked // longest, 1)
    ends = np.minimum(starts + picked % longest, scores.shape[1] - 1)
    return np.take_along_axis(flat, picked, 1), starts, ends


def _largest(values: NDArray[Any]) -> NDArray[Any]:
    """Where the N_BEST largest of each line are."""
    import numpy as np

    count = min(N_BEST, values.shape[1])
    found: NDArray[Any] = np.argpartition(-values, count - 1, axis=1)[:, :count]
    return found


def most_context(row: NDArray[Any], chars: list[NDArray[Any]], stride: int) -> list[NDArray[Any]]:
    """For each token whether its window is the one of its row with the most context around it.

    The score is min(tokens before, tokens after) + 0.01 * length, the first of equals winning: run_squad.py.
    A window begins `stride` tokens before the end of the one before it.
    """
    import numpy as np

    flags = [np.zeros(len(places), bool) for places in chars]
    seen: list[tuple[int, int, NDArray[Any], NDArray[Any]]] = []
    begin = end = 0
    for i, (r, places) in enumerate(zip(row.tolist(), chars, strict=True)):
        inside = (places[:, 0] >= 0).nonzero()[0]
        if not i or r != row[i - 1]:
            begin, seen = 0, []
        else:
            begin = end - stride
        end = begin + len(inside)
        counted = np.arange(len(inside))
        scores = np.minimum(counted, counted[::-1]) + 0.01 * len(inside)
        flags[i][inside] = True
        for other, from_, others, theirs in seen:  # an earlier window keeps the token unless this one shows more
            shared = np.arange(max(begin, from_), min(end, from_ + len(others)))
            here = scores[shared - begin] > theirs[shared - from_]
            flags[other][others[shared[here] - from_]] = False
            flags[i][inside[shared[~here] - begin]] = False
        seen.append((i, begin, inside, scores))
    return flags
