"""The flags that every `bertkit analyse` has, checked: what is read of the encoder, and where results go. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict

from bertkit.errors import RequestError
from bertkit.machine.processes import distributed
from bertkit.request.flags import OfflineFlag, RevisionFlag
from bertkit.request.keywords import Target
from bertkit.request.option import DATA, OUTPUT, Option
from bertkit.request.training_flags import DeviceFlag
from bertkit.spec import Device

ANALYSIS = "Analysis"
"""The panel of --help of what is measured."""
SHORTEST = 8
"""The least tokens of a text, special ones among them."""

DrawnSeedFlag = Annotated[int, Option("--seed", ANALYSIS, "Of all that is drawn.")]
OutFlag = Annotated[Path, Option("--out -o --output-dir", OUTPUT, "Folder in which each analysis gets its own.")]


@dataclass(frozen=True, kw_only=True)
class AnalyseFlags:
    """The flags of any analysis; one with flags of its own inherits these, and its `check` calls this one.

    max_length  tokens of a text at most, special ones counted; None is 512, or what the model sees (`Body.window`)
    layers      the layers that a figure shows, as typed; `chosen_layers` reads them
    out         folder in which each analysis gets its own
    """

    revision: RevisionFlag = None
    offline: OfflineFlag = False
    max_length: Annotated[
        int | None,
        Option(
            "--max-length --max-seq-length", DATA, "Tokens of a text at most. [default: 512, or what the model sees]"
        ),
    ] = None
    layers: Annotated[
        str | None,
        Option("--layers", ANALYSIS, "Layers to draw, commas between; 0 is the embeddings. [default: 0, middle, last]"),
    ] = None
    seed: DrawnSeedFlag = 42
    device: DeviceFlag = "auto"
    out: OutFlag = Path("runs")

    def check(self) -> None:
        """Raise RequestError for values that are out of range."""
        if self.max_length is not None and self.max_length < SHORTEST:
            raise RequestError(f"--max-length {self.max_length}: it must be at least {SHORTEST}")
        check_alone(self.seed)
        check_out(self.out)
        if self.layers is not None:
            _numbers(self.layers)


def check_alone(seed: int) -> None:
    """Raise RequestError for a seed that is out of range, or under a launcher: an analysis has one process."""
    if distributed():
        raise RequestError("bertkit analyse runs in one process: start it without a launcher")
    if not 0 <= seed < 2**32:
        raise RequestError(f"--seed {seed}: it must be at least 0 and below 2**32")


def check_out(out: Path) -> None:
    """Raise RequestError where no folder can be made, as a file has its place, or that of one above it."""
    there = next((path for path in (out, *out.parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise RequestError(f"--out {out}: {'it' if there == out else there} is no folder")


def chosen_layers(typed: str | None, last: int) -> tuple[int, ...]:
    """The layers that --layers names, of an encoder whose last is `last`; without it 0, the middle and the last.

    Raises RequestError for one that the encoder does not have.
    """
    if typed is None:
        return tuple(sorted({0, (last + 1) // 2, last}))
    found = _numbers(typed)
    if max(found) > last:
        raise RequestError(f"--layers {typed}: this encoder has {last} layers, and 0 for the embeddings")
    return found


def _numbers(typed: str) -> tuple[int, ...]:
    parts = [part.strip() for part in typed.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise RequestError(f"--layers {typed}: give numbers with commas between, such as 0,3,6")
    return tuple(sorted({int(part) for part in parts}))


class AnalyseOptions(TypedDict, total=False):
    """The options of any analysis as keywords, for type checkers; a test compares them with the flags."""

    revision: str | None
    offline: bool
    max_length: int | None
    layers: str | None
    seed: int
    device: Device
    out: Target
