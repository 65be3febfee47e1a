"""Denoising: an encoder reads a corrupted text, and a decoder gives the text, or what is missing in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bertkit.errors import RequestError
from bertkit.objectives.base import Objective

if TYPE_CHECKING:
    from bertkit.heads.features import Features
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows

Noise = Literal["mask", "delete", "infill", "permute", "rotate", "mass", "t5", "bart"]


@dataclass(frozen=True, kw_only=True)
class Denoise(Objective):
    """What the encoder reads is the text with this noise (Lewis et al. 2020; MASS: Song et al. 2019; T5: Raffel 2020).

    ratio  the share of the tokens that noise affects; None is that of its paper
    """

    kind: Literal["denoise"] = "denoise"
    noise: Noise = "bart"
    ratio: float | None = None

    def __post_init__(self) -> None:
        """Raise RequestError for a ratio out of range."""
        if self.ratio is not None and not 0 < self.ratio < 1:
            raise RequestError(f"--noise-ratio {self.ratio:g}: it must be above 0 and below 1")

    @property
    def auto_models(self) -> dict[str, str]:
        """T5 has the sentinels of its own noise; BART has a mask token, which the others need."""
        if self.noise == "t5":
            return {"t5": "T5ForConditionalGeneration"}
        return {"bart": "BartForConditionalGeneration"}

    def room(self, max_length: int, pieces: Pieces) -> int:
        """What the start and end token leave."""
        return max_length - 2

    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The rows with noise, and the decoder's targets."""
        raise NotImplementedError
