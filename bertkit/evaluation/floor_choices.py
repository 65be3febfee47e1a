"""Simple models of choices: the commonest place, and what a text and each choice have in common.

R rows, P pairs of a row and one of its choices, F features of a pair.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from bertkit.data.table import Columns, Table
from bertkit.evaluation.floor_texts import Advance, Vectors

TEXTS = ("text", "text_pair")


class CommonestPlace:
    """The place at which most golds are, of those that a row has."""

    name = "commonest place"

    def __init__(self, ranked: Sequence[str]) -> None:
        """`ranked` are the places, the commonest first."""
        self._ranked = ranked

    def answers(self, columns: Columns) -> list[str]:
        """The answer to each row; "0" where a row has none of the places."""
        return [next((one for one in self._ranked if int(one) < len(choices)), "0") for choices in columns["choices"]]


class ChoiceOverlap:
    """The choice that a logistic regression (liblinear, C = 1) finds likeliest to be a gold, each by itself.

    It knows the vectors of two texts (floor_texts.py), the row's and the choice, and by how much the choice is longer
    than the row's mean: what a choice says by itself, its length, and the words it shares with the text.
    """

    name = "TF-IDF + logistic regression"

    def __init__(self, vectors: Vectors, model: Any) -> None:
        self._vectors, self._model = vectors, model

    def answers(self, columns: Columns) -> list[str]:
        """The answer to each row, the first of equal choices."""
        import numpy as np

        pairs = pairs_of(columns)
        found = self._model.decision_function(with_lengths(self._vectors.of(pairs), columns))
        counts = [len(choices) for choices in columns["choices"]]
        return [str(int(row.argmax())) for row in np.split(found, np.cumsum(counts)[:-1])]


def choice_overlap(table: Table, golds: Sequence[str], advance: Advance) -> ChoiceOverlap | None:
    """Learnt from rows with these golds; None where they have no word."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    columns = table[:]
    vectors, pairs = Vectors(TEXTS), pairs_of(columns)
    found = vectors.learnt(Table.from_columns(pairs), lambda count: None)
    advance(len(table))
    if found is None:
        return None
    right = [str(k) == gold for gold, choices in zip(golds, columns["choices"], strict=True)
             for k in range(len(choices))]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 100 iterations are few
        model = LogisticRegression(C=1.0, solver="liblinear").fit(with_lengths(found, columns), np.array(right))
    return ChoiceOverlap(vectors, model)


def pairs_of(columns: Columns) -> dict[str, list[str]]:
    """The P pairs, as two columns of texts: the row's, with its question, and the choice."""
    questions = columns.get("question") or [None] * len(columns["text"])
    rows = zip(columns["text"], questions, columns["choices"], strict=True)
    pairs = [(f"{text} {question or ''}", choice) for text, question, choices in rows for choice in choices]
    return dict(zip(TEXTS, map(list, zip(*pairs, strict=True)), strict=True))


def with_lengths(vectors: Any, columns: Columns) -> Any:
    """(P, F) the vectors of the pairs, with the logarithm of a choice's length over the row's mean."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack

    longer = [len(one) * len(choices) / sum(map(len, choices)) for choices in columns["choices"] for one in choices]
    return hstack([vectors, csr_matrix(np.log(longer)[:, None])], format="csr")
