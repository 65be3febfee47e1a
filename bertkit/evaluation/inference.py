"""Features -> logits -> answers, in fp32; every row once, in the rows' order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from accelerate.utils import gather_object

from bertkit.data.encoding import ahead
from bertkit.data.sampler import by_length
from bertkit.data.table import Columns, Table
from bertkit.heads import Answer
from bertkit.heads.features import Features, Ragged
from bertkit.kernels.linear import fast_linear
from bertkit.kernels.unpadded import unpadded
from bertkit.models.forward import forward, readable_inputs
from bertkit.models.task_model import TaskModel
from bertkit.progress import Watch

BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""


def predict(model: TaskModel, features: Features, watch: Watch) -> Ragged:
    """Logits of every feature, in their order, on every process: one run a feature, without padding."""
    head, accelerator = model.head, model.accelerator
    network = model.network.to(accelerator.device)
    network.eval()
    ranked = list(by_length(features.lengths, BUDGET))
    mine = ranked[accelerator.process_index :: accelerator.num_processes]
    watch.phase("predicting", len(mine))
    readable = readable_inputs(network)
    found: list[tuple[int, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(fast_linear(network))
        if model.layout.packed:
            stack.enter_context(unpadded(network, head.per_token))
        for indices in mine:
            part = features.take(indices)
            logits = forward(network, head, model.batch(part), readable).float().cpu().numpy()
            for i, run, length in zip(indices, logits, part.lengths, strict=True):
                found.append((int(i), run[:length] if head.per_token else run[None]))
            watch.advance()
    if accelerator.num_processes > 1:
        found = gather_object(found)
    runs = [run for _, run in sorted(found, key=lambda pair: pair[0])]
    assert len(runs) == len(features)
    return Ragged.of(runs, "float32", width=runs[0].shape[1])


def answers(model: TaskModel, rows: Table | Columns, watch: Watch) -> list[Answer]:
    """The answer to each row, in the rows' order; golds among the columns are not read."""
    if isinstance(rows, Table):
        rows = rows.select_columns(list(model.head.roles[:-1]))
    found: list[Answer] = []
    for columns, features in ahead(model.head, rows, model.loaded.tokenizer, model.window):
        found += model.head.decode(columns, features, predict(model, features, watch), model.window)
    return found
