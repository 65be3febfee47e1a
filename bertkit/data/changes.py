"""Notice that a file changes while it is read. Light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bertkit.errors import DataError

Marks = Mapping[Path, tuple[int, int, int]]
"""For each file its size in bytes, its time of change in nanoseconds, and its number on the disk."""


def marks_of(paths: Iterable[Path]) -> Marks:
    """What tells that a file is the same as before. Raises DataError for a file that is not there."""
    return {path: _mark(path, "there is no such file") for path in paths}


def refuse_changed(before: Marks) -> None:
    """Raise DataError if a file is gone or another since its mark was taken."""
    for path, mark in before.items():
        now = _mark(path, "it vanished while it was read: start again once it is back")
        if now != mark:
            sizes = f"from {mark[0]:,} to {now[0]:,} bytes" if now[0] != mark[0] else "though not its size"
            raise DataError(f"{path}: it changed while it was read ({sizes}): start again once it is complete")


def _mark(path: Path, missing: str) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise DataError(f"{path}: {missing}") from error
    return found.st_size, found.st_mtime_ns, found.st_ino
