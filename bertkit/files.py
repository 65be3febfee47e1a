"""Atomic file writes: to a temporary name, flushed, renamed. Light."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError, one_line


def expanded(typed: str) -> Path:
    """The path, with ~ and ~name expanded to home folders. Raises RequestError if there is no such home."""
    try:
        return Path(typed).expanduser()
    except RuntimeError as error:
        raise RequestError(f"{typed}: unknown user, or one without a home folder") from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: to a temporary name, flushed, renamed."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line, atomically."""
    with line_writer(path) as write:
        write(values)


@contextmanager
def line_writer(path: Path) -> Iterator[Callable[[Iterable[Any]], None]]:
    """A function that writes values, one JSON value a line, to a file that is there once the block ends."""
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:

        def write(values: Iterable[Any]) -> None:
            file.writelines(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n" for value in values)

        yield write


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it replaces `path` when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to write to; it becomes `path`, flushed, when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for file in temporary.iterdir():
            flush(file)
        flush(temporary)
        temporary.rename(path)
        flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def os_error(error: Exception, path: Path) -> OSError:
    """The OSError that safetensors or tokenizers, written in Rust, name by its number alone: "... (os error 28)"."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    if number is None:
        return OSError(errno.EIO, one_line(error), str(path))
    return OSError(int(number[1]), os.strerror(int(number[1])), str(path))


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_DIGESTS: dict[tuple[str, int, int, int], str] = {}


def sha256_once(path: Path) -> str:
    """`sha256`, computed once in a process for a file of this inode, size and time of change. Raises OSError."""
    stat = path.stat()
    key = (str(path.absolute()), stat.st_ino, stat.st_size, stat.st_mtime_ns)
    if key not in _DIGESTS:
        _DIGESTS[key] = sha256(path)
    return _DIGESTS[key]


def flush(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
