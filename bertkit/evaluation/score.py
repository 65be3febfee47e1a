"""Scores of answers, with their intervals and details. Always in fp32; every row once, in the rows' order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bertkit.data.table import Columns, Table
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Answer, Head
from bertkit.result import Score, Scored
from bertkit.task import Evaluation


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The answers to the rows of one evaluation, with their golds if they have some."""

    evaluation: Evaluation
    row_ids: Sequence[str]
    answers: Sequence[Answer]
    golds: Sequence[Any] | None

    def lines(self) -> list[dict[str, Any]]:
        """Its lines in predictions.jsonl."""
        golds = self.golds or [None] * len(self.answers)
        return [
            {"evaluation": self.evaluation.name, "row_id": ident, "answer": answer.value,
             "scores": dict(answer.scores), "gold": gold}
            for ident, answer, gold in zip(self.row_ids, self.answers, golds, strict=True)
        ]  # fmt: skip


def with_gold(head: Head, evaluation: Evaluation, table: Table, answers: Sequence[Answer]) -> Answered:
    """The answers together with their golds."""
    columns: Columns = table[:]
    assert len(answers) == len(table)
    golds = None
    if evaluation.scored:
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        golds = [head.gold(row) for row in rows]
    return Answered(evaluation=evaluation, row_ids=columns["row_id"], answers=answers, golds=golds)


def score(head: Head, answered: Answered, with_intervals: bool = True) -> Scored:
    """The evaluation's metrics, through our `evaluate` modules; with intervals and details if they are asked for."""
    from bertkit.evaluation.hf_metrics import score as score_by_module

    evaluation, golds = answered.evaluation, answered.golds
    if golds is None:
        return Scored(name=evaluation.name, split=evaluation.split, rows=len(answered.answers))
    values = [given.value for given in answered.answers]
    labels = head.label_names
    metrics = {}
    for name in evaluation.metrics:
        metric = METRICS[name].under(head.chunk_scheme)
        value = score_by_module(metric, golds, values, labels)
        metrics[name] = Score(value=value, low=value, high=value, interval="none")
        if with_intervals:
            found = metric.interval(metric.measure(golds, values, labels), metric.score)
            metrics[name] = Score(value=value, low=found.low, high=found.high, interval=found.name)
    details = head.details(golds, answered.answers) if with_intervals else {}
    return Scored(name=evaluation.name, split=evaluation.split, rows=len(golds), metrics=metrics, details=details)
