"""Features in files that are mapped into memory, kept by what they were made from, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.features import Array, Features, Ragged
from bertkit.rows import cache_folder

MANIFEST = "manifest.json"
MOST = 10 * 10**9
"""Bytes of features that are kept; what was not used for the longest time goes first."""

ABANDONED = 24 * 3600.0
"""Seconds after which what another process began to write is not waited for."""


def stored(key: str | None, parts: Callable[[], Iterator[Features]]) -> Features:
    """The features kept under `key`; made of `parts`, end to end, and kept if there are none, or no whole ones.

    Without a key they are not kept: their files go with the value. Two processes may store the same at once.
    """
    root = cache_folder("features")
    if key is not None:
        found = _read(root / key)
        if found is not None:
            os.utime(root / key)
            return found
    beside = Path(tempfile.mkdtemp(prefix=".", suffix=".tmp", dir=root))
    try:
        columns = _Columns(beside)
        for part in parts():
            columns.add(part)
        columns.close()
        if key is None:
            return _mapped(beside, columns.manifest)
        (beside / MANIFEST).write_text(json.dumps(columns.manifest), "utf-8")
        _take_over(beside, root / key)
        _tidy(root, root / key)
        return _mapped(root / key, columns.manifest)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _take_over(beside: Path, place: Path) -> None:
    """Make `beside` what is kept at `place`, in place of what is damaged there; what is whole there stays."""
    try:
        beside.rename(place)
    except OSError:
        if _read(place) is None:
            shutil.rmtree(place)
            beside.rename(place)


def _read(place: Path) -> Features | None:
    """What is kept there, if it is whole: every file has the bytes that were written."""
    try:
        manifest = json.loads((place / MANIFEST).read_text("utf-8"))
        for column in manifest.values():
            with (place / column["file"]).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != column["sha256"]:
                    return None
        return _mapped(place, manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _mapped(place: Path, manifest: Mapping[str, Any]) -> Features:
    arrays = {name: _array(place / column["file"], column) for name, column in manifest.items()}
    runs = {
        name.removesuffix(" values"): Ragged(array, arrays[name.removesuffix("values") + "offsets"])
        for name, array in arrays.items()
        if name.endswith(" values")
    }
    return Features(
        row=arrays["row"],
        inputs=_named("inputs ", runs),
        targets=runs.get("targets"),
        cut=arrays["cut"],
        places=_named("places ", runs),
    )


def _named(start: str, runs: Mapping[str, Ragged]) -> dict[str, Ragged]:
    return {name.removeprefix(start): run for name, run in runs.items() if name.startswith(start)}


def _array(path: Path, column: Mapping[str, Any]) -> Any:
    shape, dtype = tuple(column["shape"]), np.dtype(column["dtype"])
    if not all(shape):  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape).view(np.ndarray)


def _tidy(root: Path, newest: Path) -> None:
    """Remove what nobody used for the longest time, above MOST bytes, and what was left half written."""
    now = time.time()
    for left in root.glob(".*.tmp"):
        with suppress(FileNotFoundError):  # another process was done with it, here and below
            if now - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
    kept = []
    for place in root.glob("[0-9a-f]*"):
        with suppress(FileNotFoundError):
            kept.append((-place.stat().st_mtime, sum(file.stat().st_size for file in place.iterdir()), place))
    total = 0
    for _, size, place in sorted(kept):
        total += size
        if total > MOST and place != newest:
            shutil.rmtree(place, ignore_errors=True)  # who has it mapped keeps it


class _Columns:
    """The arrays of features, each in a file that is added to part by part."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._columns: dict[str, _Column] = {}
        self._ends: dict[str, int] = {}

    def add(self, part: Features) -> None:
        """`part`, behind the others."""
        self._add("row", part.row)
        self._add("cut", part.cut)
        runs = {f"inputs {name}": run for name, run in part.inputs.items()}
        runs |= {f"places {name}": run for name, run in part.places.items()}
        for name, run in (runs if part.targets is None else {**runs, "targets": part.targets}).items():
            end = self._ends.get(name, 0)
            self._add(f"{name} values", run.values)
            self._add(f"{name} offsets", end + run.offsets[:-1])
            self._ends[name] = end + int(run.offsets[-1])

    def _add(self, name: str, values: Array) -> None:
        if name not in self._columns:
            self._columns[name] = _Column(self._place / str(len(self._columns)), values)
        self._columns[name].add(values)

    def close(self) -> None:
        """No more parts come."""
        for name, end in self._ends.items():
            self._add(f"{name} offsets", np.array([end], np.int64))
        for column in self._columns.values():
            column.file.close()

    @property
    def manifest(self) -> dict[str, Any]:
        """What each file holds."""
        return {name: column.plain() for name, column in self._columns.items()}


class _Column:
    """An array in a file, added to part by part."""

    def __init__(self, path: Path, like: Array) -> None:
        self.file = path.open("wb")
        self._path = path
        self._dtype, self._shape, self._length = like.dtype, like.shape[1:], 0
        self._digest = hashlib.sha256()

    def add(self, values: Array) -> None:
        """`values`, behind the others."""
        text = np.ascontiguousarray(values, self._dtype).tobytes()
        self._length += len(values)
        self._digest.update(text)
        self.file.write(text)

    def plain(self) -> dict[str, Any]:
        """Its file, what it holds, and its hash."""
        return {
            "file": self._path.name, "dtype": self._dtype.str, "shape": [self._length, *self._shape],
            "sha256": self._digest.hexdigest(),
        }  # fmt: skip
