"""The models that a pretraining run keeps on its way: plain model folders, by update."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bertkit.files import atomic_folder

KEPT = "kept"
"""The folder of a run that holds them."""


def log_spaced(updates: int) -> frozenset[int]:
    """0, 1, 2, 3, 4, 6, 8, 11, 16, ...: the powers of the root of 2, rounded, below `updates`; and `updates`."""
    powers = {round(2 ** (k / 2)) for k in range(2 * updates.bit_length() + 1)}
    return frozenset({0, 1, updates, *(power for power in powers if power < updates)})


@dataclass(frozen=True, kw_only=True)
class KeptModels:
    """Saves the model after each of these updates.

    save    writes the model into a folder
    writes  whether this process is the one that writes
    """

    run: Path
    save: Callable[[Path], None]
    updates: frozenset[int]
    writes: bool

    def offer(self, step: int, sync: Callable[[], object]) -> None:
        """Save the model after `step` updates, if it is one of those that are kept; an earlier one is replaced.

        sync  brings its weights up to date
        """
        if step in self.updates and self.writes:
            sync()
            place = self.run / KEPT / f"step-{step:09d}"
            shutil.rmtree(place, ignore_errors=True)
            with atomic_folder(place) as temporary:
                self.save(temporary)


def remove_after(run: Path, step: int) -> None:
    """Remove the models of updates after `step`, which will be made again, and temporary folders."""
    for place in (run / KEPT).glob("*"):
        number = place.name.removeprefix("step-")
        if not number.isdigit() or int(number) > step:
            shutil.rmtree(place, ignore_errors=True)


def kept_in(run: Path) -> list[tuple[int, Path]]:
    """The updates whose models a run has kept, and their folders, in order."""
    named = [(place.name.removeprefix("step-"), place) for place in (run / KEPT).glob("step-*")]
    return sorted((int(number), place) for number, place in named if number.isdigit())
