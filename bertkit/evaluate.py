"""Features -> logits -> answers -> scores. Always in fp32; every row once, in the rows' order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from bertkit.encoding import ahead
from bertkit.features import Features, Ragged
from bertkit.heads import Answer, Head, Number, Span, Tagging, Window
from bertkit.layouts import Laid
from bertkit.linear import fast_linear
from bertkit.metrics import METRICS, class_details, span_details, tag_details
from bertkit.model import Loaded, forward, readable_inputs
from bertkit.order import by_length
from bertkit.result import Score, Scored
from bertkit.stats import interval
from bertkit.table import Columns, Table
from bertkit.task import Evaluation
from bertkit.unpadded import unpadded
from bertkit.watch import Watch

BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""


def predict(
    loaded: Loaded, head: Head, features: Features, accelerator: Accelerator, watch: Watch, laid: Laid
) -> Ragged:
    """Logits of every feature, in their order, on every process: one run a feature (see loss.py), unpadded."""
    model = loaded.model.to(accelerator.device)
    model.eval()
    ranked = list(by_length(features.lengths, BUDGET))
    mine = ranked[accelerator.process_index :: accelerator.num_processes]
    watch.phase("predicting", len(mine))
    readable = readable_inputs(model)
    found: list[tuple[int, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(fast_linear(model))
        if laid.packed:
            stack.enter_context(unpadded(model, head))
        for indices in mine:
            part = features.take(indices)
            batch = laid.batch(part, loaded).to(accelerator.device)
            logits = forward(model, head, batch, readable).float().cpu().numpy()
            whole = not isinstance(head, Tagging | Span)
            for i, run, length in zip(indices, logits, part.lengths, strict=True):
                found.append((int(i), run[None] if whole else run[:length]))
            watch.advance()
    if accelerator.num_processes > 1:
        found = gather_object(found)
    runs = [run for _, run in sorted(found, key=lambda pair: pair[0])]
    assert len(runs) == len(features)
    return Ragged.of(runs, "float32", width=runs[0].shape[1])


def answers(
    loaded: Loaded,
    head: Head,
    rows: Table | Columns,
    accelerator: Accelerator,
    watch: Watch,
    laid: Laid,
    window: Window,
) -> list[Answer]:
    """The answer to each row, in the rows' order; golds among the columns are not looked at."""
    if isinstance(rows, Table):
        rows = rows.select_columns(list(head.roles[:-1]))
    found: list[Answer] = []
    for columns, features in ahead(head, rows, loaded.tokenizer, window):
        logits = predict(loaded, head, features, accelerator, watch, laid)
        found += head.decode(columns, features, logits, window)
    return found


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The answers to the rows of one evaluation, with what is right where that is known."""

    evaluation: Evaluation
    row_ids: Sequence[str]
    answers: Sequence[Answer]
    golds: Sequence[Any] | None

    def lines(self) -> list[dict[str, Any]]:
        """What predictions.jsonl holds of it."""
        golds = self.golds or [None] * len(self.answers)
        return [
            {"evaluation": self.evaluation.name, "row_id": ident, "answer": answer.value,
             "scores": dict(answer.scores), "gold": gold}
            for ident, answer, gold in zip(self.row_ids, self.answers, golds, strict=True)
        ]  # fmt: skip


def answered(head: Head, evaluation: Evaluation, table: Table, answers: Sequence[Answer]) -> Answered:
    """The answers beside what is right."""
    columns: Columns = table[:]
    assert len(answers) == len(table)
    golds = None
    if evaluation.scored:
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        golds = [head.gold(row) for row in rows]
    return Answered(evaluation=evaluation, row_ids=columns["row_id"], answers=answers, golds=golds)


def score(head: Head, answered: Answered, sure: bool = True) -> Scored:
    """The evaluation's metrics, through our `evaluate` modules; with intervals if they are to be `sure`."""
    from bertkit.modules import score as score_by_module

    evaluation, golds = answered.evaluation, answered.golds
    if golds is None:
        return Scored(name=evaluation.name, split=evaluation.split, rows=len(answered.answers))
    values = [given.value for given in answered.answers]
    labels = head.labels if isinstance(head.labels, tuple) else ()
    metrics = {}
    for name in evaluation.metrics:
        metric = METRICS[name]
        value = score_by_module(name, golds, values, labels)
        low, high = interval(metric.measure(golds, values, labels), metric.score) if sure else (value, value)
        metrics[name] = Score(value=value, low=low, high=high)
    details = _details(head, golds, answered.answers) if sure else {}
    return Scored(name=evaluation.name, split=evaluation.split, rows=len(golds), metrics=metrics, details=details)


def _details(head: Head, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
    values = [given.value for given in answers]
    if isinstance(head, Tagging):
        return tag_details(golds, values)
    if isinstance(head, Span):
        return span_details(golds, answers, head.no_answer)
    if isinstance(head.labels, Number):
        return {}
    assert isinstance(head.labels, tuple)
    return class_details(golds, values, head.labels)
