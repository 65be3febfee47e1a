"""Entities in chunk tags, extracted by seqeval: in its default mode, or strictly by a scheme.

R rows, W words of a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.schemes import OUTSIDE

Tags = Sequence[str | None]
Entity = tuple[str, int, int]
CLASSES = {"BIO": "IOB2", "IOB1": "IOB1", "BIOES": "IOBES", "BILOU": "BILOU"}
"""The scheme's class in seqeval.scheme."""
AS_BIOES = {"L": "E", "U": "S"}
"""BILOU's prefixes by another name, for seqeval's default mode, which does not know them."""


def entities(tags: Sequence[str], strict: str | None = None) -> set[Entity]:
    """The type, first and last word of each entity; by the scheme `strict` those alone that keep it from end to end."""
    if strict is None:
        from seqeval.metrics.sequence_labeling import get_entities

        return set(get_entities([AS_BIOES.get(tag[0], tag[0]) + tag[1:] for tag in tags]))
    from seqeval import scheme

    (found,) = scheme.Entities([list(tags)], getattr(scheme, CLASSES[strict])).entities
    return {(one.tag, one.start, one.end - 1) for one in found}


def paired(golds: Sequence[Tags], values: Sequence[Tags]) -> Iterator[tuple[list[str], list[str]]]:
    """Tags of each row, gold and given. A word without an answer is outside; without a gold it is so on both sides."""
    for gold, value in zip(golds, values, strict=True):
        given = [OUTSIDE if tag is None or right is None else tag for tag, right in zip(value, gold, strict=True)]
        yield [tag or OUTSIDE for tag in gold], given


def entity_counts(golds: Sequence[Tags], values: Sequence[Tags], strict: str | None = None) -> NDArray[np.float64]:
    """(R, 3): entities of each row that are right, given, gold."""
    counts = []
    for gold, value in paired(golds, values):
        there, given = entities(gold, strict), entities(value, strict)
        counts.append([len(there & given), len(given), len(there)])
    return np.array(counts, float)


def by_type(golds: Sequence[Tags], values: Sequence[Tags]) -> dict[str, dict[str, Any]]:
    """For each type of entity precision, recall and F1 in seqeval's default mode, and entities given and gold."""
    right, given, there = Counter[str](), Counter[str](), Counter[str]()
    for gold, value in paired(golds, values):
        theirs, ours = entities(gold), entities(value)
        right.update(kind for kind, _, _ in theirs & ours)
        given.update(kind for kind, _, _ in ours)
        there.update(kind for kind, _, _ in theirs)
    return {
        kind: {
            "precision": right[kind] / max(given[kind], 1),
            "recall": right[kind] / max(there[kind], 1),
            "F1": 2 * right[kind] / (given[kind] + there[kind]),
            "given": given[kind],
            "gold": there[kind],
        }
        for kind in sorted(given | there)
    }
