"""Corrupt a text as an objective of pretraining does, and show it before and after, with the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bertkit.deploy.text_row import Vocabulary, Words
from bertkit.errors import RequestError
from bertkit.heads.features import IGNORED
from bertkit.objectives.base import Objective
from bertkit.objectives.denoise import Denoise
from bertkit.objectives.rows import Draws
from bertkit.request.corrupt_flags import CorruptFlags, check_text

LEAST = {"delete": "and one token is always left", "rotate": "which rotated is itself"}
"""Noises that do nothing to one token, and why."""


@dataclass(frozen=True, kw_only=True)
class Corrupted:
    """A text with the noise of one draw.

    before, after  the text, and what the model reads
    target         what it should give: a text; or of `mlm` each token that is predicted, behind what the model reads
                   in its place
    before_tokens, after_tokens, target_tokens   the same as tokens; of `mlm` None where nothing is predicted
    marks          the mask token and sentinels in it
    """

    before: str
    after: str
    target: str
    before_tokens: tuple[str, ...]
    after_tokens: tuple[str, ...]
    target_tokens: tuple[str | None, ...]
    marks: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        return asdict(self)


def corrupt(text: str, flags: CorruptFlags) -> list[Corrupted]:
    """The text corrupted as often as asked for, as in so many epochs of a run.

    Its tokens are words, or those of the tokenizer. Raises RequestError if this noise can do nothing to the text, or
    needs a token that the tokenizer lacks; EncoderError for a tokenizer that cannot be read.
    """
    objective = flags.made()
    check_text(text)
    if flags.tokenizer is None:
        vocabulary: Vocabulary = Words(text)
    else:
        from bertkit.deploy.text_tokenizer import Tokens

        vocabulary = Tokens(text, flags.tokenizer, flags.revision)
    check_length(vocabulary, objective)
    return [_corrupted(vocabulary, objective, Draws(flags.seed, time)) for time in range(flags.times)]


def check_length(vocabulary: Vocabulary, objective: Objective) -> None:
    """Raise RequestError if the text is too short for the noise."""
    noise = objective.noise if isinstance(objective, Denoise) else ""
    if noise == "permute" and len(vocabulary.row.begins) == 1:
        raise RequestError("--noise permute shuffles sentences, and the text is one: give at least two")
    if noise in LEAST and len(vocabulary.row.tokens) == 1:
        raise RequestError(f"--noise {noise}: the text is one token, {LEAST[noise]}: give at least two")


def _corrupted(vocabulary: Vocabulary, objective: Objective, draws: Draws) -> Corrupted:
    pieces, row = vocabulary.pieces, vocabulary.row
    features = objective.corrupt(row, np.zeros(1, np.int64), draws, pieces)
    assert features.targets is not None
    seen, target = features.inputs["input_ids"][0].tolist(), features.targets[0].tolist()
    predicted = IGNORED in target or not isinstance(objective, Denoise)
    marks = [token for token in dict.fromkeys([*seen, *target]) if token in {pieces.mask, *pieces.sentinels}]
    return Corrupted(
        before=vocabulary.text(row.tokens),
        after=vocabulary.text(seen),
        target=_pairs(vocabulary, seen, target) if predicted else vocabulary.text(target),
        before_tokens=tuple(vocabulary.names(row.tokens)),
        after_tokens=tuple(vocabulary.names(seen)),
        target_tokens=tuple(None if token == IGNORED else vocabulary.names([token])[0] for token in target),
        marks=tuple(vocabulary.names(marks)),
    )


def _pairs(vocabulary: Vocabulary, seen: Sequence[int], target: Sequence[int]) -> str:
    """What the model reads and what it should give in its place, for each token that is predicted."""
    pairs = [(one, gold) for one, gold in zip(seen, target, strict=True) if gold != IGNORED]
    return "  ".join(" → ".join(vocabulary.names(pair)) for pair in pairs)
