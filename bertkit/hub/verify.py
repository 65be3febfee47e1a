"""Verify downloads by their hashes: huggingface_hub checks a download's size, not its bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertkit.errors import HubError
from bertkit.files import sha256


@contextmanager
def verified(what: str, storage: Path) -> Iterator[None]:
    """Check the hash of every file that the block adds to a repository's cache; removed, and HubError, if wrong."""
    before = set(_blobs(storage))
    try:
        yield
    finally:
        wrong = [blob for blob in _blobs(storage) if blob not in before and not _is_named_by_hash(blob)]
        names = sorted({name for blob in wrong for name in _removed(storage, blob)})
        if wrong:
            listed = ", ".join(names)
            raise HubError(f"{what}: {listed} arrived with a different hash than the Hub announced; removed, try again")


def _blobs(storage: Path) -> list[Path]:
    return [blob for blob in storage.glob("blobs/*") if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", blob.name)]


def _is_named_by_hash(blob: Path) -> bool:
    """Whether the hash is its name: SHA-256 for large files, git's SHA-1 of a blob for small ones."""
    start = b"blob %d\0" % blob.stat().st_size
    if len(blob.name) == 64:
        return sha256(blob) == blob.name
    with blob.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(start)).hexdigest() == blob.name


def _removed(storage: Path, blob: Path) -> list[str]:
    """Remove a blob and the links to it; the links' names."""
    names = []
    for link in (storage / "snapshots").rglob("*"):
        if link.is_symlink() and link.readlink().name == blob.name:
            names.append(link.name)
            link.unlink()
    blob.resolve().unlink(missing_ok=True)
    blob.unlink(missing_ok=True)
    return names
