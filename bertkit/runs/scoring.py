"""Score a run's evaluations during training and at the end, and write the predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.data.encoding import Encoded
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits
from bertkit.evaluation.inference import blocks, check_finite, predict
from bertkit.evaluation.score import Answered, score, scored_apart
from bertkit.files import line_writer
from bertkit.heads.temperature import temperature_in
from bertkit.models.finish import finished
from bertkit.models.load import save
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.result import Scored
from bertkit.runs.best_model import Best
from bertkit.runs.folder import PREDICTIONS, Log
from bertkit.task import Evaluation, Task


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """Scores one run's evaluations; `best` saves the model that scored best (--keep-best)."""

    task: Task
    splits: Splits
    features: Mapping[str, Encoded]
    model: TaskModel
    log: Log
    best: Best | None

    def in_training(self, step: int) -> None:
        """Score the evaluations that have golds, without intervals, after `step` updates; log it."""
        wanted = [one for one in self.task.scored if not one.at_end and self._rows(one)]
        parts = [self._answered(one, Progress()) for one in wanted]  # the bar shows training
        self._record(step, [score(self.splits.head, part, with_intervals=False) for part in parts])

    def at_the_end(self, step: int, folder: Path, progress: Progress) -> list[Scored]:
        """Score every evaluation with intervals, log it, and write the predictions into `folder`.

        The model is one that `finish` returned.
        """
        scored, leaked = [], self.splits.leaked()
        with ExitStack() as stack:
            main = self.model.accelerator.is_main_process
            write = stack.enter_context(line_writer(folder / PREDICTIONS)) if main else None
            for one in self.task.evaluations:
                if self._rows(one):
                    answered = self._answered(one, progress, write)
                    scored.append(scored_apart(self.splits.head, answered, leaked[one.name]))
                else:
                    why = str(self.splits.evaluations[one.name])
                    scored.append(Scored(name=one.name, split=one.split, missing=why))
        self._record(step, scored)
        return scored

    def _rows(self, evaluation: Evaluation) -> Rows | None:
        rows = self.splits.evaluations[evaluation.name]
        return rows if isinstance(rows, Rows) else None

    def _answered(
        self, evaluation: Evaluation, progress: Progress, write: Callable[[list[Any]], None] | None = None
    ) -> Answered:
        """The answers to an evaluation's rows, a block after the other, each passed to `write` as lines."""
        head, rows = self.model.head, self._rows(evaluation)
        assert rows
        features = self.features[evaluation.name].all_features
        logits = predict(self.model, features, progress)
        check_finite(features, logits, rows.table.column("row_id"), evaluation.name)
        answered = Answered(head, evaluation, temperature_in(vars(self.model.network.config)))
        for columns, part, run in blocks(rows.table, features, logits):
            lines = answered.add(columns, head.decode(columns, part, run, self.model.window))
            if write:
                write(lines)
        return answered

    def _record(self, step: int, scored: list[Scored]) -> None:
        plain = {s.name: {name: one.value for name, one in s.metrics.items()} for s in scored if s.metrics}
        self.log.write({"step": step, "score": plain})
        if self.best and self.model.accelerator.is_main_process:
            at_end = {evaluation.name for evaluation in self.task.evaluations if evaluation.at_end}
            offered = [one for one in scored if one.name not in at_end]
            with finished(self.model) as model:
                self.best.offer(step, offered, lambda folder: save(model.loaded, folder))
