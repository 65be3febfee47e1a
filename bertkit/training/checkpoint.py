"""Checkpoints: everything needed to resume, written atomically.

A checkpoint is a folder with tensors, facts, and a manifest of their sizes and hashes. It is written to a temporary
folder, flushed, and renamed; one that does not match its manifest is skipped.
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
from bertkit.files import atomic_folder, os_error, sha256

CHECKPOINTS = "checkpoints"
TENSORS, FACTS, MANIFEST = "tensors.safetensors", "facts.json", "manifest.json"
SCHEMA = 3
"""The version of a checkpoint's contents; others are not read."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A run's state between two updates: tensors by name, and facts for JSON."""

    tensors: dict[str, Tensor]
    facts: Mapping[str, Any]

    @property
    def step(self) -> int:
        """The number of updates done."""
        return int(self.facts["step"])

    def under(self, start: str) -> dict[str, Tensor]:
        """The tensors whose names begin with the prefix `start`, without it."""
        return {name.removeprefix(start): one for name, one in self.tensors.items() if name.startswith(start)}

    def release(self) -> None:
        """Free the tensors: they may be three times the weights, and keep a removed file mapped."""
        self.tensors.clear()

    def copied(self) -> State:
        """A copy on the CPU: contiguous tensors that share no memory."""
        tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in self.tensors.items()}
        return State(tensors=tensors, facts=self.facts)


def write(run: Path, state: State) -> Path:
    """Write a checkpoint into a run's folder atomically; returns the checkpoint's folder. Raises OSError."""
    place = run / CHECKPOINTS / f"step-{state.step:09d}"
    shutil.rmtree(place, ignore_errors=True)  # a damaged one
    with atomic_folder(place) as temporary:
        (temporary / FACTS).write_text(json.dumps(dict(state.facts)), "utf-8")
        _save_tensors(state.tensors, temporary / TENSORS)
        shutil.copymode(temporary / FACTS, temporary / TENSORS)  # safetensors' files are the user's alone
        files = {name: _described(temporary / name) for name in (FACTS, TENSORS)}
        (temporary / MANIFEST).write_text(json.dumps({"schema": SCHEMA, "files": files}, indent=1), "utf-8")
    return place


def newest(run: Path, skipped: Callable[[str], None]) -> State | None:
    """The newest intact checkpoint of a run; None if it has none. `skipped` is called with a line for each damaged one.

    Raises RequestError if it was written by another version.
    """
    for place in reversed(checkpoints_in(run)):
        trouble = damage(place)
        if trouble is None:
            return read(place)
        skipped(f"{place} is damaged and skipped: {trouble}")
    return None


def read(place: Path) -> State:
    """Read an intact checkpoint."""
    facts = json.loads((place / FACTS).read_text("utf-8"))
    return State(tensors=load_file(place / TENSORS), facts=facts)


def damage(place: Path) -> str | None:
    """What is wrong with a checkpoint; None if it is intact.

    Raises RequestError for another version's, and RunError if the disk fails to read it: it may be intact.
    """
    try:
        with _naming_failures(place / MANIFEST):
            manifest = json.loads((place / MANIFEST).read_text("utf-8"))
        schema, files = manifest["schema"], dict(manifest["files"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return f"its {MANIFEST} cannot be read"
    if schema != SCHEMA:
        raise RequestError(f"{place} was written by another version of bertkit: schema {schema}, not {SCHEMA}")
    for name, expected in files.items():
        try:
            with _naming_failures(place / name):
                found = _described(place / name)
        except FileNotFoundError:
            return f"it has no {name}"
        if found != expected:
            return f"its {name} has changed since it was written"
    return None if set(files) == {TENSORS, FACTS} else f"its {MANIFEST} names other files"


@contextmanager
def _naming_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        way = f"try again, or remove {path.parent} to resume without it"
        raise RunError(f"{path} cannot be read ({error.strerror}): {way}") from error


def remove(run: Path, keep: Path | None = None) -> None:
    """Remove a run's checkpoints but `keep`, and the temporary folders of interrupted writes."""
    folder = run / CHECKPOINTS
    for place in folder.glob("*") if folder.is_dir() else ():
        if place != keep:
            shutil.rmtree(place, ignore_errors=True)
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)


def checkpoints_in(run: Path) -> list[Path]:
    """The folders of a run's checkpoints, oldest first."""
    folder = run / CHECKPOINTS
    return sorted(place for place in folder.glob("step-*") if re.fullmatch(r"step-\d{9,}", place.name))


def size_of(run: Path) -> int:
    """Bytes of a run's checkpoints."""
    return sum(file.stat().st_size for file in run.glob(f"{CHECKPOINTS}/*/*"))


def _described(path: Path) -> dict[str, Any]:
    """A file's entry in the manifest: its size in bytes and its SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def _save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write contiguous tensors on the CPU that share no memory. Raises OSError."""
    try:
        save_file(dict(tensors), path)
    except SafetensorError as error:
        raise os_error(error, path) from error
