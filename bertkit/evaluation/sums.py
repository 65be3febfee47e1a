"""Scores that follow from sums over the rows: of many samples of the rows they are then one product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation.intervals import Measures

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """How a score follows from sums over the rows.

    columns  the measures (R, k) -> (R, m), what is summed: numbers, or small integers where labels may be many
    score    (D, m) sums of D samples -> (D,) scores
    """

    columns: Callable[[Measures], NDArray[Any]]
    score: Callable[[Array], Array]


def macro_f1_of(confusion: Array) -> Array:
    """The mean F1 of the labels that occur in each of D confusion matrices of C labels: (D, C, C) -> (D,)."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    given: Array = confusion.sum(1) + confusion.sum(2)
    f1: Array = np.divide(2 * right, given, out=np.zeros_like(given), where=given > 0)
    mean: Array = f1.sum(axis=1) / (given > 0).sum(axis=1)
    return mean


def matthews_of(confusion: Array) -> Array:
    """Gorodkin's R_K (2004), Matthews' correlation for C labels, of D confusion matrices: (D, C, C) -> (D,)."""
    return _matthews(np.trace(confusion, axis1=1, axis2=2), confusion.sum(2), confusion.sum(1))


def _matthews(right: Array, golds: Array, answers: Array) -> Array:
    """The same from (D,) what is right, and (D, C) golds and answers."""
    total = golds.sum(1)
    above = right * total - (golds * answers).sum(1)
    below = np.sqrt(np.maximum((total**2 - (golds**2).sum(1)) * (total**2 - (answers**2).sum(1)), 0))
    found: Array = np.divide(above, below, out=np.zeros_like(total), where=below > 0)
    return found


def macro_f1_of_sums(sums: Array) -> Array:
    """The mean F1 of the labels that occur, from D times twice the right and then given and gold: (D, 2 L) -> (D,)."""
    right, there = np.split(sums.astype(np.float64), 2, axis=1)
    f1: Array = np.divide(right, there, out=np.zeros_like(there), where=there > 0)
    mean: Array = f1.sum(axis=1) / np.maximum((there > 0).sum(axis=1), 1)
    return mean


def _ratio(sums: Array) -> Array:
    """The ratio of two sums: (D, 2) -> (D,); 0 where there is nothing."""
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1))


def _with_ones(table: Measures) -> Array:
    return np.column_stack([table[:, 0], np.ones(len(table))])


def _f1_columns(table: Measures) -> Array:
    """Twice the true positives, and what is given and gold, of the second label."""
    gold, answer = (table == 1).T
    return np.column_stack([2.0 * (gold & answer), gold.astype(float) + answer])


def _hot(codes: Measures) -> NDArray[np.uint8]:
    """(R, C) in each row a 1 at the place of its label, of C that there may be."""
    hot = np.zeros((len(codes), max(2, int(codes.max()) + 1)), np.uint8)
    hot[np.arange(len(codes)), codes.astype(int)] = 1
    return hot


def _golds_and_answers(table: Measures) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """(R, C) golds and answers, each 1 at its label's place, and (R, 1) whether they are the same."""
    both = _hot(table.T.ravel())  # together, so that both have as many columns
    return both[: len(table)], both[len(table) :], (table[:, :1] == table[:, 1:]).astype(np.uint8)


def _counts_by_label(table: Measures) -> NDArray[np.uint8]:
    """(R, 2 C) of each label twice what is right, and what is given and gold."""
    golds, answers, right = _golds_and_answers(table)
    return np.concatenate([2 * golds * right, golds + answers], axis=1)


def _matthews_columns(table: Measures) -> NDArray[np.uint8]:
    """(R, 1 + 2 C) what is right, the golds and the answers."""
    golds, answers, right = _golds_and_answers(table)
    return np.concatenate([right, golds, answers], axis=1)


def _matthews_of_sums(sums: Array) -> Array:
    right = sums[:, 0]
    golds, answers = np.split(sums[:, 1:], 2, axis=1)
    return _matthews(right, golds, answers)


def _moments(table: Measures) -> Array:
    """1, x, y and their products, less the means: what a correlation is computed from."""
    x, y = (table - table.mean(axis=0)).T
    return np.column_stack([np.ones(len(table)), x, y, x * x, y * y, x * y])


def _pearson_of_moments(sums: Array) -> Array:
    """Pearson's correlation: (D, 6) -> (D,); 0 where it is not defined."""
    n, x, y, xx, yy, xy = sums.T
    below = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
    found: Array = np.divide(n * xy - x * y, below, out=np.zeros_like(below), where=below > 0)
    return found


MEAN = Sums(columns=_with_ones, score=_ratio)
RATIO = Sums(columns=lambda table: table, score=_ratio)
F1 = Sums(columns=_f1_columns, score=_ratio)
MACRO_F1 = Sums(columns=_counts_by_label, score=macro_f1_of_sums)
MATTHEWS = Sums(columns=_matthews_columns, score=_matthews_of_sums)
SETS_MACRO_F1 = Sums(columns=lambda table: table, score=macro_f1_of_sums)
PEARSON = Sums(columns=_moments, score=_pearson_of_moments)
