"""Objectives: how a text becomes its own label in pretraining. Light: numpy comes late."""

from bertkit.objectives.base import Objective
from bertkit.objectives.causal import Causal
from bertkit.objectives.denoise import Denoise
from bertkit.objectives.masked import Masked
from bertkit.objectives.pairs import MaskedNextSentence, MaskedSentenceOrder

OBJECTIVES: dict[str, type[Objective]] = {
    "mlm": Masked,
    "mlm+nsp": MaskedNextSentence,
    "mlm+sop": MaskedSentenceOrder,
    "causal": Causal,
    "denoise": Denoise,
}
"""Each objective's class, by its name in files and on the command line."""

__all__ = ["OBJECTIVES", "Objective"]
