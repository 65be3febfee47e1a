"""Masked language modelling of two segments, which are told apart as well: next sentence, or sentence order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bertkit.objectives.base import Cut
from bertkit.objectives.masked import Masked

if TYPE_CHECKING:
    from bertkit.heads.features import Features
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows


@dataclass(frozen=True, kw_only=True)
class MaskedPair(Masked):
    """What both have in common: two segments of whole sentences, masked; a class for the pair."""

    @property
    def auto_models(self) -> dict[str, str]:
        """BERT and ALBERT have a head for pairs."""
        return {"bert": "BertForPreTraining", "albert": "AlbertForPreTraining"}

    @property
    def cut(self) -> Cut:
        """Whole sentences."""
        return "sentences"

    def room(self, max_length: int, pieces: Pieces) -> int:
        """What the start token and the two end tokens leave."""
        return max_length - 3

    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The pairs, masked, with their classes in the place PAIR."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class MaskedNextSentence(MaskedPair):
    """The second segment follows the first (class 0), or is of another document (class 1), half of the time each."""

    kind: Literal["mlm+nsp"] = "mlm+nsp"  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class MaskedSentenceOrder(MaskedPair):
    """Two segments that follow each other, in order (class 0), or swapped (class 1), half of the time each."""

    kind: Literal["mlm+sop"] = "mlm+sop"  # type: ignore[assignment]
