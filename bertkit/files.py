"""Atomic file writes: to a temporary name, flushed, renamed. Light."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError, one_line


def expanded(typed: str) -> Path:
    """The path, with ~ and ~name as the homes they stand for. Raises RequestError if there is no such home."""
    try:
        return Path(typed).expanduser()
    except RuntimeError as error:
        raise RequestError(f"{typed}: nobody of that name has a home here") from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all: to a temporary name, flushed, renamed."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line, whole or not at all."""
    write_text(path, "".join(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n" for value in values))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; afterwards `path` is what was written there, or what it was before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        flush(beside)
        beside.replace(path)
        flush(path.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` to write to, which becomes `path` when all its files are on the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.mkdir(parents=True)
    try:
        yield beside
        for file in beside.iterdir():
            flush(file)
        flush(beside)
        beside.rename(path)
        flush(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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


def flush(path: Path) -> None:
    """Have a file, or a folder's entries, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
