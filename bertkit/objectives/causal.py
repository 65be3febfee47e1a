"""Causal language modelling: each token is predicted from those before it (Radford et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bertkit.objectives.base import Objective

if TYPE_CHECKING:
    from bertkit.heads.features import Features
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows


@dataclass(frozen=True, kw_only=True)
class Causal(Objective):
    """The target of a token is the one after it; that of a row's last token is none.

    Nothing is random. "the old sea" gives the targets "old", "sea", none.
    """

    kind: Literal["causal"] = "causal"

    @property
    def auto_models(self) -> dict[str, str]:
        """GPT-2's language model."""
        return {"gpt2": "GPT2LMHeadModel"}

    @property
    def needs_mask(self) -> bool:
        """No token is masked."""
        return False

    def room(self, max_length: int, pieces: Pieces) -> int:
        """All of it: no special tokens are added."""
        return max_length

    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The rows as they are, each token with the next as its target."""
        import numpy as np

        from bertkit.heads.features import IGNORED, Features, Ragged

        texts = rows.texts(which)
        tokens = texts.tokens
        following = np.roll(tokens.values, -1).astype(np.int32)
        following[tokens.offsets[1:] - 1] = IGNORED
        return Features(
            row=texts.row,
            inputs={"input_ids": tokens},
            targets=Ragged(following, tokens.offsets),
            cut=np.zeros(len(texts.row), np.bool_),
        )
