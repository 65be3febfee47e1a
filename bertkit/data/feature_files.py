"""Features in memory-mapped files, cached by the content they were made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bertkit.data.cache import cached, temporary_folder
from bertkit.heads.features import Array, Features, Ragged

Value = TypeVar("Value")
KIND, COLUMNS = "features", "columns.json"


def cached_features(key: str | None, parts: Callable[[], Iterator[Features]]) -> Features:
    """The features cached under `key`; if none are, or damaged ones, those of `parts`, concatenated and cached.

    Without a key they are not cached: their files are removed with the value.
    """

    def write(folder: Path) -> None:
        with _Columns(folder) as columns:
            for part in parts():
                columns.add(part)
        (folder / COLUMNS).write_text(json.dumps(columns.plain), "utf-8")

    if key is not None:
        return cached(KIND, key, write, _mapped)
    with temporary_folder(KIND) as folder:
        write(folder)
        return _mapped(folder)


def _mapped(place: Path) -> Features:
    columns = json.loads((place / COLUMNS).read_text("utf-8"))
    arrays = {name: _array(place / column["file"], column) for name, column in columns.items()}
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
        counts=_named("counts ", arrays),
    )


def _named(start: str, found: Mapping[str, Value]) -> dict[str, Value]:
    return {name.removeprefix(start): value for name, value in found.items() if name.startswith(start)}


def _array(path: Path, column: Mapping[str, Any]) -> Any:
    shape, dtype = tuple(column["shape"]), np.dtype(column["dtype"])
    if not all(shape):  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape).view(np.ndarray)


class _Columns:
    """The arrays of features, each appended to a file part by part."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._columns: dict[str, _Column] = {}
        self._ends: dict[str, int] = {}

    def add(self, part: Features) -> None:
        """Append `part`."""
        self._add("row", part.row)
        self._add("cut", part.cut)
        for name, count in part.counts.items():
            self._add(f"counts {name}", count)
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

    def __enter__(self) -> _Columns:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Write the last offsets and close the files."""
        with ExitStack() as files:
            for column in self._columns.values():
                files.enter_context(column.file)
            for name, end in self._ends.items() if kind is None else ():
                self._add(f"{name} offsets", np.array([end], np.int64))

    @property
    def plain(self) -> dict[str, Any]:
        """Each array's file, type and shape, for JSON."""
        return {name: column.plain() for name, column in self._columns.items()}


class _Column:
    """An array in a file, appended to part by part."""

    def __init__(self, path: Path, like: Array) -> None:
        self.file = path.open("wb")
        self._path = path
        self._dtype, self._shape, self._length = like.dtype, like.shape[1:], 0

    def add(self, values: Array) -> None:
        """Append `values`."""
        self._length += len(values)
        self.file.write(np.ascontiguousarray(values, self._dtype).tobytes())

    def plain(self) -> dict[str, Any]:
        """Its file, type and shape."""
        return {"file": self._path.name, "dtype": self._dtype.str, "shape": [self._length, *self._shape]}
