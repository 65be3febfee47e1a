"""Which tokens of which window hold a gold answer, and the end of an answer that tokens cover in part.

A normaliser may drop characters: BERT's uncased one drops accents and other marks. They belong to no token, but
to the answer. F windows, R rows, T tokens of a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import category

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOWHERE = (0, 0)
"""The target of a window that does not hold the answer: its first token stands for "no answer"."""

NOT_HELD = "gold answers are whole in no window"
TOO_LONG = "gold answers are longer than --max-answer-length"
INSIDE = "gold answers begin or end inside a token"

MARKS = frozenset(("Mn", "Mc", "Me"))
JOINERS = frozenset(("\u200c", "\u200d", *map(chr, range(0xE0020, 0xE0080))))
"""Format characters that belong to what is before them: zero-width (non-)joiners, and the tags of a flag's emoji."""

Tokens = tuple[int, int]
Golds = Sequence[Mapping[str, Any]]


def gold_targets(
    row: NDArray[Any], chars: Sequence[NDArray[Any]], golds: Sequence[Golds], longest: int
) -> tuple[list[Tokens], dict[str, NDArray[Any]]]:
    """For each window the first and last token of its row's answer, and how many rows' answers cannot be found exactly.

    row (F,); chars F times (T, 2); golds R times. Of several golds the first counts that a window holds and that is
    no longer than `longest` tokens; else the first that a window holds. The counts (F,) are at a row's first window.
    """
    import numpy as np

    targets = [NOWHERE] * len(row)
    counts = {reason: np.zeros(len(row), np.int32) for reason in (NOT_HELD, TOO_LONG, INSIDE)}
    bounds = np.searchsorted(row, np.arange(len(golds) + 1)).tolist()
    for given, (first, end) in zip(golds, pairwise(bounds), strict=True):
        if given:
            best = _best_held(chars[first:end], given, longest)
            targets[first:end] = best.targets
            counts[NOT_HELD][first] = not best.length
            counts[TOO_LONG][first] = best.length > longest
            counts[INSIDE][first] = best.length > 0 and not best.exact
    return targets, counts


class _Held(NamedTuple):
    """A gold's tokens in each window of its row, their number (0 if no window holds it), and whether they are it."""

    targets: list[Tokens]
    length: int
    exact: bool


def _best_held(windows: Sequence[NDArray[Any]], golds: Golds, longest: int) -> _Held:
    """The gold used as target: the first that is held and not too long, else the first that is held."""
    best: _Held | None = None
    for gold in golds:
        if gold["start"] is None:
            continue
        held = _held(windows, gold["start"], gold["start"] + len(gold["text"]))
        if best is None or (held.length and (not best.length or held.length <= longest < best.length)):
            best = held
        if 0 < best.length <= longest:
            break
    assert best is not None
    return best


def _held(windows: Sequence[NDArray[Any]], begin: int, end: int) -> _Held:
    """The first and last token of the characters begin..end in each window; NOWHERE if it lacks one that has a token.

    Together the windows cover the document, so a character with a token has it in some window.
    """
    inside = [
        ((chars[:, 0] >= 0) & (chars[:, 1] > begin) & (chars[:, 0] < end) & (chars[:, 1] > chars[:, 0])).nonzero()[0]
        for chars in windows
    ]
    shown = [
        (int(chars[tokens[0], 0]), int(chars[tokens[-1], 1])) if len(tokens) else (end, begin)
        for chars, tokens in zip(windows, inside, strict=True)
    ]
    first = min(start for start, _ in shown)
    last = max(stop for _, stop in shown)
    targets = [
        (int(tokens[0]), int(tokens[-1]))
        if len(tokens) and start <= max(begin, first) and stop >= min(end, last)
        else NOWHERE
        for tokens, (start, stop) in zip(inside, shown, strict=True)
    ]
    length = min((stop - start + 1 for start, stop in targets if (start, stop) != NOWHERE), default=0)
    return _Held(targets, length, begin <= first and last <= end)


def end_with_marks(context: str, end: int, windows: Sequence[NDArray[Any]]) -> int:
    """The end of an answer whose last token ends at `end`: behind the marks that follow it and have no token."""
    while end < len(context) and _is_mark(context[end]) and not _has_token(windows, end):
        end += 1
    return end


def _is_mark(character: str) -> bool:
    return category(character) in MARKS or character in JOINERS


def _has_token(windows: Sequence[NDArray[Any]], place: int) -> bool:
    return any(bool(((chars[:, 0] <= place) & (place < chars[:, 1])).any()) for chars in windows)
