"""The flags of `bertkit corrupt`, and the objective that they make. Light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from bertkit.errors import RequestError
from bertkit.objectives.base import Objective
from bertkit.objectives.denoise import Denoise
from bertkit.objectives.masked import Masked, Replacement, Unit
from bertkit.request.flags import OfflineFlag, RevisionFlag
from bertkit.request.objective_flags import (
    OBJECTIVE,
    MaskingUnitFlag,
    MaskReplacementFlag,
    MlmProbabilityFlag,
    NoiseRatioFlag,
)
from bertkit.request.option import DATA, OUTPUT, Option

Corruption = Literal["mlm", "mask", "delete", "infill", "permute", "rotate", "mass", "t5", "bart"]


@dataclass(frozen=True, kw_only=True)
class CorruptFlags:
    """How a text is corrupted, and what its tokens are."""

    noise: Annotated[
        Corruption,
        Option("--noise", OBJECTIVE, "mlm is masked language modelling; the others have a decoder give the text."),
    ] = "bart"
    noise_ratio: NoiseRatioFlag = None
    masking: MaskingUnitFlag = None
    mlm_probability: MlmProbabilityFlag = None
    mask_replacement: MaskReplacementFlag = None
    tokenizer: Annotated[
        str | None,
        Option(
            "--tokenizer",
            DATA,
            "Use the tokenizer of this model: a Hub id, a folder, a run, 'sample'. [default: words, punctuation marks "
            "and Chinese characters are the tokens]",
        ),
    ] = None
    revision: RevisionFlag = None
    offline: OfflineFlag = False
    seed: Annotated[int, Option("--seed", OBJECTIVE, "Of the drawing.")] = 42
    times: Annotated[int, Option("--times -n", OUTPUT, "Draw anew so often, as in so many epochs.")] = 1

    def made(self) -> Objective:
        """The objective of these flags. Raises RequestError for one that is out of range, or another noise's."""
        if self.times < 1:
            raise RequestError(f"--times {self.times}: it must be at least 1")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"--seed {self.seed}: it must be at least 0 and below 2**32")
        if self.revision is not None and self.tokenizer is None:
            raise RequestError("--revision: it is of the model that --tokenizer names: give one")
        masked: dict[str, tuple[str, Any]] = {
            "--masking": ("unit", self.masking),
            "--mlm-probability": ("probability", self.mlm_probability),
            "--mask-replacement": ("replacement", self.mask_replacement),
        }
        if self.noise == "mlm":
            if self.noise_ratio is not None:
                raise RequestError("--noise-ratio: --noise mlm has --mlm-probability in its place")
            return Masked(**{name: value for name, value in masked.values() if value is not None})
        given = [flag for flag, (_, value) in masked.items() if value is not None]
        if given:
            raise RequestError(f"{', '.join(given)}: it is for --noise mlm, and not for --noise {self.noise}")
        return Denoise(noise=self.noise, ratio=self.noise_ratio)


def check_text(text: str) -> None:
    """Raise RequestError for a text that is empty, or not Unicode."""
    if not text.strip():
        raise RequestError("the text is empty: give some words")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise RequestError("the text holds bytes that are not UTF-8, or half of a character (a surrogate)")


class CorruptOptions(TypedDict, total=False):
    """The options of `bertkit corrupt` as keywords, for type checkers; a test compares them with the flags."""

    noise: Corruption
    noise_ratio: float | None
    masking: Unit | None
    mlm_probability: float | None
    mask_replacement: Replacement | None
    tokenizer: str | None
    revision: str | None
    offline: bool
    seed: int
    times: int
