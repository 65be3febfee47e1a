"""What a run's head takes from the counts of its labels: class weights, and where its training starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from bertkit.data.rows import Rows
from bertkit.heads import Head
from bertkit.heads.losses import Loss, balanced, weights_of
from bertkit.task import Recipe

CHUNK = 10_000
"""Rows that are counted at a time."""


def with_loss(head: Head, recipe: Recipe, train: Rows) -> Head:
    """The head, its labels resolved, with the loss that `recipe` asks for. Raises RequestError for unknown labels."""
    weights: tuple[float, ...] = ()
    if isinstance(recipe.class_weights, Mapping):
        weights = weights_of(recipe.class_weights, head.label_names)
    elif recipe.class_weights == "balanced":
        weights = balanced(counted(head, train), head.label_names)
    focal = recipe.focal_gamma if recipe.loss == "focal" else 0.0
    loss = Loss(focal=focal, smoothing=recipe.label_smoothing, weights=weights)
    return head if loss == Loss() else head.with_loss(loss)


def with_shares(head: Head, train: Rows) -> Head:
    """The head, its labels resolved, with their counts in the train rows, if its training starts from them."""
    return head.with_counts(counted(head, train), len(train)) if head.starts_from_counts else head


def counted(head: Head, rows: Rows) -> Counter[str]:
    """How often each label is the gold of a row, or of a word."""
    found: Counter[str] = Counter()
    for golds in _golds(head, rows):
        found.update(chain.from_iterable(golds) if golds and isinstance(golds[0], list) else golds)
    return found


def _golds(head: Head, rows: Rows) -> Iterator[list[Any]]:
    (gold,) = head.roles[-1:]
    for start in range(0, len(rows.table), CHUNK):
        yield rows.table.select_columns([gold])[start : start + CHUNK][gold]
