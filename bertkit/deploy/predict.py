"""Predict with a trained run on typed texts or a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from bertkit.deploy.inputs import Inputs
from bertkit.errors import RequestError
from bertkit.evaluation.inference import answers
from bertkit.heads import Answer
from bertkit.machine.devices import accelerator
from bertkit.models.labels import head_of
from bertkit.models.load import load_trained
from bertkit.models.task_model import task_model
from bertkit.progress import Progress
from bertkit.runs.folder import MODEL, read_spec
from bertkit.spec import Device

Exactness = Literal["fp32", "bf16"]
CHECKED = 1_000


def predict(
    folder: Path, inputs: Inputs, device: Device, progress: Progress, precision: Exactness = "fp32"
) -> list[Answer]:
    """The run's answer to each of the R rows. Raises RequestError if `folder` is no finished run.

    In bf16 the first CHECKED rows are predicted in fp32 too, and a note says how many answers differ.
    """
    spec = read_spec(folder)
    if not (folder / MODEL).is_dir():
        raise RequestError(f"{folder} is not finished: it has no model yet; `bertkit resume {folder}` resumes it")
    columns = {**inputs.columns, "row_id": inputs.names}
    loaded = load_trained(folder / MODEL, spec.task.head)
    model = task_model(loaded, head_of(loaded, spec.task.head), spec, accelerator(device, "fp32"))
    for note in inputs.notes:
        progress.note(note)
    if precision == "fp32":
        found, lines = answers(model, columns, progress)
    else:
        first = {role: values[:CHECKED] for role, values in columns.items()}
        exact, _ = answers(model, first, progress)
        found, lines = answers(model.with_network(loaded.model.to(torch.bfloat16)), columns, progress)
        changed = sum(one.value != other.value for one, other in zip(exact, found, strict=False))
        lines.append(f"bf16 changes the answer to {changed:,} of the first {len(exact):,} rows, compared to fp32")
    for line in lines:
        progress.note(line)
    return found


def as_line(row: Mapping[str, Any], answer: Answer | None) -> str:
    """One answer as JSON: its place, its row, the answer and its scores; null for a blank line."""
    answer = answer or Answer(value=None)
    return json.dumps(
        {**row, "answer": answer.value, "scores": dict(answer.scores)}, ensure_ascii=False, allow_nan=False
    )
