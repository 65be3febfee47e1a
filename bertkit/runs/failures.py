"""Disk and memory checks of a run, and the line that says how to resume when they fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bertkit.errors import RequestError, RunError
from bertkit.machine.memory import out_of_memory
from bertkit.runs.folder import start_id

SMALL = 64 * 10**6
"""Bytes for everything in a run's folder that is no weights."""


def resume_hint(folder: Path, force: bool, before: int | None, kept: int | None = None) -> str:
    """What a person does after a run was stopped, `kept` up to an update; `force`, typed again, would begin anew.

    before  what was begun in the folder, if it was to be put aside
    """
    if start_id(folder) in (None, before):
        return "; nothing was begun"
    done = f"; update {kept:,} is kept" if kept else ""
    again = "" if force else "the same command goes on, and so does: "
    return f"{done}; {again}bertkit resume {folder}"


@contextmanager
def describing_failures(folder: Path, way: Callable[[], str]) -> Iterator[None]:
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
