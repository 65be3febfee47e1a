"""Features -> logits -> answers, in fp32; every row once, in the rows' order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object

from bertkit.data.encoding import ahead, counted, rows_cut
from bertkit.data.sampler import by_length
from bertkit.data.table import Columns, Table
from bertkit.errors import RunError
from bertkit.heads import Answer
from bertkit.heads.features import Features, Ragged
from bertkit.kernels.linear import fast_linear
from bertkit.kernels.unpadded import unpadded
from bertkit.models.forward import forward, readable_inputs
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.result import RowCount

BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""


def predict(model: TaskModel, features: Features, progress: Progress) -> Ragged:
    """Logits of every feature, in order, on every process, without padding: one run per feature."""
    head, accelerator = model.head, model.accelerator
    network = model.network.to(accelerator.device)
    network.eval()
    ranked = list(by_length(features.lengths, BUDGET))
    mine = ranked[accelerator.process_index :: accelerator.num_processes]
    progress.phase("predicting", len(mine))
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
            progress.advance()
    if accelerator.num_processes > 1:
        found = gather_object(found)
    runs = [run for _, run in sorted(found, key=lambda pair: pair[0])]
    assert len(runs) == len(features)
    return Ragged.of(runs, "float32", width=runs[0].shape[1])


def answers(model: TaskModel, rows: Table | Columns, progress: Progress) -> tuple[list[Answer], list[str]]:
    """The answer to each row, in the rows' order, and notes on the rows for the user.

    Golds are not read. Raises RunError if the model's logits are not finite.
    """
    head = model.head
    if isinstance(rows, Table):
        ids = ["row_id"] if "row_id" in rows.column_names else []
        rows = rows.select_columns([*head.roles[:-1], *ids])
    found: list[Answer] = []
    cut, counts = 0, Counter[str]()
    for columns, features in ahead(head, rows, model.loaded.tokenizer, model.window):
        logits = predict(model, features, progress)
        block = len(columns[head.roles[0]])
        check_finite(features, logits, columns.get("row_id") or range(len(found) + 1, len(found) + block + 1))
        cut += rows_cut(features)
        counts.update(counted(features))
        found += head.decode(columns, features, logits, model.window)
    return found, RowCount(used=len(found), there=len(found), cut=cut, counted=counts).lines


def check_finite(features: Features, logits: Ragged, names: Sequence[object], evaluation: str = "") -> None:
    """Raise RunError, naming the first row with a NaN or infinite logit."""
    bad = ~np.isfinite(logits.values).all(axis=1)
    if bad.any():
        rows = np.unique(features.row[np.repeat(np.arange(len(logits)), logits.lengths)[bad]])
        of = f" of evaluation {evaluation}" if evaluation else ""
        raise RunError(
            f"the model's logits are not finite for {len(rows):,} of {len(names):,} rows{of} (first: row "
            f"{names[rows[0]]}); its weights are damaged, or training diverged: train with a smaller --learning-rate"
        )
