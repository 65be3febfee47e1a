"""Disk and memory checks of a run, and the line that says how to resume when they fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bertkit.errors import RequestError, RunError
from bertkit.machine.memory import out_of_memory
from bertkit.runs.folder import start_id

SMALL, A_MODEL = 64 * 10**6, 10**6
"""Bytes for everything in a run's folder other than weights, and in the folder of a model that is kept on the way."""


def resume_hint(folder: Path, force: bool, before: int | None, saved: int | None = None) -> str:
    """How to resume a run that stopped with a checkpoint of update `saved`; with `force` its command would start over.

    before  the id of the old run in the folder, if it was to be backed up
    """
    if start_id(folder) in (None, before):
        return "; the run was not started: the same command starts it"
    done = f"; saved at update {saved:,}" if saved else ""
    again = "" if force else "the same command, or: "
    return f"{done}; resume with {again}bertkit resume {folder}"


@contextmanager
def describing_failures(folder: Path, hint: Callable[[], str]) -> Iterator[None]:
    """Turn a disk or memory error inside the block into a RunError that ends with the `hint` on how to resume."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or folder}: {error.strerror or error}"
        raise RunError(f"{what}{hint()}") from error
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise RunError(f"out of memory ({error}){hint()}") from error


def check_room(folder: Path, weights: int, kept: int, models: int = 0) -> str:
    """How much disk space a run needs at most, and how much is free. Raises RequestError if that is too little.

    weights  bytes of the model
    kept     bytes of the checkpoints that the folder already holds
    models   how many models are kept on the way
    """
    needed = room(weights, kept, models)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    line = f"needs up to {size(needed)} of disk space, {size(free)} free"
    if needed > free:
        raise RequestError(f"{folder} {line}; give another --out")
    return line


def room(weights: int, kept: int, models: int = 0) -> int:
    """Bytes of disk space that a run needs at most: see `check_room`."""
    # a checkpoint holds the weights and AdamW's two moments, and the newest stays until the next is written; then come
    # the model, and the best one
    return max(8 * weights + SMALL - kept, 2 * weights + SMALL) + models * (weights + A_MODEL)


def size(count: int) -> str:
    """A number of bytes with its unit."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1000:,.0f} kB"
