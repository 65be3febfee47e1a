"""The flags of `bertkit analyse landscape`, checked. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict

from bertkit.errors import RequestError
from bertkit.request.analyse_flags import OutFlag, check_out
from bertkit.request.flags import OfflineFlag
from bertkit.request.keywords import Target
from bertkit.request.option import Option
from bertkit.request.training_flags import DeviceFlag
from bertkit.spec import Device

MEASURED = "What is measured"
"""The panel of --help."""


@dataclass(frozen=True, kw_only=True)
class LandscapeFlags:
    """The flags of a loss landscape, as given.

    rows        train rows on which the loss is measured
    steps       points from the initial weights (alpha 0) to the trained ones (alpha 1)
    fraction    of the drop of the loss: by which an interval of alpha around 1 may lie above the trained loss
    directions  random directions; 0 measures none
    epsilon     the length of a random direction, relative to the weights
    surface     whether the loss is measured on a plane, too
    seed        of the rows and of the random directions
    """

    rows: Annotated[int, Option("--rows", MEASURED, "Train rows on which the loss is measured.")] = 300
    steps: Annotated[int, Option("--steps", MEASURED, "Points from the initial to the trained weights.")] = 20
    fraction: Annotated[
        float, Option("--fraction", MEASURED, "Width: where the loss is up to this share of its drop above its end.")
    ] = 0.1
    directions: Annotated[int, Option("--directions", MEASURED, "Random directions; 0: none.")] = 10
    epsilon: Annotated[
        float, Option("--epsilon", MEASURED, "Length of a random direction, relative to the weights.")
    ] = 0.2
    surface: Annotated[
        bool, Option("--surface", MEASURED, "Also the loss on a plane, with a random second direction.")
    ] = False
    seed: Annotated[int, Option("--seed", MEASURED, "Of the rows, and of random directions.")] = 42
    offline: OfflineFlag = False
    device: DeviceFlag = "auto"
    out: OutFlag = Path("runs")

    def check(self) -> None:
        """Raise RequestError for values that are out of range."""
        for flag, count, least in (
            ("--rows", self.rows, 2),
            ("--steps", self.steps, 2),
            ("--directions", self.directions, 0),
            ("--seed", self.seed, 0),
        ):
            if count < least:
                raise RequestError(f"{flag} {count}: it must be at least {least}")
        if self.steps % 2:
            raise RequestError(f"--steps {self.steps}: it must be even, so that half of them go beyond either end")
        if not 0 < self.fraction < 1:
            raise RequestError(f"--fraction {self.fraction:g}: it must be above 0 and below 1")
        if not 0 < self.epsilon <= 10:
            raise RequestError(f"--epsilon {self.epsilon:g}: it must be above 0, and at most 10")
        if self.seed >= 2**32:
            raise RequestError(f"--seed {self.seed}: it must be below 2**32")
        check_out(self.out)


class LandscapeOptions(TypedDict, total=False):
    """The options of `bertkit analyse landscape` as keywords, for type checkers; a test compares both."""

    rows: int
    steps: int
    fraction: float
    directions: int
    epsilon: float
    surface: bool
    seed: int
    offline: bool
    device: Device
    out: Target
