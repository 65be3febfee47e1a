"""A content-addressed disk cache; entries are written atomically."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from bertkit.files import sha256

Value = TypeVar("Value")

MANIFEST = "manifest.json"
MOST = 10 * 10**9
"""Bytes that are kept of a kind; what was not used for the longest time goes first."""

ABANDONED = 24 * 3600.0
"""Seconds after which what another process began to write is not waited for."""


def cache_folder(kind: str) -> Path:
    """The folder of one kind: below BERTKIT_CACHE, or ~/.cache/bertkit, or the system's own for who has no home."""
    from tempfile import gettempdir

    try:
        home = Path.home() / ".cache"
    except RuntimeError:
        home = Path(gettempdir())
    return Path(os.environ.get("BERTKIT_CACHE") or home / "bertkit") / kind


def kept(kind: str, key: str, make: Callable[[Path], None], read: Callable[[Path], Value]) -> Value:
    """What `read` maps from the folder kept under `key`, whose files have the bytes that were written.

    `make` fills a new one if there is none. Processes, and users, may share the cache: what cannot be kept there is
    made and mapped all the same, and what is removed while somebody has it mapped stays with them.
    """
    root = cache_folder(kind)
    with suppress(OSError):  # removed by another process meanwhile
        if _whole(root / key):
            return read(root / key)
    with passing(kind) as beside:
        with _named(beside.parent):
            make(beside)
        marks = {file.name: sha256(file) for file in beside.iterdir()}
        (beside / MANIFEST).write_text(json.dumps(marks), "utf-8")
        found = read(beside)
        with suppress(OSError):
            _take_over(beside, root / key)
    _tidy(root, root / key)
    return found


@contextmanager
def passing(kind: str) -> Iterator[Path]:
    """A folder of that kind, which is gone afterwards; where that cannot be written, one of the system's."""
    from tempfile import mkdtemp
    from uuid import uuid4

    beside = cache_folder(kind) / f".{uuid4().hex}.tmp"
    try:
        beside.mkdir(parents=True)
    except OSError:
        beside = Path(mkdtemp(prefix="bertkit-"))
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _named(root: Path) -> Iterator[None]:
    """What fails there says so: pyarrow's errors name no file."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(root)
        raise


def _whole(place: Path) -> bool:
    try:
        marks = json.loads((place / MANIFEST).read_text("utf-8"))
        whole = all(sha256(place / name) == mark for name, mark in marks.items())
    except (OSError, ValueError, AttributeError):
        return False
    with suppress(OSError):  # somebody else's, or read-only
        os.utime(place)
    return whole


def _take_over(beside: Path, place: Path) -> None:
    """Make `beside` what is kept at `place`, in place of what is damaged there; what is whole there stays."""
    if place.exists() and not _whole(place):
        with passing(place.parent.name) as aside:
            place.rename(aside / "damaged")
    beside.rename(place)


def _tidy(root: Path, newest: Path) -> None:
    """Remove what nobody used for the longest time, above MOST bytes, and what was left half written."""
    now = time.time()
    for left in root.glob(".*.tmp"):
        with suppress(OSError):  # another process was done with it, here and below; or it is another user's
            if now - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
    there = []
    for place in root.glob("[0-9a-f]*"):
        with suppress(OSError):
            there.append((-place.stat().st_mtime, sum(file.stat().st_size for file in place.iterdir()), place))
    total = 0
    for _, size, place in sorted(there):
        total += size
        if total > MOST and place != newest:
            shutil.rmtree(place, ignore_errors=True)
