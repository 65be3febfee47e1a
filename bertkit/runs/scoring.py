"""Scoring a run's evaluations: on the way, and at its end, where the predictions are written too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator

from bertkit.data.encoding import Encoded
from bertkit.data.splits import Splits
from bertkit.evaluation.inference import check_finite, predict
from bertkit.evaluation.score import Answered, score, with_gold
from bertkit.files import write_lines
from bertkit.heads import Window
from bertkit.models.layout import Laid
from bertkit.models.load import Loaded
from bertkit.progress import Watch
from bertkit.result import Scored
from bertkit.runs.folder import PREDICTIONS
from bertkit.task import Task


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What every scoring of one run needs."""

    task: Task
    splits: Splits
    features: Mapping[str, Encoded]
    loaded: Loaded
    laid: Laid
    window: Window
    accelerator: Accelerator

    def on_the_way(self) -> list[Scored]:
        """The scored evaluations, without intervals; training is what is watched."""
        return [score(self.splits.head, part, sure=False) for part in self._answers(Watch(), on_the_way=True).values()]

    def at_the_end(self, folder: Path, watch: Watch) -> list[Scored]:
        """Every evaluation with its intervals; the predictions are written into `folder`."""
        parts = self._answers(watch, on_the_way=False)
        if self.accelerator.is_main_process:
            write_lines(folder / PREDICTIONS, [line for part in parts.values() for line in part.lines()])
        return [
            score(self.splits.head, parts[e.name])
            if e.name in parts
            else Scored(name=e.name, split=e.split, missing=str(self.splits.evaluations[e.name]))
            for e in self.task.evaluations
        ]

    def _answers(self, watch: Watch, on_the_way: bool) -> dict[str, Answered]:
        head, parts = self.splits.head, {}
        for evaluation in self.task.evaluations:
            rows = self.splits.evaluations[evaluation.name]
            if isinstance(rows, str) or (on_the_way and not evaluation.scored):
                continue
            part = self.features[evaluation.name].whole
            logits = predict(self.loaded, head, part, self.accelerator, watch, self.laid)
            check_finite(part, logits, rows.table["row_id"], evaluation.name)
            answers = head.decode(rows.table[:], part, logits, self.window)
            parts[evaluation.name] = with_gold(head, evaluation, rows.table, answers)
        return parts


def headlines(scored: list[Scored]) -> dict[str, dict[str, float]]:
    """Each evaluation's metrics as plain numbers."""
    return {s.name: {name: score.value for name, score in s.metrics.items()} for s in scored if s.metrics}
