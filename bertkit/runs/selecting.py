"""Select in a run on rows that are never scored: the update whose model is kept, the threshold and temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bertkit.data.encoding import Encoded
from bertkit.data.rows import Rows
from bertkit.data.splits import SELECTION
from bertkit.evaluation.calibration import best_temperature, codes_of, mean_log_loss, temperature_interval
from bertkit.evaluation.inference import check_finite, predict
from bertkit.evaluation.score import Answered, score
from bertkit.heads import Answer
from bertkit.heads.features import Ragged
from bertkit.heads.temperature import TEMPERATURE
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.result import selected_lines
from bertkit.runs.folder import Log
from bertkit.spec import Spec
from bertkit.training.early_stopping import EarlyStopping
from bertkit.training.pruning import Stopping


@dataclass(frozen=True, kw_only=True)
class Selecting:
    """Scores a model on the selection rows, by the first metric of the task's first scored evaluation."""

    spec: Spec
    rows: Rows
    features: Encoded
    model: TaskModel
    log: Log

    @property
    def metric(self) -> str:
        """The name of the metric."""
        return self.spec.task.scored[0].metrics[0]

    def stopping(self) -> EarlyStopping | None:
        """What keeps the best weights, and stops training early, if the recipe asks for it."""
        recipe, every = self.spec.recipe, self.spec.eval_every
        if not recipe.keeps_best or every is None:
            return None
        return EarlyStopping(score=self.score, every=every, patience=recipe.early_stopping or math.inf)

    def score(self, step: int) -> float:
        """The score of the model after `step` updates; logged."""
        value = self._score(self.model, self._answers(self.model))
        self.log.write({"step": step, SELECTION: {self.metric: value}})
        return value

    def tuned(self, model: TaskModel) -> tuple[TaskModel, float]:
        """A finished model with the threshold that is best for the selection rows, in its config too; and its score."""
        golds = [model.head.gold(row) for row in self.rows.table]
        model = replace(model, head=model.head.tuned(golds, self._answers(model)))
        model.head.configure(model.network.config)
        return model, self._score(model, self._answers(model))

    def tempered(self, model: TaskModel) -> dict[str, Any]:
        """The temperature of a finished model's probabilities, in its config too, its interval, and both losses.

        The temperature is None where none is best.
        """
        golds = codes_of((model.head.gold(row) for row in self.rows.table), model.head.label_names)
        logits = np.asarray(self._logits(model).values, np.float64)
        temperature = best_temperature(logits, golds)
        if temperature is None:
            return {"temperature": None}
        setattr(model.network.config, TEMPERATURE, temperature)
        losses = [mean_log_loss(logits, golds, one) for one in (1.0, temperature)]
        low, high = temperature_interval(logits, temperature)
        return {
            "temperature": temperature,
            "temperature low": low, "temperature high": high if math.isfinite(high) else None,
            "log loss": losses[0], "log loss with it": losses[1],
        }  # fmt: skip

    def _logits(self, model: TaskModel) -> Ragged:
        features = self.features.all_features
        logits = predict(model, features, Progress())  # the bar shows training
        check_finite(features, logits, self.rows.table.column("row_id"), SELECTION)
        return logits

    def _answers(self, model: TaskModel) -> list[Answer]:
        return model.head.decode(self.rows.table[:], self.features.all_features, self._logits(model), model.window)

    def _score(self, model: TaskModel, answers: list[Answer]) -> float:
        answered = Answered(model.head, self.spec.task.scored[0])
        answered.add(self.rows.table[:], answers)
        return float(score(model.head, answered, with_intervals=False).metrics[self.metric].value)


def finished_selecting(
    selecting: Selecting, stopping: Stopping | None, model: TaskModel, progress: Progress
) -> tuple[TaskModel, dict[str, Any]]:
    """The finished model with the threshold that is asked for, and what was selected, for the result; noted.

    Where an answer is one label, that has the temperature of its probabilities, which no answer depends on.
    """
    found: dict[str, Any] = {"rows": len(selecting.rows), "metric": selecting.metric}
    if stopping:
        found |= stopping.found
    if selecting.spec.recipe.threshold == "auto":
        model, value = selecting.tuned(model)
        threshold = model.head.threshold  # type: ignore[attr-defined]  # of heads that take the flag
        found |= {"threshold": threshold, "value with it": value}
    if model.head.calibrates:
        found |= selecting.tempered(model)
    for line in selected_lines(found):
        progress.note(line)
    return model, found
