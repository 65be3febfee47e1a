"""A run's folder: who writes there, whether there is room, its log, and what is put aside."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError, RunError
from bertkit.memory import out_of_memory
from bertkit.result import SPEC

SMALL = 64 * 10**6
"""Bytes for everything in a run's folder that is no weights."""


def check_out(out: Path) -> None:
    """Raise RequestError if no folder can be made at `out`, because something on its way is a file."""
    there = next((path for path in (out, *out.parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise RequestError(f"--out {out}: {there} is a file, not a folder")


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Inside, no other process writes this run. Raises RequestError that says who does.

    The lock is the system's, on a file beside the folder, and gone with the process that holds it.
    """
    new = not folder.parent.exists()
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f".{folder.name}.lock")
    with _locked(path) as file:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M}")
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            if new:
                with suppress(OSError):  # it holds something now
                    folder.parent.rmdir()


@contextmanager
def _locked(path: Path) -> Iterator[Any]:
    while True:
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                who = file.read() or "another process"
                run = path.with_name(path.name[1:].removesuffix(".lock"))
                raise RequestError(f"{run} is being written by {who}: wait for it, or stop it") from error
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return


def begun(folder: Path) -> int | None:
    """Which beginning of a run the folder holds; None if none was."""
    spec = folder / SPEC
    return spec.stat().st_ino if spec.is_file() else None


def way_on(folder: Path, force: bool, before: int | None, kept: int | None = None) -> str:
    """What a person does after a run was stopped, `kept` up to an update; `force`, typed again, would begin anew.

    before  what was begun in the folder, if it was to be put aside
    """
    if begun(folder) in (None, before):
        return "; nothing was begun"
    done = f"; update {kept:,} is kept" if kept else ""
    again = "" if force else "the same command goes on, and so does: "
    return f"{done}; {again}bertkit resume {folder}"


@contextmanager
def in_words(folder: Path, way: Callable[[], str]) -> Iterator[None]:
    """Inside, a disk or a memory that fails a run ends in a RunError that says the `way` on."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or folder}: {error.strerror or error}"
        raise RunError(f"{what}{way()}") from error
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise RunError(f"out of memory ({error}){way()}") from error


def check_room(folder: Path, weights: int, kept: int) -> str:
    """How much of the disk a run needs at most, and how much is free, in words. Raises RequestError if it can't fit.

    `weights` are the bytes of the model, `kept` those of its checkpoints that are there.
    """
    # a checkpoint holds the weights and AdamW's two moments, and the newest stays until the next is written; then come
    # the model, and the best one
    needed = max(8 * weights + SMALL - kept, 2 * weights + SMALL)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    words = f"{size(needed)} of the disk at most, {size(free)} are free"
    if needed > free:
        raise RequestError(f"{folder} does not fit: it needs {words}; give another --out")
    return words


def size(count: int) -> str:
    """Bytes in words."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1000:,.0f} kB"


def put_aside(folder: Path) -> Path:
    """Give a folder another name, which is returned: its own with .before, or .before-2 and so on."""
    for k in range(1, 10_000):
        aside = folder.with_name(f"{folder.name}.before{f'-{k}' if k > 1 else ''}")
        if not aside.exists():
            folder.rename(aside)
            return aside
    raise RequestError(f"{folder}.before and thousands more are there: remove some")


class Log:
    """log.jsonl while it is written, a JSON object a line; only the main process writes."""

    def __init__(self, path: Path, writes: bool, kept: int = 0) -> None:
        """The first `kept` bytes of what is there stay, and it goes on behind them."""
        self.file = None
        if writes:
            path.touch()
            self.file = path.open("r+", encoding="utf-8")
            self.file.truncate(min(kept, path.stat().st_size))
            self.file.seek(0, os.SEEK_END)

    def write(self, line: dict[str, Any]) -> None:
        """One more line."""
        if self.file:
            self.file.write(json.dumps(line) + "\n")
            self.file.flush()

    def kept(self) -> int:
        """How many bytes it has, which are on the disk now."""
        if self.file is None:
            return 0
        os.fsync(self.file.fileno())
        return self.file.tell()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if self.file:
            if kind is None:
                self.kept()  # before the result is there, which makes the run a finished one
            self.file.close()
