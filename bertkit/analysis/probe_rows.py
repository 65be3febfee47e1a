"""The rows of a task that probes are trained on, choose a layer by, and are scored on; and what simple models score."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bertkit.data.hold_out import select_rows
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits
from bertkit.errors import DataError
from bertkit.evaluation.floors import fitted
from bertkit.heads import Head
from bertkit.progress import Progress
from bertkit.spec import Spec
from bertkit.task import Evaluation

Table = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ProbedRows:
    """Rows of three parts, and how many of which they are (`notes`).

    train   probes are trained on them
    held    a layer is chosen on them: a tenth of those that are read of train
    scored  of the evaluation
    """

    evaluation: Evaluation
    train: Rows
    held: Rows
    scored: Rows
    notes: tuple[str, ...]

    @property
    def parts(self) -> tuple[Rows, Rows, Rows]:
        """Train, held, scored."""
        return self.train, self.held, self.scored


def probed_rows(spec: Spec, splits: Splits, most: tuple[int, int], seed: int) -> ProbedRows:
    """At most so many rows of train, and of the first evaluation that is scored, drawn by the seed.

    Raises DataError if those to train on have one label only, or are too few to choose on some.
    """
    assert splits.train
    there = [one for one in spec.task.scored if isinstance(splits.evaluations[one.name], Rows)]
    evaluation = next((one for one in there if not one.at_end), there[0])
    every = splits.evaluations[evaluation.name]
    assert isinstance(every, Rows)
    scored = _drawn(every, most[1], seed)
    drawn = _drawn(splits.train, most[0], seed)
    train, held = select_rows(drawn, splits.head)
    _check_labels(splits.head, train, spec.task.name)
    notes = (
        f"train: {_of(drawn, splits.train)}; {len(held):,} of them choose the layer",
        f"{evaluation.name}: {_of(scored, every)}",
    )
    return ProbedRows(evaluation=evaluation, train=train, held=held, scored=scored, notes=notes)


def _of(some: Rows, every: Rows) -> str:
    drawn = f"{len(some):,} of {len(every):,} rows, drawn at random"
    return drawn if len(some) < len(every) else f"all {len(every):,} rows"


def _check_labels(head: Head, train: Rows, name: str) -> None:
    """Raise DataError unless rows to train on have two labels."""
    golds = train.table[head.roles[-1]]
    found = {tag for gold in golds for tag in (gold if head.reads_words else [gold]) if tag is not None}
    if len(found) < 2:
        what = f"one label only, '{found.pop()}'" if found else "no label"
        raise DataError(f"{name}: the {len(train):,} rows that probes are trained on have {what}: two are needed")


def _drawn(rows: Rows, most: int, seed: int) -> Rows:
    """At most so many of the rows, in their order."""
    if most >= len(rows):
        return rows
    picked = np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])
    digest = hashlib.sha256(f"{rows.digest} {len(rows)} {most} {seed}".encode()).hexdigest()
    return replace(rows, table=rows.table.select(picked), digest=digest)


def right_by_floors(head: Head, rows: ProbedRows, progress: Progress) -> dict[str, Table]:
    """By name, of each simple model of the train rows (R, 2) right items of each scored row, and all that have a label.

    R scored rows.
    """
    assert head.simple is not None
    columns = rows.scored.table[:]
    golds = columns[head.roles[-1]]
    found = {}
    for name, model in fitted(head, head.simple, rows.train, progress):
        answers = model.answers(columns)
        if not head.reads_words:
            found[name] = np.array([[gold == one, 1] for gold, one in zip(golds, answers, strict=True)], np.float64)
            continue
        pairs = [
            [(tag, one) for tag, one in zip(tags, given, strict=True) if tag is not None]
            for tags, given in zip(golds, answers, strict=True)
        ]
        found[name] = np.array([[sum(tag == one for tag, one in row), len(row)] for row in pairs], np.float64)
    return found
