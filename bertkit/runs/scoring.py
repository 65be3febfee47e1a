"""Score a run's evaluations during training and at the end, and write the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bertkit.data.encoding import Encoded
from bertkit.data.splits import Splits
from bertkit.evaluation.inference import check_finite, predict
from bertkit.evaluation.score import Answered, score, with_gold
from bertkit.files import write_lines
from bertkit.models.finish import finished
from bertkit.models.load import save
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.result import Scored
from bertkit.runs.best_model import Best
from bertkit.runs.folder import PREDICTIONS, Log
from bertkit.task import Task


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
        parts = self._answers(Progress(), in_training=True)  # the bar shows training
        self._record(step, [score(self.splits.head, part, with_intervals=False) for part in parts.values()])

    def at_the_end(self, step: int, folder: Path, progress: Progress) -> list[Scored]:
        """Score every evaluation with intervals, log it, and write the predictions into `folder`.

        The model is one that `finish` returned.
        """
        parts = self._answers(progress, in_training=False)
        if self.model.accelerator.is_main_process:
            write_lines(folder / PREDICTIONS, [line for part in parts.values() for line in part.lines()])
        scored = [
            score(self.splits.head, parts[e.name])
            if e.name in parts
            else Scored(name=e.name, split=e.split, missing=str(self.splits.evaluations[e.name]))
            for e in self.task.evaluations
        ]
        self._record(step, scored)
        return scored

    def _answers(self, progress: Progress, in_training: bool) -> dict[str, Answered]:
        head, parts = self.model.head, {}
        for evaluation in self.task.evaluations:
            rows = self.splits.evaluations[evaluation.name]
            if isinstance(rows, str) or (in_training and (evaluation.at_end or not evaluation.scored)):
                continue
            part = self.features[evaluation.name].all_features
            logits = predict(self.model, part, progress)
            check_finite(part, logits, rows.table["row_id"], evaluation.name)
            answers = head.decode(rows.table[:], part, logits, self.model.window)
            parts[evaluation.name] = with_gold(head, evaluation, rows.table, answers)
        return parts

    def _record(self, step: int, scored: list[Scored]) -> None:
        plain = {s.name: {name: one.value for name, one in s.metrics.items()} for s in scored if s.metrics}
        self.log.write({"step": step, "score": plain})
        if self.best and self.model.accelerator.is_main_process:
            at_end = {evaluation.name for evaluation in self.task.evaluations if evaluation.at_end}
            offered = [one for one in scored if one.name not in at_end]
            with finished(self.model) as model:
                self.best.offer(step, offered, lambda folder: save(model.loaded, folder))
