"""The constant answer that is best by the train rows: a floor for every head that has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bertkit.data.class_weights import counted
from bertkit.data.rows import Rows
from bertkit.data.table import Columns
from bertkit.evaluation.floor_choices import CommonestPlace, EveryCandidate, OftenestCandidate
from bertkit.heads import Head
from bertkit.heads.simple import Simple


@dataclass(frozen=True, kw_only=True)
class Constant:
    """Gives every row the same answer.

    of_each  the column of lists, for each item of which it is an answer; "" where it is one a row
    """

    name: str
    value: Any
    of_each: str = ""

    def answers(self, columns: Columns) -> list[Any]:
        """The answer, as often as there are rows, or words or vectors in each of them."""
        if self.of_each:
            return [[self.value] * len(words) for words in columns[self.of_each]]
        return [self.value] * len(next(iter(columns.values())))


Always = Constant | CommonestPlace | EveryCandidate | OftenestCandidate


def constant(head: Head, simple: Simple, train: Rows) -> Always | None:
    """The commonest label, tag or place (the first by name of equal ones), the mean, or the best set of labels.

    For spans "" where a question may have no answer, and None where each has one; of candidates every one, or the one
    that is oftenest in its text.
    """
    if simple.gives in ("places", "candidate"):
        return EveryCandidate() if simple.gives == "places" else OftenestCandidate()
    if simple.gives == "span":
        return Constant(name="no answer", value="") if simple.no_answer else None
    if simple.gives == "number":
        golds = np.fromiter(train.table.column(head.roles[-1]), np.float64)
        return Constant(name="mean of the train rows", value=float(golds.mean()))
    counts = Counter({name: count for name, count in counted(head, train).items() if name is not None})
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    if simple.gives == "choice":
        return CommonestPlace(ranked)
    if simple.gives == "labels":
        return Constant(name="best constant set of labels", value=best_set(ranked, counts, len(train)))
    if simple.gives == "tags":
        return Constant(name="commonest tag", value=ranked[0], of_each=head.roles[0])
    return Constant(name="commonest label", value=ranked[0])


def best_set(ranked: Sequence[str], counts: Mapping[str, int], rows: int) -> list[str]:
    """The labels that give the greatest micro F1 if each of so many rows is given them; the fewest of equal ones.

    `ranked` by their counts: of k labels the commonest k are best, and F1 is twice the sum of their counts, divided by
    k times the rows plus the sum of all counts.

    >>> best_set(["a", "b", "c"], {"a": 4, "b": 3, "c": 1}, rows=5)
    ['a', 'b']
    """
    right = np.cumsum([counts[name] for name in ranked])
    if not len(right):
        return []
    sizes = np.arange(1, len(ranked) + 1)
    return list(ranked[: int((right / (sizes * rows + right[-1])).argmax()) + 1])
