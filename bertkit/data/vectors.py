"""What a head takes from the vectors of the train rows: mean and deviation of each number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bertkit.data.rows import Rows
from bertkit.heads import Head
from bertkit.heads.vectors import ROLE


def with_vectors(head: Head, train: Rows) -> Head:
    """The head that normalises vectors as those of these rows need it, if its rows are vectors."""
    if head.of_vectors is None:
        return head
    changed: Any = head
    found: Head = replace(changed, vectors=head.of_vectors.fitted(train.table.column(ROLE)))
    return found
