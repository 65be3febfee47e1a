"""Our metrics wrapped as `evaluate.Metric`, with no script downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import evaluate
from datasets import Features, List, Value

from bertkit.evaluation.metrics import Kind, Metric

TYPES: dict[Kind, tuple[Any, Any]] = {
    "label": (Value("string"), Value("string")),
    "labels": (List(Value("string")), List(Value("string"))),
    "answers": (List(Value("string")), List(Value("string"))),
    "number": (Value("float64"), Value("float64")),
    "tags": (List(Value("string")), List(Value("string"))),
    "text": (Value("string"), List(Value("string"))),
}


class Module(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """One of METRICS behind `add_batch` and `compute`; it works in `evaluate.combine`."""

    def __init__(self, metric: Metric, labels: Sequence[str] = ()) -> None:
        self.metric, self.labels = metric, labels
        super().__init__(config_name=metric.name, keep_in_memory=True, num_process=1)

    def _info(self) -> evaluate.MetricInfo:
        answers, golds = TYPES[self.metric.kind]
        return evaluate.MetricInfo(
            description=self.metric.name,
            citation="",
            inputs_description="predictions and references, one of each a row",
            features=Features({"predictions": answers, "references": golds}),
        )

    def _compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        if self.metric.kind == "tags":
            predictions, references = ([[tag or None for tag in tags] for tags in c] for c in (predictions, references))
        return {self.metric.name: self.metric.of(references, predictions, self.labels)}


def score(metric: Metric, golds: Sequence[Any], values: Sequence[Any], labels: Sequence[str] = ()) -> float:
    """The metric of `values` against `golds`, one of each a row."""
    columns = {"predictions": list(values), "references": list(golds)}
    if metric.kind == "tags":  # `evaluate` refuses a first row without any tag
        columns = {name: [[tag or "" for tag in tags] for tags in column] for name, column in columns.items()}
    return float(Module(metric, labels).compute(**columns)[metric.name])
