"""The moments at which torture.py kills a process, and the faults it injects, both armed in the process itself."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

MOMENTS = {"update": 27, "save": 60, "evaluation": 6, "final write": 11, "anywhere": 2000}
"""How often each comes in every process of an uninterrupted run, at least; of "anywhere", milliseconds."""
IN_PRETRAINING = {"update": 18, "kept model": 64}
"""The same of the models that pretraining keeps on its way."""
KEPT, FINAL = "/kept/", ("model", "result", "predictions")
"""Parts of the paths of those models' files, and of files of the end of a run."""
PIECES = 8
"""Of a checkpoint's tensors: a kill finds some of them written."""
ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When process `rank` sends itself a signal: at the `count`-th time of a kind, or after `count` ms anywhere."""

    kind: str
    count: int
    signal: signal.Signals = signal.SIGKILL
    rank: int = 0

    @classmethod
    def drawn(
        cls,
        draws: random.Random,
        moments: Mapping[str, int],
        kind: str | None = None,
        sent: signal.Signals = signal.SIGKILL,
        processes: int = 1,
    ) -> Moment:
        """One of the moments, in one of the processes; the first alone writes."""
        kind = kind or draws.choice(tuple(moments))
        rank = 0 if kind in ("save", "kept model", "final write") else draws.randrange(processes)
        return cls(kind=kind, count=draws.randint(1, moments[kind]), signal=sent, rank=rank)


def armed(moment: Moment) -> Callable[[], None]:
    """What makes this process send itself the signal at that moment."""

    def arm() -> None:
        from bertkit import files
        from bertkit.evaluation import held_out, inference
        from bertkit.runs import kept_models, measuring, pretrain, pretrain_model, run, scoring
        from bertkit.training import checkpoint, checkpointer, update

        if moment.kind == "anywhere":
            signal.signal(signal.SIGALRM, lambda *given: os.kill(os.getpid(), moment.signal))
            signal.setitimer(signal.ITIMER_REAL, moment.count / 1000)
            return
        left = [moment.count]

        def tick() -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), moment.signal)

        if moment.kind == "update":
            _before(update.Updater, "_share", tick)
            _before(update.Updater, "step", tick)
        elif moment.kind == "save":
            _in_pieces(checkpoint, "save_file", tick)
            _before(checkpoint, "atomic_folder", tick)
            _before(checkpoint, "_described", tick)
            _before(checkpointer, "remove", tick)
        elif moment.kind == "evaluation":
            _before(scoring, "predict", tick)
            _before(inference, "forward", tick)  # the second process has no batch where there is but one
            _before(scoring, "score", tick)
            _before(measuring, "measure", tick)
            _before(held_out, "_summed", tick)
        elif moment.kind == "kept model":
            _before(kept_models, "atomic_folder", tick)
            _kept(pretrain_model, "save", tick)
            _kept(files, "flush", tick)
        else:
            _before(run, "save", tick)
            _final(pretrain_model, "save", tick)
            _before(pretrain, "_write", tick)
            _before(pretrain, "write_json", tick)
            _before(scoring, "save", tick)
            _before_lines(scoring, "line_writer", tick)
            for name in ("flush", "write_text"):
                _final(files, name, tick)
            _before(checkpoint, "remove", tick)  # when the result is there

    return arm


def _before(place: Any, name: str, tick: Callable[[], None]) -> None:
    plain = getattr(place, name)

    def ticking(*given: Any, **named: Any) -> Any:
        tick()
        return plain(*given, **named)

    setattr(place, name, ticking)


def _before_lines(place: Any, name: str, tick: Callable[[], None]) -> None:
    """Before each time that lines are passed to a writer of a file."""
    plain = getattr(place, name)

    @contextmanager
    def ticking(path: Path) -> Iterator[Callable[[Any], None]]:
        with plain(path) as write:

            def ticked(lines: Any) -> None:
                tick()
                write(lines)

            yield ticked

    setattr(place, name, ticking)


def _in_pieces(place: Any, name: str, tick: Callable[[], None]) -> None:
    """Before a file is written, after each of PIECES of it, and after it: safetensors writes to a temporary name."""
    plain = getattr(place, name)

    def ticking(tensors: Any, path: Path) -> None:
        tick()
        plain(tensors, path)
        content, temporary = path.read_bytes(), path.rename(path.with_name(".tmp0"))
        for k in range(PIECES + 1):
            temporary.write_bytes(content[: len(content) * k // PIECES])
            tick()
        temporary.rename(path)
        tick()

    setattr(place, name, ticking)


def _final(place: Any, name: str, tick: Callable[[], None]) -> None:
    """Before each call for a file of the end of a run."""
    _of_paths(place, name, tick, lambda path: KEPT not in path and any(part in path for part in FINAL))


def _kept(place: Any, name: str, tick: Callable[[], None]) -> None:
    """Before each call for a file of a model that is kept."""
    _of_paths(place, name, tick, lambda path: KEPT in path)


def _of_paths(place: Any, name: str, tick: Callable[[], None], those: Callable[[str], bool]) -> None:
    plain = getattr(place, name)

    def ticking(*given: Any) -> Any:
        if any(isinstance(one, Path) and those(f"{one}/") for one in given):
            tick()
        return plain(*given)

    setattr(place, name, ticking)


# Faults: a write, a rename or a flush that fails.

FAULTS = ("write", "rename", "fsync")
SIZES = 24
"""How many sizes of a disk are tried: the system itself then fails every write behind so many bytes of a file."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The `count`-th call of that kind fails with that error, and so do all after it if the disk stays full.

    Of the kind "size", no file can have more than `count` bytes.
    """

    kind: str
    count: int
    error: str
    lasting: bool

    @classmethod
    def every(cls, places: Mapping[str, int], draws: random.Random) -> list[Fault]:
        """One at every place, and one from there on; and SIZES sizes from 500 bytes, which a message has, to 500 kB."""
        sizes = (int(10 ** draws.uniform(2.7, 5.7)) for _ in range(SIZES))
        small = [cls(kind="size", count=size, error="EFBIG", lasting=True) for size in sizes]
        return small + [
            cls(kind=kind, count=count, error=draws.choice(("ENOSPC", "EIO", "EDQUOT")), lasting=lasting)
            for kind, number in places.items()
            for count in range(1, number + 1)
            for lasting in (False, True)
        ]


def faulty(fault: Fault, met: Path) -> Callable[[], None]:
    """What makes this process meet the fault, and then the file `met`; whether it met a size, only its end tells."""
    if fault.kind == "size":
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (fault.count, most))
    calls = [0]

    def tick() -> None:
        calls[0] += 1
        if calls[0] == fault.count or (fault.lasting and calls[0] > fault.count):
            met.touch()
            number = getattr(errno, fault.error)
            raise OSError(number, os.strerror(number))

    return lambda: _before_every(fault.kind, tick)


def counting(folder: Path) -> Callable[[], None]:
    """What makes this process leave a file for each kind of fault, of as many bytes as there are places for it."""

    def tick(kind: str) -> None:
        with (folder / kind).open("ab") as file:
            file.write(b".")

    def arm() -> None:
        for kind in FAULTS:
            _before_every(kind, partial(tick, kind))

    return arm


def _as_safetensors(tick: Callable[[], None]) -> None:
    """A fault, as safetensors raises it."""
    try:
        tick()
    except OSError as error:
        text = f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})"
        raise SafetensorError(text) from None


def _before_every(kind: str, tick: Callable[[], None]) -> None:
    import pyarrow

    from bertkit.data import corpus_writer, feature_files, tokens
    from bertkit.runs import folder, pretrain_model, run, scoring
    from bertkit.training import checkpoint

    if kind == "fsync":
        _before(os, "fsync", tick)
    elif kind == "rename":
        _before(Path, "rename", tick)
        _before(Path, "replace", tick)
    else:
        for place, name in (
            (pyarrow, "OSFile"),
            (feature_files._Column, "add"),
            (run, "save"),
            (corpus_writer.CorpusWriter, "add"),
            (tokens, "_blocks"),
            (pretrain_model, "save"),
        ):
            _before(place, name, tick)
        _before(checkpoint, "save_file", partial(_as_safetensors, tick))
        _before_lines(scoring, "line_writer", tick)
        _before(folder.Log, "write", tick)
        _before(Path, "write_text", tick)
