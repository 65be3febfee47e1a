"""Provenance: check that rows, encoder, spec and versions still match a run's digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import accelerate
import torch
import transformers

from bertkit import __version__
from bertkit.data.splits import Splits
from bertkit.encoders import locate_encoder
from bertkit.errors import RequestError
from bertkit.models.digests import digests_of
from bertkit.models.load import fetch
from bertkit.result import Result
from bertkit.spec import RunOptions, Spec
from bertkit.training.checkpoint import State

DECIDING = ("bertkit", "torch", "transformers")
"""Packages whose version may change a result's bytes."""


def check_unchanged(
    result: Result, splits: Splits, source: Spec, folder: Path, advice: str = "rerun with --force"
) -> None:
    """Raise RequestError, with `advice`, if rows or encoder of `source` changed since the run in `folder` finished."""
    counts = splits.counts({})
    for name in {**counts, **result.rows}:
        before, count = result.rows.get(name), counts.get(name)
        if before is None or count is None or (before.digest, before.used) != (count.digest, count.used):
            raise RequestError(f"the {name} rows changed since {folder} finished; {advice}")
    encoder = locate_encoder(source.model, source.revision, weights=not source.scratch)
    found, commit = fetch(encoder, weights=not source.scratch)
    if commit and commit == result.encoder.get("commit"):
        return  # of which not every file need be on this machine
    for part, digest in digests_of(found, source.scratch).items():
        if result.encoder.get(part, digest) != digest:
            what = "weights" if part == "weights" else "config or tokenizer"
            raise RequestError(f"the {what} of {encoder.name} changed since {folder} finished; {advice}")


def facts_of(
    spec: Spec, splits: Splits, encoder: Mapping[str, Any], versions: Mapping[str, str], device: str
) -> dict[str, Any]:
    """What must be unchanged for a checkpoint to be resumed, and the device, which may change."""
    facts: dict[str, Any] = {f"the rows of {n}": f"{rows.digest} {len(rows)}" for n, rows in splits.rows.items()}
    facts |= {f"the encoder's {part}": encoder.get(part) for part in ("weights", "tokenizer", "config")}
    facts |= {name: versions[name] for name in DECIDING}
    return {"made of": {"the spec": spec.digest, **facts}, "device": device}


def check_peers(first: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise RequestError if this process has another spec, rows, encoder or libraries than the first."""
    for name in {**first["made of"], **own["made of"]}:
        if first["made of"].get(name) != own["made of"].get(name):
            what = {"the spec": "--device, --precision and paths", "the corpus": "files"}
            same = what.get(name, "rows, encoder and libraries")
            raise RequestError(f"{name}: not the same in every process; give all of them the same {same}")


def check_resumable(
    before: Mapping[str, Any], now: Mapping[str, Any], folder: Path, command: str = "finetune"
) -> list[str]:
    """Notes for the user; raises RequestError if the stopped run in `folder` cannot be resumed."""
    for name in {**now["made of"], **before["made of"]}:
        was, value = (facts["made of"].get(name) for facts in (before, now))
        if was != value:
            versions = f" from {was} to {value}" if name in DECIDING else ""
            raise RequestError(
                f"{folder} cannot be resumed: {name} changed{versions}; "
                f"`bertkit {command}` with --force starts over, and renames the old folder"
            )
    if before["device"] != now["device"]:
        return [f"started on {before['device']}: the last bits may differ on {now['device']}"]
    return []


def saved_options(options: RunOptions) -> dict[str, Any]:
    """The options that a checkpoint saves, so that a resumed run has them."""
    return {name: getattr(options, name) for name in ("keep_best", "keep_adapter", "max_memory", "floor")}


def restored_options(options: RunOptions, state: State | None, recorded: Mapping[str, Any] | None = None) -> RunOptions:
    """The options of a run that is resumed: those given now, else those it was started with.

    They are read from its checkpoint `state`, else as they were `recorded` before there was one.
    """
    saved = state.facts if state else recorded or {}
    return replace(
        options,
        keep_best=options.keep_best or saved.get("keep_best", False),
        keep_adapter=options.keep_adapter or saved.get("keep_adapter", False),
        max_memory=options.max_memory or saved.get("max_memory"),
        floor=options.floor and saved.get("floor", True),
    )


def versions() -> dict[str, str]:
    """Versions of bertkit and of the libraries that affect a result."""
    return {
        "bertkit": __version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "datasets": version("datasets"),
        "accelerate": accelerate.__version__,
    }
