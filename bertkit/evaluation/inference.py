"""Features -> logits -> answers, in fp32; every row once, in the rows' order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate.utils import gather_object

from bertkit.data.encoding import BLOCK, ahead, blocks_of, counted, rows_cut
from bertkit.data.sampler import Indices, by_length
from bertkit.data.table import Columns, Table
from bertkit.errors import DivergedError
from bertkit.evaluation.logits import Logits, lengths_of, runs_of
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

T = TypeVar("T")


def predict(model: TaskModel, features: Features, progress: Progress) -> Ragged:
    """Logits of every feature, in order, on every process, without padding: one run per feature.

    They are divided by the model's temperature, in float64: fp32 may make two of a row equal that were not.
    """
    head, accelerator = model.head, model.accelerator
    network = model.network.to(accelerator.device)
    network.eval()
    ranked = list(by_length(features.lengths, BUDGET))
    mine = ranked[accelerator.process_index :: accelerator.num_processes]
    progress.phase("predicting", sum(map(len, mine)))
    readable = readable_inputs(network)
    whole = Logits(lengths_of(head, features))
    found: list[tuple[Indices, list[Any]]] = []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(fast_linear(network))
        if model.layout.packed:
            stack.enter_context(unpadded(network, head.per_token))
        for indices in mine:
            part = features.take(indices)
            logits = forward(network, head, model.batch(part), readable).float().cpu().numpy()
            batch = runs_of(head, part, logits)
            if accelerator.num_processes > 1:
                found.append((indices, batch))
            else:
                whole.put(indices, batch)
            progress.advance(len(indices))
    for indices, batch in gather_object(found) if accelerator.num_processes > 1 else ():
        whole.put(indices, batch)
    found_all = whole.whole()
    if model.temperature == 1:
        return found_all
    return Ragged(found_all.values.astype(np.float64) / model.temperature, found_all.offsets)


@dataclass
class Tally:
    """What was counted while rows were answered."""

    rows: int = 0
    cut: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def lines(self) -> list[str]:
        """Notes on the rows for the user."""
        return RowCount(used=self.rows, there=self.rows, cut=self.cut, counted=self.counts).lines


class BlockProgress(Progress):
    """The progress over a block of rows, which may have several features each, as that of a phase over all rows."""

    def __init__(self, progress: Progress, rows: int) -> None:
        self._progress, self._rows = progress, rows
        self._features = self._done = 0

    def phase(self, name: str, total: int) -> None:
        """The block has `total` features."""
        self._features = max(total, 1)

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        """`steps` more of its features are done."""
        before = self._rows * self._done // self._features
        self._done += steps
        rows = self._rows * self._done // self._features - before
        self._progress.advance(rows, examples=rows)


def answers(model: TaskModel, rows: Table | Columns, progress: Progress) -> tuple[list[Answer], list[str]]:
    """The answer to each row, in the rows' order, and notes on the rows for the user.

    Golds are not read. Raises DivergedError if the model's logits are not finite.
    """
    if isinstance(rows, Table):
        ids = ["row_id"] if "row_id" in rows.column_names else []
        rows = rows.select_columns([*model.head.roles[:-1], *ids])
    progress.phase("predicting", len(rows if isinstance(rows, Table) else rows[model.head.roles[0]]))
    tally = Tally()
    blocks = ((None, columns) for columns in blocks_of(rows))
    return [one for _, found in in_blocks(model, blocks, progress, tally) for one in found], tally.lines


def in_blocks(
    model: TaskModel, blocks: Iterable[tuple[T, Columns]], progress: Progress, tally: Tally
) -> Iterator[tuple[T, list[Answer]]]:
    """The answers to each block's rows, in their order, which the `tally` counts. Raises as `answers` does.

    `progress` advances by rows, in a phase that has been started.
    """
    head = model.head
    for block, columns, features in ahead(head, blocks, model.loaded.tokenizer, model.window):
        if features is None:
            yield block, []
            continue
        count = len(columns[head.roles[0]])
        logits = predict(model, features, BlockProgress(progress, count))
        check_finite(features, logits, columns.get("row_id") or range(tally.rows + 1, tally.rows + count + 1))
        tally.rows += count
        tally.cut += rows_cut(features)
        tally.counts.update(counted(features))
        yield block, head.decode(columns, features, logits, model.window)


def blocks(table: Table, features: Features, logits: Ragged) -> Iterator[tuple[Columns, Features, Ragged]]:
    """Rows in blocks, each with its features, whose `row` counts from the block's first, and their logits."""
    starts = np.arange(0, len(table), BLOCK)
    firsts = np.searchsorted(features.row, [*starts, len(table)])
    for start, first, end in zip(starts, firsts, firsts[1:], strict=False):
        picked = np.arange(first, end)
        part = features.take(picked)
        yield table[start : start + BLOCK], replace(part, row=part.row - start), logits.take(picked)


def check_finite(features: Features, logits: Ragged, names: Sequence[object], evaluation: str = "") -> None:
    """Raise DivergedError, naming the first row with a NaN or infinite logit."""
    bad = ~np.isfinite(logits.values).all(axis=1)
    if bad.any():
        rows = np.unique(features.row[np.repeat(np.arange(len(logits)), logits.lengths)[bad]])
        of = f" of evaluation {evaluation}" if evaluation else ""
        raise DivergedError(
            f"the model's logits are not finite for {len(rows):,} of {len(names):,} rows{of} (first: row "
            f"{names[rows[0]]}); its weights are damaged, or training diverged: train with a smaller --learning-rate"
        )
