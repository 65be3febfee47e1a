"""Checkpoints: everything needed to resume, written atomically.

A checkpoint is a folder with tensors, facts, and a manifest of what both must be. It is written under another name,
flushed, and renamed; one whose manifest does not agree is passed over.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bertkit.errors import RequestError, RunError
from bertkit.files import os_error, sha256, whole_folder

CHECKPOINTS = "checkpoints"
TENSORS, FACTS, MANIFEST = "tensors.safetensors", "facts.json", "manifest.json"
SCHEMA = 3
"""Of what a checkpoint holds: one with another is not read."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A run between two updates: tensors by name, and facts as JSON has them."""

    tensors: dict[str, Tensor]
    facts: Mapping[str, Any]

    @property
    def step(self) -> int:
        """How many updates were made."""
        return int(self.facts["step"])

    def under(self, start: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, by the rest of them."""
        return {name.removeprefix(start): one for name, one in self.tensors.items() if name.startswith(start)}

    def release(self) -> None:
        """Let the tensors go: they may be three times the weights, and hold a file that was removed."""
        self.tensors.clear()

    def copied(self) -> State:
        """The same, on the CPU, in memory of its own."""
        tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in self.tensors.items()}
        return State(tensors=tensors, facts=self.facts)


def write(run: Path, state: State) -> Path:
    """Write a checkpoint into a run's folder, whole or not at all; the folder it is in. Raises OSError."""
    place = run / CHECKPOINTS / f"step-{state.step:09d}"
    shutil.rmtree(place, ignore_errors=True)  # a damaged one
    with whole_folder(place) as temporary:
        (temporary / FACTS).write_text(json.dumps(dict(state.facts)), "utf-8")
        _save_tensors(state.tensors, temporary / TENSORS)
        shutil.copymode(temporary / FACTS, temporary / TENSORS)  # safetensors' files are the user's alone
        files = {name: _described(temporary / name) for name in (FACTS, TENSORS)}
        (temporary / MANIFEST).write_text(json.dumps({"schema": SCHEMA, "files": files}, indent=1), "utf-8")
    return place


def newest(run: Path, passed_over: Callable[[str], None]) -> State | None:
    """The newest whole checkpoint of a run; None if it has none. `passed_over` is told of those that are damaged.

    Raises RequestError if it was written by another version.
    """
    for place in reversed(checkpoints_in(run)):
        trouble = damage(place)
        if trouble is None:
            return read(place)
        passed_over(f"{place} is passed over: {trouble}")
    return None


def read(place: Path) -> State:
    """A whole checkpoint."""
    facts = json.loads((place / FACTS).read_text("utf-8"))
    return State(tensors=load_file(place / TENSORS), facts=facts)


def damage(place: Path) -> str | None:
    """What is wrong with a checkpoint, in words; None if it is whole.

    Raises RequestError for another version's, and RunError if the disk does not give it out: it may be whole.
    """
    try:
        with _given_out(place / MANIFEST):
            manifest = json.loads((place / MANIFEST).read_text("utf-8"))
        schema, files = manifest["schema"], dict(manifest["files"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return f"its {MANIFEST} cannot be read"
    if schema != SCHEMA:
        raise RequestError(f"{place} was written by another version of bertkit: schema {schema}, not {SCHEMA}")
    for name, mark in files.items():
        try:
            with _given_out(place / name):
                found = _described(place / name)
        except FileNotFoundError:
            return f"it has no {name}"
        if found != mark:
            return f"its {name} is not what was written"
    return None if set(files) == {TENSORS, FACTS} else f"its {MANIFEST} names other files"


@contextmanager
def _given_out(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        way = f"try again, or remove {path.parent} to go on without it"
        raise RunError(f"{path} cannot be read ({error.strerror}): {way}") from error


def remove(run: Path, keep: Path | None = None) -> None:
    """Remove a run's checkpoints, and what an interrupted write left, but for `keep`."""
    folder = run / CHECKPOINTS
    for place in folder.glob("*") if folder.is_dir() else ():
        if place != keep:
            shutil.rmtree(place, ignore_errors=True)
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)


def checkpoints_in(run: Path) -> list[Path]:
    folder = run / CHECKPOINTS
    return sorted(place for place in folder.glob("step-*") if re.fullmatch(r"step-\d{9,}", place.name))


def _described(path: Path) -> dict[str, Any]:
    """What the manifest says of a file: its size in bytes, and its SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def _save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write contiguous tensors on the CPU that share no memory. Raises OSError."""
    try:
        save_file(dict(tensors), path)
    except SafetensorError as error:
        raise os_error(error, path) from error
