"""Our metrics wrapped as `evaluate.Metric`, with no script downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import evaluate
from datasets import Features, List, Value

from bertkit.evaluation.metrics import METRICS, Kind, Metric

TYPES: dict[Kind, tuple[Any, Any]] = {
    "label": (Value("string"), Value("string")),
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
        return {self.metric.name: self.metric.of(references, predictions, self.labels)}


def score(name: str, golds: Sequence[Any], values: Sequence[Any], labels: Sequence[str] = ()) -> float:
    """The metric called `name` of `values` against `golds`, one of each a row."""
    module = Module(METRICS[name], labels)
    return float(module.compute(predictions=list(values), references=list(golds))[name])
