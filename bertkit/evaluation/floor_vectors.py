"""Simple models of vectors, from scikit-learn: of a row by its mean and spread, or of each vector by itself.

R rows, T_i vectors of row i, D numbers of a vector.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.table import Columns, Table
from bertkit.evaluation.floor_texts import Advance
from bertkit.heads.numbers import Number
from bertkit.heads.vectors import ROLE

Floats = NDArray[np.float64]
BLOCK = 1_000


def summary(columns: Columns) -> Floats:
    """(R, 2 D) mean and standard deviation of each number over a row's vectors."""
    tables = [np.asarray(row, np.float64) for row in columns[ROLE]]
    return np.array([np.concatenate([one.mean(axis=0), one.std(axis=0)]) for one in tables])


class VectorLabels:
    """A logistic regression, or a ridge regression, over normalised summaries of the rows."""

    def __init__(self, name: str, model: Any, answer: Callable[[Any], Any]) -> None:
        self.name, self._model, self._answer = name, model, answer

    def answers(self, columns: Columns) -> list[Any]:
        """The label of each row, or the number."""
        return [self._answer(one) for one in self._model.predict(summary(columns)).tolist()]


class VectorTags:
    """A logistic regression over normalised vectors, each by itself."""

    name = "logistic regression of each vector"

    def __init__(self, model: Any) -> None:
        self._model = model

    def answers(self, columns: Columns) -> list[list[Any]]:
        """The tag of each vector of each row."""
        return [self._model.predict(np.asarray(row, np.float64)).tolist() for row in columns[ROLE]]


def vector_labels(table: Table, golds: Sequence[Any], number: Number | None, advance: Advance) -> VectorLabels:
    """Learnt from rows with these golds, which are numbers where there is a `number`."""
    from sklearn.linear_model import LogisticRegression, Ridge

    parts = []
    for start in range(0, len(table), BLOCK):
        parts.append(summary(table.select_columns([ROLE])[start : start + BLOCK]))
        advance(len(parts[-1]))
    read = np.concatenate(parts)
    if number is not None:
        ridge = _fitted(Ridge(alpha=1.0), read, np.array(golds, np.float64))
        return VectorLabels("ridge regression of means and deviations", ridge, lambda one: float(number.within(one)))
    model = _fitted(LogisticRegression(C=1.0, max_iter=1_000), read, np.array(golds))
    return VectorLabels("logistic regression of means and deviations", model, str)


def vector_tags(table: Table, advance: Advance) -> VectorTags | None:
    """Learnt from the vectors that have a tag; None where they have fewer than two tags."""
    from sklearn.linear_model import LogisticRegression

    vectors, tags = [], []
    for start in range(0, len(table), BLOCK):
        columns = table.select_columns([ROLE, "tags"])[start : start + BLOCK]
        for row, given in zip(columns[ROLE], columns["tags"], strict=True):
            kept = [place for place, tag in enumerate(given) if tag is not None]
            vectors.append(np.asarray(row, np.float64)[kept])
            tags += [given[place] for place in kept]
        advance(len(columns["tags"]))
    if len(set(tags)) < 2:
        return None
    return VectorTags(_fitted(LogisticRegression(C=1.0, max_iter=1_000), np.concatenate(vectors), np.array(tags)))


def _fitted(model: Any, read: Floats, golds: Any) -> Any:
    """The model over numbers of mean 0 and deviation 1."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 1,000 iterations are few
        return make_pipeline(StandardScaler(), model).fit(read, golds)
