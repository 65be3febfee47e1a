"""The result of a run, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertkit.spec import Spec

SCHEMA = 1

_ONE = {"words": "word", "questions": "question", "answers": "answer", "have": "has", "are": "is"}


def count_line(name: str, count: int) -> str:
    """What a feature's count says: "words have no token", counted once, is "1 word has no token"."""
    words = name.split()
    subject = [_ONE.get(word, word) for word in words[:3]] if count == 1 else words[:3]
    return " ".join([f"{count:,}", *subject, *words[3:]])


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric's value as a fraction (or a correlation), with what a second look would give.

    low, high  the 95 % interval over the rows: how far another dev set of the same size might move it. It does not
               hold the seed's share.
    interval   the method that it is by: "Wilson", "Jeffreys", "Dirichlet" or "bootstrap" (evaluation/intervals.py);
               results of versions that did not name it are by the bootstrap
    """

    value: float
    low: float
    high: float
    interval: str = "bootstrap"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One evaluation: `rows` rows of `split`, each metric's Score, and more numbers in `details`.

    missing  why there is nothing, if there is nothing
    """

    name: str
    split: str
    rows: int = 0
    metrics: Mapping[str, Score] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """How many rows of a split were used, of how many published, and from where.

    cut      how many of them `max_length` cut
    counted  what else the user should know of them, by its name: see `lines`
    """

    used: int
    there: int
    published: int | None = None
    origin: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()
    cut: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """What was counted, a line each."""
        cut = [f"{self.cut:,} of {self.used:,} rows cut to fit the window"] if self.cut else []
        return [*cut, *(count_line(name, count) for name, count in self.counted.items())]

    @property
    def whole(self) -> bool:
        """Whether this is the published split, whole."""
        return self.published is not None and self.used == self.published


@dataclass(frozen=True, kw_only=True)
class Training:
    """What training did: updates, rows and real tokens seen, its seconds, the last update's loss.

    layout, order  how batches lay in memory, and in which order they came
    dropout        "fast" or "torch": what drew it
    """

    steps: int
    examples: int
    tokens: int
    seconds: float
    loss: float | None
    layout: str = "bucketed"
    order: str = "length"
    dropout: str = "torch"


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished run. `marks` say what the numbers are not: the sample, a partial split, a slice."""

    spec: Spec
    evaluations: tuple[Scored, ...]
    rows: Mapping[str, RowCount]
    training: Training
    device: str
    precision: str
    encoder: Mapping[str, Any]
    versions: Mapping[str, str]
    marks: tuple[str, ...] = ()
    seconds: float = 0.0
    schema_number: int = SCHEMA

    @property
    def headline(self) -> tuple[str, Score] | None:
        """The first metric of the first evaluation that was scored."""
        for scored in self.evaluations:
            for name, score in scored.metrics.items():
                return name, score
        return None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run's folder and its result; `before` if it was finished before and nothing was done now."""

    folder: Path
    result: Result
    before: bool
