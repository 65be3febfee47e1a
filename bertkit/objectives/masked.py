"""Masked language modelling: hidden tokens are predicted from the text around them (Devlin et al. 2019, 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bertkit.errors import RequestError
from bertkit.objectives.base import Objective

if TYPE_CHECKING:
    from bertkit.heads.features import Features, Ragged
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows

Unit = Literal["subword", "whole-word", "span", "ngram"]
Replacement = Literal["80-10-10", "mask", "random"]


@dataclass(frozen=True, kw_only=True)
class Masked(Objective):
    """A share of the tokens is predicted; what the model sees in their place is drawn for each.

    probability  the share of a row's tokens that are predicted, rounded (for spans: up), at least one; special tokens
                 do not count, and are never predicted
    unit         what is chosen: tokens (Devlin et al. 2019); whole words; spans of 1 to 10 words, their lengths
                 geometric (SpanBERT, Joshi et al. 2020); or n-grams of 1 to 3 words, n with a probability proportional
                 to 1/n (ALBERT, Lan et al. 2020). A word is predicted whole or not at all: one with more tokens than
                 are left of the share is passed over, so that a row of long words may have a few targets less, or none
    replacement  80 % mask token, 10 % a random token, 10 % left as it is: drawn for each token, but for all of a
                 span at once (SpanBERT); or always one of the first two
    static       whether a row is masked alike in every epoch

    Three of eleven words, spans at most as long:

    >>> import numpy as np
    >>> from bertkit.heads.features import Ragged
    >>> from bertkit.objectives.rows import Draws, Pieces
    >>> names = np.array("- [MASK] a bird in the hand is worth two bush".split())
    >>> pieces = Pieces(special=np.arange(11) < 2, continues=np.zeros(11, bool), mask=1)
    >>> row = Ragged(np.array([2, 3, 4, 5, 6, 7, 8, 9, 4, 5, 10]), np.array([0, 11]))
    >>> seen, targets = Masked(probability=0.25).masked(row, np.array([0]), Draws(42, 0), pieces)
    >>> print(*names[seen.values])
    a bird [MASK] the [MASK] is worth [MASK] in the bush
    >>> print(*names[np.maximum(targets.values, 0)])
    - - in - hand - - two - - -
    >>> seen, targets = Masked(probability=0.25, unit="span").masked(row, np.array([0]), Draws(42, 0), pieces)
    >>> print(*names[seen.values])
    a [MASK] [MASK] [MASK] hand is worth two in the bush
    >>> print(*names[np.maximum(targets.values, 0)])
    - bird in the - - - - - - -
    """

    kind: Literal["mlm"] = "mlm"
    probability: float = 0.15
    unit: Unit = "subword"
    replacement: Replacement = "80-10-10"
    static: bool = False

    def __post_init__(self) -> None:
        """Raise RequestError for a probability out of range."""
        if not 0 < self.probability < 1:
            raise RequestError(f"--mlm-probability {self.probability:g}: it must be above 0 and below 1")

    @property
    def auto_models(self) -> dict[str, str]:
        """The encoders' masked language models."""
        return {
            "bert": "BertForMaskedLM",
            "roberta": "RobertaForMaskedLM",
            "albert": "AlbertForMaskedLM",
            "modernbert": "ModernBertForMaskedLM",
        }

    @property
    def needs_mask(self) -> bool:
        """Unless all tokens are replaced by random ones."""
        return self.replacement != "random"

    def room(self, max_length: int, pieces: Pieces) -> int:
        """What the start and end token leave."""
        from bertkit.objectives.sequences import specials_of

        return max_length - specials_of(1, pieces)

    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The rows between a start and an end token, masked. Raises RequestError if a mask token is needed."""
        import numpy as np

        from bertkit.heads.features import Features
        from bertkit.objectives.sequences import framed

        texts = rows.texts(which)
        tokens, _ = framed([texts.tokens], pieces)
        inputs, targets = self.masked(tokens, texts.row, self.draws(draws), pieces)
        return Features(
            row=texts.row, inputs={"input_ids": inputs}, targets=targets, cut=np.zeros(len(texts.row), np.bool_)
        )

    def draws(self, draws: Draws) -> Draws:
        """These, or those of the first epoch where a row is masked alike in every epoch."""
        return replace(draws, epoch=0) if self.static else draws

    def masked(self, tokens: Ragged, rows: Indices, draws: Draws, pieces: Pieces) -> tuple[Ragged, Ragged]:
        """What the model sees in place of these tokens, whose rows are `rows`, and the targets."""
        from bertkit.objectives.choose import chosen
        from bertkit.objectives.replacements import replaced

        spans = chosen(tokens, self.unit, self.probability, rows, draws, pieces)
        return replaced(tokens, spans, self.replacement, self.unit == "span", rows, draws, pieces)
