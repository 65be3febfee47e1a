"""The temperature that a run fitted for its probabilities: found without loading the model."""

from __future__ import annotations

import json
from pathlib import Path

from bertkit.errors import RequestError
from bertkit.heads.losses import APPLIES
from bertkit.heads.temperature import temperature_in
from bertkit.runs.folder import MODEL, SPEC, damage_named
from bertkit.spec import Spec


def fitted_temperature(folder: Path, spec: Spec) -> float:
    """By what --calibrated divides the logits of the run in this folder.

    Raises RequestError, with what to type, if the run fitted none, is not finished, or gives no label a row.
    """
    if not spec.task.head.calibrates:
        raise RequestError(f"--calibrated does not apply to {spec.task.name}: it is for {APPLIES['calibrate']}")
    config = folder / MODEL / "config.json"
    if not config.is_file():
        raise RequestError(f"{folder} is not finished: it has no model yet; `bertkit resume {folder}` resumes it")
    with damage_named(config):
        found = temperature_in(json.loads(config.read_text("utf-8")))
    if found is None:
        raise RequestError(
            f"--calibrated: {folder} has no temperature: `bertkit finetune {folder / SPEC} --calibrate` trains it "
            "again and fits one, on rows held out of train for it"
        )
    return found
