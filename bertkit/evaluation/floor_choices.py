"""Simple models of choices and of candidates: constant ones, and what a text and each choice have in common.

R rows, P pairs of a row and one of its choices, F features of a pair.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

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


class EveryCandidate:
    """All candidates of a row, as if each were right."""

    name = "every answer"

    def answers(self, columns: Columns) -> list[list[str]]:
        """The places of each row's candidates."""
        return [list(map(str, range(len(given)))) for given in columns["candidates"]]


class OftenestCandidate:
    """The candidate that is oftenest in its row's text."""

    name = "commonest in the text"

    def answers(self, columns: Columns) -> list[str]:
        """A candidate a row, the first of equal ones."""
        rows = zip(columns["text"], columns["candidates"], strict=True)
        return [max(given, key=text.count) for text, given in rows]


class Overlap:
    """How likely a logistic regression (liblinear, C = 1) finds it that a choice is right, each by itself.

    It knows the vectors of two texts (floor_texts.py), the row's and the choice, and by how much the choice is longer
    than the row's mean: what a choice says by itself, its length, and the words it shares with the text.
    """

    name = "TF-IDF + logistic regression"

    def __init__(self, vectors: Vectors, model: Any) -> None:
        self._vectors, self._model = vectors, model

    def found(self, columns: Columns) -> list[Any]:
        """For each row the log-odds of its choices or candidates."""
        import numpy as np

        pairs = pairs_of(columns)
        odds = self._model.decision_function(with_lengths(self._vectors.of(pairs), columns))
        return np.split(odds, np.cumsum([len(given) for given in given_in(columns)])[:-1])


class ChoiceOverlap(Overlap):
    """The likeliest choice."""

    def answers(self, columns: Columns) -> list[str]:
        """The place of a choice a row, the first of equal ones."""
        return [str(int(odds.argmax())) for odds in self.found(columns)]


class CandidatePlaces(Overlap):
    """The candidates that are likelier right than wrong."""

    def answers(self, columns: Columns) -> list[list[str]]:
        """Their places, in each row."""
        return [[str(place) for place in (odds > 0).nonzero()[0]] for odds in self.found(columns)]


class CandidateText(Overlap):
    """The likeliest candidate."""

    def answers(self, columns: Columns) -> list[str]:
        """A candidate a row, the first of equal ones."""
        return [
            given[int(odds.argmax())] for given, odds in zip(columns["candidates"], self.found(columns), strict=True)
        ]


Model = TypeVar("Model", bound=Overlap)


def choice_overlap(table: Table, golds: Sequence[str], advance: Advance) -> ChoiceOverlap | None:
    """Learnt from rows with these golds, the places of choices; None where they have no word."""
    return _learnt(ChoiceOverlap, table, [[gold] for gold in golds], advance)


def candidate_overlap(
    table: Table, golds: Sequence[Sequence[str]], one: bool, advance: Advance
) -> CandidatePlaces | CandidateText | None:
    """Learnt from rows with these golds, places of candidates or with `one` their texts; None where they have no word,
    or where all candidates are right, or wrong."""
    if not one:
        return _learnt(CandidatePlaces, table, golds, advance)
    candidates = table.column("candidates")
    places = [
        [str(place) for place, text in enumerate(given) if text in gold]
        for given, gold in zip(candidates, golds, strict=True)
    ]
    return _learnt(CandidateText, table, places, advance)


def _learnt(kind: type[Model], table: Table, golds: Sequence[Sequence[str]], advance: Advance) -> Model | None:
    """Fitted to the pairs of rows with the places of what is right."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    columns = table[:]
    vectors, pairs = Vectors(TEXTS), pairs_of(columns)
    found = vectors.learnt(Table.from_columns(pairs), lambda count: None)
    advance(len(table))
    right = [str(place) in gold for gold, given in zip(golds, given_in(columns), strict=True)
             for place in range(len(given))]  # fmt: skip
    if found is None or len(set(right)) == 1:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 100 iterations are few
        model = LogisticRegression(C=1.0, solver="liblinear").fit(with_lengths(found, columns), np.array(right))
    return kind(vectors, model)


def given_in(columns: Columns) -> Sequence[Sequence[str]]:
    """The choices or candidates of each row."""
    return columns["choices"] if "choices" in columns else columns["candidates"]


def pairs_of(columns: Columns) -> dict[str, list[str]]:
    """The P pairs, as two columns of texts: the row's, with its question, and the choice."""
    questions = columns.get("question") or [None] * len(columns["text"])
    rows = zip(columns["text"], questions, given_in(columns), strict=True)
    pairs = [(f"{text} {question or ''}", choice) for text, question, choices in rows for choice in choices]
    return dict(zip(TEXTS, map(list, zip(*pairs, strict=True)), strict=True))


def with_lengths(vectors: Any, columns: Columns) -> Any:
    """(P, F) the vectors of the pairs, with the logarithm of a choice's length over the row's mean."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack

    longer = [len(one) * len(choices) / sum(map(len, choices)) for choices in given_in(columns) for one in choices]
    return hstack([vectors, csr_matrix(np.log(longer)[:, None])], format="csr")
