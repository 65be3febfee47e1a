"""--keep-best: the model with the best score during training, selected on the rows that scored it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bertkit.files import atomic_folder, write_json
from bertkit.result import Scored
from bertkit.runs.folder import BEST

SCORE = "score.json"
NEW_BEST = f"{BEST}.new"
"""The folder of a better model until it replaces the best one."""


def kept_best(run: Path) -> Any:
    """The record of the best model in a run's folder (see `Best`); None if there is none."""
    try:
        return json.loads((run / BEST / SCORE).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def stale_best(run: Path, known: Mapping[str, Any] | None) -> list[Path]:
    """Folders to remove before a run resumes from a checkpoint whose best model is `known`."""
    return [run / NEW_BEST] if known and known == kept_best(run) else [run / NEW_BEST, run / BEST]


class Best:
    """A run's best model so far. `kept` records its step, evaluation, metric and value; None before the first.

    The value is optimistic: the model was selected on the rows that it was scored on, which is recorded too.

    The first metric of the first scored evaluation decides; of ties the earliest is best.
    """

    def __init__(self, run: Path, kept: Mapping[str, Any] | None = None) -> None:
        self.run = run
        self.kept = kept if kept == kept_best(run) else None  # else its folder is lost

    def offer(self, step: int, scored: Sequence[Scored], save: Callable[[Path], None]) -> None:
        """Call `save` to write the model into a folder, if it scored better than all before."""
        evaluation = next((one for one in scored if one.metrics), None)
        if evaluation is None:
            return
        metric, score = next(iter(evaluation.metrics.items()))
        if self.kept is not None and score.value <= self.kept["value"]:
            return
        self.kept = {"step": step, "evaluation": evaluation.name, "metric": metric, "value": score.value,
                     "optimistic": True}  # fmt: skip
        new = self.run / NEW_BEST
        shutil.rmtree(new, ignore_errors=True)
        with atomic_folder(new) as temporary:
            save(temporary)
            write_json(temporary / SCORE, self.kept)
        shutil.rmtree(self.run / BEST, ignore_errors=True)
        new.rename(self.run / BEST)
