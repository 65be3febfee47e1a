"""One writer per run: a lock file next to the run's folder."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError


def check_out(out: Path) -> None:
    """Raise RequestError if no folder can be created at `out`, because part of the path is a file."""
    there = next((path for path in (out, *out.parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise RequestError(f"--out {out}: {there} is a file, not a folder")


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold the run's lock inside the block. Raises RequestError that names the process that holds it already.

    The lock is the system's, on a file next to the folder, released when its process ends. Not by filelock (which would
    add Windows): it records no holder, so most of this would stay, and its import takes 35 ms.
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
