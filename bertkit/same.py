"""Whether what a run was made from is what is there now: rows, encoder, spec and versions, by their digests."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import accelerate
import torch
import transformers

from bertkit import __version__
from bertkit import model as models
from bertkit.encoders import locate_encoder
from bertkit.errors import RequestError
from bertkit.result import Result, RowCount
from bertkit.spec import Spec
from bertkit.splits import Splits

DECIDING = ("bertkit", "torch", "transformers")
"""The libraries whose version may change a result's bytes."""

ANEW = "give --force to do it anew"


def check_unchanged(result: Result, splits: Splits, folder: Path) -> None:
    """Raise RequestError if the rows, or an encoder on this machine, are others than those of a finished run."""
    for name, count in splits.counts({}).items():
        before = result.rows.get(name)
        if before is None or (before.digest, before.used) != (count.digest, count.used):
            raise RequestError(f"{folder} was finished with other rows: its {name} split has changed since; {ANEW}")
    encoder = locate_encoder(result.spec.model, result.spec.revision, weights=not result.spec.scratch)
    weights = result.encoder.get("weights")
    if encoder.folder and weights and models.weights_digest(encoder.folder) != weights:
        raise RequestError(f"{folder} was finished with other weights of {encoder.name}; {ANEW}")


def facts_of(
    spec: Spec, rows: Mapping[str, RowCount], encoder: Mapping[str, Any], versions: Mapping[str, str], device: str
) -> dict[str, Any]:
    """What a checkpoint must be continued with."""
    facts: dict[str, Any] = {f"the rows of {name}": f"{count.digest} {count.used}" for name, count in rows.items()}
    facts |= {f"the encoder's {part}": encoder.get(part) for part in ("weights", "tokenizer")}
    facts |= {name: versions[name] for name in DECIDING}
    return {"made of": {"the spec": spec.digest, **facts}, "device": device}


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> list[str]:
    """Lines a person should know; raises RequestError if a run that was begun cannot be gone on with."""
    for name, value in now["made of"].items():
        was = before["made of"].get(name)
        if was != value:
            told = f": {was} then, {value} now" if name in DECIDING else ""
            raise RequestError(
                f"{folder} was begun with something else: {name} changed{told}; "
                "`bertkit finetune` with --force starts anew, and keeps it under another name"
            )
    if before["device"] != now["device"]:
        return [f"begun on {before['device']}: the last bits may differ on {now['device']}"]
    return []


def versions() -> dict[str, str]:
    """Of bertkit and of the libraries that decide a result."""
    return {
        "bertkit": __version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "datasets": version("datasets"),
        "accelerate": accelerate.__version__,
    }
