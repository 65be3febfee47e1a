"""Answers of a trained run to typed texts or a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import torch

from bertkit.deploy.inputs import Columns, Typed, columns_of
from bertkit.evaluation.inference import answers
from bertkit.heads import Answer
from bertkit.machine.devices import accelerator
from bertkit.models.labels import head_of
from bertkit.models.load import load_trained
from bertkit.models.task_model import task_model
from bertkit.progress import Watch
from bertkit.runs.folder import MODEL, read_spec
from bertkit.spec import Device

Exactness = Literal["fp32", "bf16"]
CHECKED = 1_000


def predict(
    folder: Path, typed: Typed, device: Device, watch: Watch, precision: Exactness = "fp32"
) -> tuple[Columns, list[Answer]]:
    """The rows that were typed, and the run's answer to each. Raises RequestError if `folder` is no run.

    In bf16 the first CHECKED rows are answered in fp32 too, and the watch is told how many answers differ.
    """
    spec = read_spec(folder)
    columns = columns_of(spec.task.head, typed, spec.task.source.columns)
    loaded = load_trained(folder / MODEL, spec.task.head)
    model = task_model(loaded, head_of(loaded, spec.task.head), spec, accelerator(device, "fp32"))
    if precision == "fp32":
        found, lines = answers(model, columns, watch)
    else:
        first = {role: values[:CHECKED] for role, values in columns.items()}
        exact, _ = answers(model, first, watch)
        found, lines = answers(model.with_network(loaded.model.to(torch.bfloat16)), columns, watch)
        changed = sum(one.value != other.value for one, other in zip(exact, found, strict=False))
        lines.append(f"bf16 gives another answer than fp32 to {changed:,} of the first {len(exact):,} rows")
    for line in lines:
        watch.note(line)
    return columns, found


def as_line(columns: Columns, i: int, answer: Answer) -> str:
    """One answer as JSON: the row, the answer and its scores."""
    row = {role: values[i] for role, values in columns.items()}
    return json.dumps(
        {**row, "answer": answer.value, "scores": dict(answer.scores)}, ensure_ascii=False, allow_nan=False
    )
