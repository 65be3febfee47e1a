"""Floors: what simple models that learn from a run's own train rows score on its evaluations, cached by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bertkit import __version__
from bertkit.data.cache import cached
from bertkit.data.encoding import blocks_of
from bertkit.data.rows import Rows
from bertkit.data.table import Columns, Table
from bertkit.evaluation.floor_choices import candidate_overlap, choice_overlap
from bertkit.evaluation.floor_constants import constant
from bertkit.evaluation.floor_texts import LONGEST, Advance, text_labels, text_numbers
from bertkit.evaluation.floor_vectors import vector_labels, vector_tags
from bertkit.evaluation.floor_words import SentenceOverlap, WordTags, tagged
from bertkit.evaluation.score import values_of_metrics
from bertkit.heads import Head, Number
from bertkit.heads.simple import Simple
from bertkit.progress import Progress
from bertkit.result import Floor
from bertkit.task import Evaluation

FLOORS = 3
"""Version of the simple models; increase it when they change, so that cached floors are computed again."""

SEED = 20_260
"""Draws the rows, of many, that are learnt from: the same for every run, so that its seeds share the floors."""
MOST_ROWS, MOST_CHARACTERS = 100_000, 20_000_000
"""Train rows, and characters of them, that are learnt from at most."""
MOST_TOLD = 300_000_000
"""Characters of these rows, times the one-against-the-rest classifiers, at most."""
OF_ONE_ROW = ("choice", "places", "candidate")
"""What simple models give of a row's own choices or candidates."""
LOOKED_AT = 1_000
"""Rows whose characters are counted to know those of all."""

Parts = Mapping[str, tuple[Evaluation, Rows]]
"""The evaluations that have golds, by name, with their rows."""


class SimpleModel(Protocol):
    """What answers rows without an encoder."""

    @property
    def name(self) -> str: ...

    def answers(self, columns: Columns) -> list[Any]:
        """The value of the answer to each row of a block."""


def floors_of(head: Head, train: Rows, parts: Parts, progress: Progress) -> dict[str, tuple[Floor, ...]]:
    """By evaluation, what the simple models of this head score: one constant answer, and one that has learnt.

    head   its labels resolved; one that does not say how simple models answer (`Head.simple`) has no floors
    train  the rows that the run was trained on; of many some are drawn, which bounds time and memory

    The same rows, head and metrics give the same floors, from the cache if they were computed before.
    """
    simple = head.simple
    if simple is None or not parts:
        return {}

    def make(folder: Path) -> None:
        total = sum(len(rows) for _, rows in parts.values())
        models = fitted(head, simple, train, progress, total)
        found = {
            name: [asdict(one) for one in _scored(head, evaluation, rows.table, models, progress)]
            for name, (evaluation, rows) in parts.items()
        }
        (folder / "floors.json").write_text(json.dumps(found), "utf-8")

    return cached("floors", _key(head, train, parts), make, _read)


def _key(head: Head, train: Rows, parts: Parts) -> str:
    """SHA-256 of what floors depend on: the rows, the head, the metrics, our code and scikit-learn's."""
    made_of = [FLOORS, __version__, version("scikit-learn"), train.digest, len(train), repr(head.simple)]
    made_of += [head.roles, head.label_names, head.chunk_scheme]
    made_of += [[name, one.metrics, rows.digest, len(rows)] for name, (one, rows) in parts.items()]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _read(folder: Path) -> dict[str, tuple[Floor, ...]]:
    plain = json.loads((folder / "floors.json").read_text("utf-8"))
    return {name: tuple(Floor(**one) for one in floors) for name, floors in plain.items()}


def _scored(
    head: Head, evaluation: Evaluation, table: Table, models: Sequence[tuple[str, SimpleModel]], progress: Progress
) -> list[Floor]:
    """What each model scores on the rows, which are read in blocks."""
    golds: list[Any] = []
    values: list[list[Any]] = [[] for _ in models]
    for columns in blocks_of(table):
        golds += _golds(head, columns)
        for found, (_, model) in zip(values, models, strict=True):
            found += model.answers(columns)
        progress.advance(len(columns["row_id"]))
    return [
        Floor(name=name, metrics=values_of_metrics(head, evaluation, golds, found))
        for found, (name, _) in zip(values, models, strict=True)
    ]


def fitted(head: Head, simple: Simple, train: Rows, progress: Progress, more: int = 0) -> list[tuple[str, SimpleModel]]:
    """The simple models with their names, fitted to the train rows in a phase of which `more` steps are to follow."""
    drawn = drawn_rows(head, simple, train.table)
    read = 1 if simple.gives in ("tags", "span", *OF_ONE_ROW) else len(head.roles) - 1
    progress.phase("fitting simple models", read * len(drawn) + more)
    models: list[tuple[str, SimpleModel]] = []
    if always := constant(head, simple, train):
        models.append((always.name, always))
    if learnt := _learnt(head, simple, drawn, progress.advance):
        some = f" ({len(drawn):,} of {len(train):,} train rows)" if len(drawn) < len(train) else ""
        models.append((learnt.name + some, learnt))
    return models


def _learnt(head: Head, simple: Simple, table: Table, advance: Advance) -> SimpleModel | None:
    """The model that learns from these rows; None where there is nothing to learn."""
    if simple.gives == "tags" and head.of_vectors:
        return vector_tags(table, advance)
    if simple.gives == "tags":
        return WordTags(tagged(_columns(table, ("words", "tags"), advance)))
    if simple.gives == "span":
        return SentenceOverlap(text for block in _columns(table, ("context",), advance) for text in block["context"])
    *roles, gold = head.roles
    golds = [one for block in blocks_of(table.select_columns([gold])) for one in _golds(head, block)]
    if head.of_vectors:
        return vector_labels(table, golds, simple.number, advance) if len(set(golds)) > 1 else None
    if simple.gives == "choice":
        return choice_overlap(table, golds, advance)
    if simple.gives in ("places", "candidate"):
        return candidate_overlap(table, golds, simple.gives == "candidate", advance)
    if simple.gives == "number":
        return text_numbers(table, roles, golds, simple.number or Number(), advance)
    return text_labels(table, roles, golds, advance)


def _columns(table: Table, names: Sequence[str], advance: Advance) -> Iterator[Columns]:
    for block in blocks_of(table.select_columns(list(names))):
        yield block
        advance(len(block[names[0]]))


def _golds(head: Head, columns: Columns) -> list[Any]:
    return [head.gold(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def drawn_rows(head: Head, simple: Simple, table: Table) -> Table:
    """The train rows that are learnt from, in their order: all, or as many as the bounds allow, drawn at random."""
    order = np.random.default_rng(SEED).permutation(len(table))
    some = table.select_columns(list(head.roles[:-1]))[np.sort(order[:LOOKED_AT])]
    texts = [text for column in some.values() for text in column]
    each = sum(min(_characters(text), LONGEST) for text in texts) / min(len(table), LOOKED_AT)
    if simple.gives in OF_ONE_ROW:  # the text is read beside each of them
        each *= float(np.mean([len(choices) for choices in some[head.roles[-2]]]))
    told = len(head.label_names) if simple.gives in ("label", "labels") else 1
    most = min(MOST_CHARACTERS, MOST_TOLD // told)
    rows = min(MOST_ROWS, max(int(most / max(each, 1)), 1))
    return table if len(table) <= rows else table.select(np.sort(order[:rows]))


def _characters(text: Any) -> int:
    return len(text) if isinstance(text, str) else sum(map(len, text))
