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
"""A better one, until it takes the place of the best."""


def kept_best(run: Path) -> Any:
    """What a run's folder holds as its best model, as JSON has it; None if it holds none."""
    try:
        return json.loads((run / BEST / SCORE).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def stale_best(run: Path, known: Mapping[str, Any] | None) -> list[Path]:
    """What is no best model of a run that goes on from a checkpoint, which knows of that one."""
    return [run / NEW_BEST] if known and known == kept_best(run) else [run / NEW_BEST, run / BEST]


class Best:
    """A run's best model so far: `kept` says of which update, and its score, as JSON has it; None before the first.

    The first metric of the first evaluation that is scored decides; of equals the earliest.
    """

    def __init__(self, run: Path, kept: Mapping[str, Any] | None = None) -> None:
        self.run = run
        self.kept = kept if kept == kept_best(run) else None  # that one was lost

    def offer(self, step: int, scored: Sequence[Scored], save: Callable[[Path], None]) -> None:
        """Have `save` write the model into a folder, if it scored better than any before."""
        evaluation = next(one for one in scored if one.metrics)
        metric, score = next(iter(evaluation.metrics.items()))
        if self.kept is not None and score.value <= self.kept["value"]:
            return
        self.kept = {"step": step, "evaluation": evaluation.name, "metric": metric, "value": score.value}
        new = self.run / NEW_BEST
        shutil.rmtree(new, ignore_errors=True)
        with atomic_folder(new) as beside:
            save(beside)
            write_json(beside / SCORE, self.kept)
        shutil.rmtree(self.run / BEST, ignore_errors=True)
        new.rename(self.run / BEST)
