"""Scores of answers, with their intervals and details. Always in fp32; every row once, in the rows' order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bertkit.data.table import Columns
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Answer, Head
from bertkit.result import Score, Scored
from bertkit.task import Evaluation


class Answered:
    """The answers to the rows of one evaluation, with their golds if they have some: what scores need of them.

    Rows are added in blocks, and every label's name is held once: a row costs some 100 bytes.
    """

    def __init__(self, head: Head, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.answers: list[Answer] = []
        self.golds: list[Any] | None = [] if evaluation.scored else None
        self._head = head
        self._names = {name: name for name in head.label_names}

    def add(self, columns: Columns, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """Add a block of rows with their answers; returns their lines in predictions.jsonl."""
        golds: list[Any] = [None] * len(answers)
        if self.golds is not None:
            rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
            golds = [self._shared(self._head.gold(row)) for row in rows]
            self.golds += golds
        self.answers += [self._head.compact(answer) for answer in answers]
        return [
            {"evaluation": self.evaluation.name, "row_id": ident, "answer": answer.value,
             "scores": dict(answer.scores), "gold": gold}
            for ident, answer, gold in zip(columns["row_id"], answers, golds, strict=True)
        ]  # fmt: skip

    def _shared(self, gold: Any) -> Any:
        """The gold, its labels as the head holds them."""
        if isinstance(gold, list):
            return [self._names.get(name, name) for name in gold]
        return self._names.get(gold, gold)


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
    return Scored(name=evaluation.name, split=evaluation.split, rows=len(golds), metrics=metrics, details=details)


def values_of_metrics(
    head: Head, evaluation: Evaluation, golds: Sequence[Any], values: Sequence[Any]
) -> dict[str, float]:
    """Each of the evaluation's metrics of the answers' `values` against the golds, one of each a row."""
    from bertkit.evaluation.hf_metrics import score as score_by_module

    return {
        name: score_by_module(METRICS[name].under(head.chunk_scheme), golds, values, head.label_names)
        for name in evaluation.metrics
    }
