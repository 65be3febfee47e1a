"""Scores of answers, with their intervals and details. Always in fp32; every row once, in the rows' order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.table import Columns
from bertkit.evaluation.calibration import Reliability, codes_of, shares_of, tempered
from bertkit.evaluation.metrics import METRICS
from bertkit.evaluation.permuted import permuted
from bertkit.heads import Answer, Head
from bertkit.result import Calibration, Leaked, Score, Scored
from bertkit.task import Evaluation


class Answered:
    """The answers to the rows of one evaluation, with their golds if they have some: what scores need of them.

    Rows are added in blocks, and every label's name is held once: a row costs some 100 bytes.

    temperature  with which the calibration is measured a second time
    """

    def __init__(self, head: Head, evaluation: Evaluation, temperature: float | None = None) -> None:
        self.evaluation = evaluation
        self.answers: list[Answer] = []
        self.golds: list[Any] | None = [] if evaluation.scored else None
        self._head = head
        self._names = {name: name for name in head.label_names}
        temperatures = (None, temperature) if temperature else (None,)
        self._reliabilities = [(one, Reliability()) for one in temperatures if head.calibrates and evaluation.scored]

    def add(self, columns: Columns, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """Add a block of rows with their answers; returns their lines in predictions.jsonl."""
        golds: list[Any] = [None] * len(answers)
        if self.golds is not None:
            rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
            golds = [self._shared(self._head.gold(row)) for row in rows]
            self.golds += golds
            self._measure(answers, golds)
        self.answers += [self._head.compact(answer) for answer in answers]
        return [
            {"evaluation": self.evaluation.name, "row_id": ident, "answer": answer.value,
             "scores": dict(answer.scores), "gold": gold}
            for ident, answer, gold in zip(columns["row_id"], answers, golds, strict=True)
        ]  # fmt: skip

    def without(self, left_out: NDArray[np.bool_]) -> Answered:
        """The same without the rows that are marked."""
        found, kept = Answered(self._head, self.evaluation), [k for k, out in enumerate(left_out) if not out]
        found.answers = [self.answers[k] for k in kept]
        found.golds = self.golds and [self.golds[k] for k in kept]
        return found

    def _measure(self, answers: Sequence[Answer], golds: Sequence[Any]) -> None:
        names = list(self._names)
        for temperature, reliability in self._reliabilities:
            shares = shares_of([answer.scores for answer in answers], names)
            reliability.add(tempered(shares, temperature) if temperature else shares, codes_of(golds, names))

    @property
    def calibrations(self) -> tuple[Calibration | None, Calibration | None]:
        """Of the probabilities as they are, and with the temperature; None where there are none."""
        first, second, *_ = (*(reliability.calibration() for _, reliability in self._reliabilities), None, None)
        return first, second

    def _shared(self, gold: Any) -> Any:
        """The gold, its labels as the head holds them."""
        if isinstance(gold, list):
            return [self._names.get(name, name) for name in gold]
        return self._names.get(gold, gold)


def scored_apart(head: Head, answered: Answered, leaked: NDArray[np.bool_]) -> Scored:
    """As `score`, and where rows are marked as train rows too, the scores without them."""
    found, count = score(head, answered), int(leaked.sum())
    if not count or answered.golds is None:
        return found
    metrics = score(head, answered.without(leaked)).metrics if count < len(leaked) else {}
    return replace(found, leaked=Leaked(rows=count, metrics=metrics))


def score(head: Head, answered: Answered, with_intervals: bool = True) -> Scored:
    """The evaluation's metrics, through our `evaluate` modules; with intervals and details if they are asked for."""
    evaluation, golds = answered.evaluation, answered.golds
    if golds is None:
        return Scored(name=evaluation.name, split=evaluation.split, rows=len(answered.answers))
    values = [given.value for given in answered.answers]
    labels = head.label_names
    metrics = {}
    for name, value in values_of_metrics(head, evaluation, golds, values).items():
        metric = METRICS[name].under(head.chunk_scheme)
        metrics[name] = Score(value=value, low=value, high=value, interval="none")
        if with_intervals:
            found = metric.interval(metric.measure(golds, values, labels), metric.score)
            metrics[name] = Score(value=value, low=found.low, high=found.high, interval=found.name)
    details = head.details(golds, answered.answers) if with_intervals else {}
    pairs = head.label_pairs(golds, answered.answers) if with_intervals else None
    if pairs and (order := permuted(*pairs, labels)):
        details["permuted"] = asdict(order)
    as_they_are, with_temperature = answered.calibrations
    return Scored(
        name=evaluation.name, split=evaluation.split, rows=len(golds), metrics=metrics, details=details,
        calibration=as_they_are, calibrated=with_temperature,
    )  # fmt: skip


def values_of_metrics(
    head: Head, evaluation: Evaluation, golds: Sequence[Any], values: Sequence[Any]
) -> dict[str, float]:
    """Each of the evaluation's metrics of the answers' `values` against the golds, one of each a row."""
    from bertkit.evaluation.hf_metrics import score as score_by_module

    return {
        name: score_by_module(METRICS[name].under(head.chunk_scheme), golds, values, head.label_names)
        for name in evaluation.metrics
    }
