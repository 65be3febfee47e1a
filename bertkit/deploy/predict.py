"""Predict with a trained run, a block of rows after another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from bertkit.deploy.inputs import Inputs
from bertkit.errors import RequestError
from bertkit.evaluation.inference import Tally, answers, in_blocks
from bertkit.heads import Answer, Head
from bertkit.machine.devices import accelerator
from bertkit.models.labels import head_of
from bertkit.models.load import load_trained
from bertkit.models.task_model import TaskModel, task_model
from bertkit.progress import Progress
from bertkit.runs.folder import MODEL, read_spec
from bertkit.runs.temperature import fitted_temperature
from bertkit.spec import Device, Exactness

CHECKED = 1_000


def load_run(folder: Path, device: Device, calibrated: bool = False) -> TaskModel:
    """The run's model; if `calibrated`, with the temperature that was fitted in it.

    Raises RequestError if `folder` is no finished run, or has no temperature.
    """
    spec = read_spec(folder)
    temperature = fitted_temperature(folder, spec) if calibrated else 1.0
    if not (folder / MODEL).is_dir():
        raise RequestError(f"{folder} is not finished: it has no model yet; `bertkit resume {folder}` resumes it")
    loaded = load_trained(folder / MODEL, spec.task.head)
    model = task_model(loaded, head_of(loaded, spec.task.head), spec, accelerator(device, "fp32"))
    return replace(model, temperature=temperature)


def predict(
    folder: Path, inputs: Inputs, device: Device, progress: Progress, precision: Exactness = "fp32"
) -> list[Answer]:
    """The run's answer to each of the R rows. Raises RequestError if `folder` is no finished run."""
    model = load_run(folder, device)
    for note in inputs.notes:
        progress.note(note)
    progress.phase("predicting", len(inputs.names))
    return [one for _, found in answered(model, split(inputs), progress, precision) for one in found]


def split(inputs: Inputs) -> Iterator[Inputs]:
    """Inputs in memory, in blocks as a file has them."""
    from bertkit.deploy.file_inputs import Item, in_blocks

    roles = list(inputs.columns)

    def items() -> Iterator[Item]:
        for place, row in zip(inputs.places, inputs.rows, strict=True):
            yield Item(place, {}, None if row is None else {role: inputs.columns[role][row] for role in roles})

    return in_blocks(items(), roles)


def answered(
    model: TaskModel,
    blocks: Iterable[Inputs],
    progress: Progress,
    precision: Exactness = "fp32",
) -> Iterator[tuple[Inputs, list[Answer]]]:
    """Each block with the answers to its rows; at the end, notes on all rows go to `progress`.

    In bf16 the first CHECKED rows are predicted in fp32 too, and a note says how many answers differ.
    """
    tally, exact, changed = Tally(), list[Answer](), 0
    if precision == "bf16":
        exact, blocks = _exact(model, iter(blocks))
        model = model.with_network(model.network.to(torch.bfloat16))
    columns = ((block, {**block.columns, "row_id": block.names}) for block in blocks)
    for place, (block, found) in enumerate(in_blocks(model, columns, progress, tally)):
        if not place:
            changed = sum(one.value != other.value for one, other in zip(exact, found, strict=False))
        yield block, found
    for line in tally.lines:
        progress.note(line)
    if exact:
        progress.note(f"bf16 changes the answer to {changed:,} of the first {len(exact):,} rows, compared to fp32")


def _exact(model: TaskModel, blocks: Iterator[Inputs]) -> tuple[list[Answer], Iterator[Inputs]]:
    """The answers in fp32 to the first CHECKED rows of the first block, and all blocks."""
    first = next(blocks, None)
    if first is None:
        return [], blocks
    columns = {role: values[:CHECKED] for role, values in {**first.columns, "row_id": first.names}.items()}
    return answers(model, columns, Progress())[0] if first.names else [], chain([first], blocks)


def as_line(row: Mapping[str, Any], answer: Answer | None, head: Head, top: int | None = None) -> str:
    """One answer as JSON: its place, its row, the answer and its scores; null for a blank line.

    top  how many labels or spans are kept of the scores; None keeps all
    """
    answer = answer or Answer(value=None)
    found = {"answer": answer.value, "scores": dict(answer.scores)}
    if top is not None and answer.scores:
        found = head.answer_json(answer, top)
    return json.dumps({**row, **found}, ensure_ascii=False, allow_nan=False)
