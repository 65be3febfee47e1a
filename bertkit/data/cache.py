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
"""The most bytes of a kind; the least recently used entries are evicted first."""

ABANDONED = 24 * 3600.0
"""Seconds after which a temporary folder counts as left by a killed process."""


def cache_folder(kind: str) -> Path:
    """The folder of one kind: in BERTKIT_CACHE, ~/.cache/bertkit, or (without a home) the system's temporary folder."""
    from tempfile import gettempdir

    try:
        home = Path.home() / ".cache"
    except RuntimeError:
        home = Path(gettempdir())
    return Path(os.environ.get("BERTKIT_CACHE") or home / "bertkit") / kind


def cached(kind: str, key: str, make: Callable[[Path], None], read: Callable[[Path], Value]) -> Value:
    """What `read` maps from the entry of `key`, once its files' hashes are verified.

    `make` fills a new entry if there is none, or if it is damaged. Processes and users may share the cache: if an entry
    cannot be written there, it is made in a temporary folder; an entry evicted while it is mapped stays readable.
    """
    root = cache_folder(kind)
    with suppress(OSError):  # removed by another process meanwhile
        if _is_intact(root / key):
            return read(root / key)
    with temporary_folder(kind) as temporary:
        with _naming(temporary.parent):
            make(temporary)
        hashes = {file.name: sha256(file) for file in temporary.iterdir()}
        (temporary / MANIFEST).write_text(json.dumps(hashes), "utf-8")
        found = read(temporary)
        with suppress(OSError):
            _install(temporary, root / key)
    _evict(root, root / key)
    return found


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """A temporary folder in the cache of that kind; in the system's if the cache is not writable."""
    from tempfile import mkdtemp
    from uuid import uuid4

    temporary = cache_folder(kind) / f".{uuid4().hex}.tmp"
    try:
        temporary.mkdir(parents=True)
    except OSError:
        temporary = Path(mkdtemp(prefix="bertkit-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _naming(root: Path) -> Iterator[None]:
    """Name `root` in an OSError that names no file, as pyarrow's do not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(root)
        raise


def _is_intact(place: Path) -> bool:
    try:
        hashes = json.loads((place / MANIFEST).read_text("utf-8"))
        intact = all(sha256(place / name) == digest for name, digest in hashes.items())
    except (OSError, ValueError, AttributeError):
        return False
    with suppress(OSError):  # another user's, or read-only
        os.utime(place)
    return intact


def _install(temporary: Path, place: Path) -> None:
    """Move `temporary` to `place`, replacing a damaged entry; an intact one stays."""
    if place.exists() and not _is_intact(place):
        with temporary_folder(place.parent.name) as aside:
            place.rename(aside / "damaged")
    temporary.rename(place)


def _evict(root: Path, newest: Path) -> None:
    """Remove the least recently used entries above MOST bytes, and temporary folders left by killed processes."""
    now = time.time()
    for left in root.glob(".*.tmp"):
        with suppress(OSError):  # another process removed it, here and below; or it is another user's
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
