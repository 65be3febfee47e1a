"""Simple models of texts: TF-IDF vectors with logistic regression, one label against the rest, or ridge regression.

R rows, F features of a vector.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bertkit.data.table import Columns, Table
from bertkit.data.word_characters import SPACED_WORD, UNSPACED
from bertkit.heads import Number

WORD = f"{UNSPACED.pattern}|{SPACED_WORD}"
"""A word; in scripts without spaces between words a character."""

FEATURES = 50_000
"""Words and pairs of neighbouring words at most, the commonest ones."""
LONGEST = 20_000
"""Characters of a text that are read at most."""
MOST_LABELS = 200
"""Labels up to which each gets a classifier of its own, one against the rest."""

Advance = Callable[[int], None]


class Vectors:
    """TF-IDF vectors of rows of one text or of two, whose words are those of the rows it is made of.

    The words and pairs of neighbouring words of a text, in lower case; sublinear term frequencies, scikit-learn's idf,
    length 1. Of two texts with vectors u and v it is (u, v, |u - v|, u * v), after Mou et al. 2016 ("Natural Language
    Inference by Tree-Based Convolution and Heuristic Matching"), and the cosine of u and v: F = 4 x 50,000 + 1.
    """

    def __init__(self, roles: Sequence[str]) -> None:
        """Of the texts in the columns `roles`."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._roles = roles
        self._words = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True, max_features=FEATURES)

    def learnt(self, table: Table, advance: Advance) -> Any:
        """The (R, F) vectors of train rows, whose words it learns; None where they have no word."""
        if not any(re.search(WORD, text) for text in self._texts(table)):
            return None
        return self._stacked(self._words.fit_transform(self._texts(table, advance)), len(table))

    def of(self, columns: Columns) -> Any:
        """The (R, F) vectors of other rows."""
        texts = [text[:LONGEST] for role in self._roles for text in columns[role]]
        return self._stacked(self._words.transform(texts), len(columns[self._roles[0]]))

    def _texts(self, table: Table, advance: Advance | None = None) -> Iterator[str]:
        """The first texts of all rows, then the second ones."""
        for role in self._roles:
            for text in table.column(role):
                yield text[:LONGEST]
                if advance:
                    advance(1)

    def _stacked(self, vectors: Any, rows: int) -> Any:
        from scipy.sparse import csr_matrix, hstack

        if len(self._roles) == 1:
            return vectors
        first, second = vectors[:rows], vectors[rows:]
        shared = first.multiply(second)
        return hstack([first, second, abs(first - second), shared, csr_matrix(shared.sum(axis=1))], format="csr")


class TextLabels:
    """Labels, or sets of labels, by logistic regression (liblinear, C = 1), one label against the rest."""

    name = "TF-IDF + logistic regression"

    def __init__(self, vectors: Vectors, model: Any, names: Sequence[str], several: bool) -> None:
        """`model` answers with indices of `names`, or where they are `several`, with a 0 or 1 for each."""
        self._vectors, self._model, self._names, self._several = vectors, model, names, several

    def answers(self, columns: Columns) -> list[Any]:
        """A label a row, or a list of them."""
        found = self._model.predict(self._vectors.of(columns))
        if self._several:
            found = found.reshape(len(found), len(self._names))  # of a single label scikit-learn drops its axis
            return [[self._names[place] for place in row.nonzero()[0]] for row in found]
        return [self._names[place] for place in found]


class TextNumbers:
    """Numbers by ridge regression, with a penalty of 1."""

    name = "TF-IDF + ridge regression"

    def __init__(self, vectors: Vectors, model: Any, number: Number) -> None:
        self._vectors, self._model, self._number = vectors, model, number

    def answers(self, columns: Columns) -> list[float]:
        """A number a row, within its bounds."""
        return [self._number.within(float(one)) for one in self._model.predict(self._vectors.of(columns))]


def text_labels(table: Table, roles: Sequence[str], golds: Sequence[Any], advance: Advance) -> TextLabels | None:
    """Learnt from rows with these golds, each a label or a list of some; None where there is nothing to tell apart."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    several = isinstance(golds[0], list)
    names = sorted({name for gold in golds for name in gold} if several else set(golds))
    if not (1 if several else 2) <= len(names) <= MOST_LABELS:
        return None
    vectors = Vectors(roles)
    found = vectors.learnt(table, advance)
    if found is None:
        return None
    order = {name: place for place, name in enumerate(names)}
    targets = np.zeros((len(golds), len(names)), np.int8) if several else np.array([order[gold] for gold in golds])
    for row, gold in enumerate(golds if several else ()):
        targets[row, [order[name] for name in gold]] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a label that every row has; and that 100 iterations are few
        model = OneVsRestClassifier(LogisticRegression(C=1.0, solver="liblinear")).fit(found, targets)
    return TextLabels(vectors, model, names, several)


def text_numbers(
    table: Table, roles: Sequence[str], golds: Sequence[float], number: Number, advance: Advance
) -> TextNumbers | None:
    """Learnt from rows with these golds; None where they have no word."""
    from sklearn.linear_model import Ridge

    vectors = Vectors(roles)
    found = vectors.learnt(table, advance)
    if found is None:
        return None
    return TextNumbers(vectors, Ridge(alpha=1.0, solver="sparse_cg").fit(found, golds), number)
