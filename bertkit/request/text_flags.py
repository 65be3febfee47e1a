"""The flags of `bertkit fill` and `bertkit generate`, checked. Light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict

from bertkit.errors import RequestError
from bertkit.request.flags import OfflineFlag, RevisionFlag
from bertkit.request.option import COMPUTE, OUTPUT, Option
from bertkit.request.training_flags import DeviceFlag
from bertkit.spec import Device, Exactness

INPUT, GENERATION = "Input", "Generation"
STANDARD = "-"


@dataclass(frozen=True, kw_only=True)
class TextFlags:
    """Texts in a file, and what computes."""

    file: Annotated[
        Path | None,
        Option("--file", INPUT, "One text per line; - reads stdin. JSON Lines are written, as they come."),
    ] = None
    encoding: Annotated[str | None, Option("--encoding", INPUT, "Of the file. [default: utf-8]")] = None
    revision: RevisionFlag = None
    offline: OfflineFlag = False
    device: DeviceFlag = "auto"
    precision: Annotated[
        Exactness,
        Option("--precision", COMPUTE, "bf16 takes half the memory, and its probabilities have two digits."),
    ] = "fp32"

    def check(self) -> None:
        """Raise RequestError for values that are out of range, or do not go together."""
        if self.encoding is not None and self.file is None:
            raise RequestError("--encoding: it says how --file is read: give one")
        if self.encoding is not None and str(self.file) == STANDARD:
            raise RequestError("--encoding: --file - reads UTF-8: leave it out")


@dataclass(frozen=True, kw_only=True)
class FillFlags(TextFlags):
    """How many candidates are shown."""

    top_k: Annotated[int, Option("--top-k", OUTPUT, "Candidates for each blank.")] = 5

    def check(self) -> None:
        """Raise RequestError for values that are out of range, or do not go together."""
        super().check()
        _check_least(("--top-k", self.top_k, 1))


@dataclass(frozen=True, kw_only=True)
class GenerateFlags(TextFlags):
    """How a text is continued or repaired."""

    max_new_tokens: Annotated[
        int | None,
        Option(
            "--max-new-tokens",
            GENERATION,
            "Tokens to generate at most. [default: 50; of a repair the text's own number and 20 more]",
        ),
    ] = None
    sample: Annotated[
        bool | None,
        Option(
            "--sample/--greedy",
            GENERATION,
            "Draw each token at random by its probability, or take the most probable. [default: greedy, unless an "
            "option of drawing is given]",
        ),
    ] = None
    temperature: Annotated[
        float | None,
        Option("--temperature", GENERATION, "Of the drawing: below 1 more probable tokens, above 1 more varied ones."),
    ] = None
    top_k: Annotated[
        int | None,
        Option("--top-k", GENERATION, "Draw among the K most probable tokens. [default: the model's own, else 50]"),
    ] = None
    top_p: Annotated[
        float | None,
        Option("--top-p", GENERATION, "Draw among the most probable tokens that together have this probability."),
    ] = None
    beams: Annotated[
        int | None,
        Option("--beams --num-beams", GENERATION, "Search for the most probable text with this many beams."),
    ] = None
    samples: Annotated[
        int,
        Option("--samples --num-return-sequences", GENERATION, "Texts to draw, or the best N of the beams."),
    ] = 1
    seed: Annotated[int, Option("--seed", GENERATION, "Of the drawing; each text is drawn from it alone.")] = 42

    @property
    def drawing(self) -> list[str]:
        """The options given that mean something only where tokens are drawn."""
        given = (("--temperature", self.temperature), ("--top-k", self.top_k), ("--top-p", self.top_p))
        return [flag for flag, value in given if value is not None]

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn at random."""
        several = self.samples > 1 and self.beams is None
        return bool(self.drawing or several) if self.sample is None else self.sample

    def check(self) -> None:
        """Raise RequestError for values that are out of range, or do not go together."""
        super().check()
        _check_least(
            ("--max-new-tokens", self.max_new_tokens, 1),
            ("--top-k", self.top_k, 1),
            ("--beams", self.beams, 1),
            ("--samples", self.samples, 1),
            ("--seed", self.seed, 0),
        )
        if self.seed >= 2**32:
            raise RequestError(f"--seed {self.seed}: it must be below 2**32")
        if self.temperature is not None and not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise RequestError(f"--temperature {self.temperature:g}: it must be a number above 0")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise RequestError(f"--top-p {self.top_p:g}: it must be above 0 and at most 1")
        self._check_together()

    def _check_together(self) -> None:
        if self.beams is not None and self.draws:
            named = self.drawing or ["--sample"]
            raise RequestError(f"--beams and {', '.join(named)}: a beam search draws nothing: give one of them")
        if self.sample is False and self.drawing:
            raise RequestError(f"--greedy and {', '.join(self.drawing)}: nothing is drawn then: give one of them")
        if self.samples > 1 and not self.draws and self.beams is None:
            raise RequestError(f"--greedy and --samples {self.samples}: there is one such text: give one of them")
        if self.beams is not None and self.samples > self.beams:
            raise RequestError(f"--samples {self.samples}: --beams {self.beams} finds {self.beams} at most")


class FillOptions(TypedDict, total=False):
    """The options of `bertkit fill` as keywords, for type checkers; a test compares them with the flags."""

    top_k: int
    revision: str | None
    offline: bool
    device: Device
    precision: Exactness


class GenerateOptions(TypedDict, total=False):
    """The options of `bertkit generate` as keywords, for type checkers; a test compares them with the flags."""

    max_new_tokens: int | None
    sample: bool | None
    temperature: float | None
    top_k: int | None
    top_p: float | None
    beams: int | None
    samples: int
    seed: int
    revision: str | None
    offline: bool
    device: Device
    precision: Exactness


def _check_least(*values: tuple[str, int | None, int]) -> None:
    for flag, value, least in values:
        if value is not None and value < least:
            raise RequestError(f"{flag} {value}: it must be at least {least}")
