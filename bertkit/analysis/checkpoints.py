"""The models that a pretraining run has kept, with the tokens that each had seen, and what was measured of each. Light.

K kept models.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError
from bertkit.files import write_json
from bertkit.models.digests import files_digest, weights_digest
from bertkit.objectives.masked import Masked
from bertkit.pretraining import PretrainSpec
from bertkit.progress import Progress
from bertkit.runs.folder import LOG, RESULT, damage_named, read_log
from bertkit.runs.kept_models import kept_in
from bertkit.runs.pretrain_folder import read_pretrain_spec, recorded_updates

PARTS = "embryology"
"""The folder of a run with what was measured of its kept models."""


@dataclass(frozen=True, kw_only=True)
class KeptModel:
    """A model of a run: the updates it has had, the tokens it has seen in them, and its folder."""

    step: int
    tokens: int
    folder: Path


@dataclass(frozen=True, kw_only=True)
class KeptRun:
    """A pretraining run of a masked language model, and the models it has kept, the untrained one first.

    updates   of the whole run
    finished  whether it has been trained to its end
    """

    folder: Path
    spec: PretrainSpec
    models: tuple[KeptModel, ...]
    updates: int
    finished: bool

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        if self.finished:
            return ()
        last = self.models[-1].step
        return (f"not finished: the models up to update {last:,} of {self.updates:,}; every 'final' is of the last",)


def kept_run(folder: Path) -> KeptRun:
    """The run in `folder`; one that is still training counts up to its last kept model.

    Raises RequestError if it is none, no masked language model, or has kept no models.
    """
    spec = read_pretrain_spec(folder)
    if not isinstance(spec.objective, Masked):
        raise RequestError(
            f"{folder}: its objective is {spec.objective.kind}, and words are masked for a masked language model: "
            "take a run of mlm, mlm+nsp or mlm+sop"
        )
    kept = kept_in(folder)
    if not kept:
        raise RequestError(f"{folder} has kept no models of its training: pretrain with --keep log")
    if kept[0][0]:
        raise RequestError(f"{folder}: the untrained model, of step 0, is missing: the others are compared with it")
    seen = _tokens_seen(folder)
    lacking = next((step for step, _ in kept if step not in seen), None)
    if lacking is not None:
        raise RequestError(f"{folder / LOG} has no line of update {lacking:,}, whose model is kept")
    return KeptRun(
        folder=folder,
        spec=spec,
        models=tuple(KeptModel(step=step, tokens=seen[step], folder=place) for step, place in kept),
        updates=recorded_updates(folder) or kept[-1][0],
        finished=(folder / RESULT).is_file(),
    )


def _tokens_seen(folder: Path) -> dict[int, int]:
    """The tokens seen up to each update."""
    if not (folder / LOG).is_file():
        return {0: 0}
    with damage_named(folder / LOG):
        return {0: 0, **{int(line["step"]): int(line["tokens"]) for line in read_log(folder) if "tokens" in line}}
    raise AssertionError


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What was measured of each kept model, in files, so that it is not measured again.

    folder  of what is measured: its name ends in a digest of the rows and of how it is measured
    """

    folder: Path

    def of(self, model: KeptModel, make: Callable[[], dict[str, Any]], progress: Progress) -> dict[str, Any]:
        """What `make` measures of the model; read from its file if that is of the same model."""
        path = self.folder / f"{model.folder.name}.json"
        digest = f"{weights_digest(model.folder)} {files_digest(model.folder)}"
        found: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            found = json.loads(path.read_text("utf-8"))
        if found.get("model") == digest:
            return found
        if found:
            progress.note(f"{model.folder} has changed since it was measured: it is measured again")
        found = {"model": digest, **make()}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(path, found)
        return found
