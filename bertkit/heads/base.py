"""What the heads share: labels, answers, windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]
FromTrain = Literal["from train"]
FROM_TRAIN: FromTrain = "from train"


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number from `low` to `high` instead of a label: regression."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """A spec that was written and read again has the same digests: 0 and 0.0 would not."""
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))


Labels = tuple[str, ...] | Number | FromTrain
"""Label names in the model's order; or a number; or the names found in the train rows, sorted."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How much a model sees at once.

    max_length         tokens of a feature at most, special ones counted
    doc_stride         tokens that two windows of one document share (Hugging Face's sense)
    max_answer_length  tokens of an answer at most
    null_threshold     "no answer" if its score beats the best span's by more than this (in logits)
    """

    max_length: int = 128
    doc_stride: int = 128
    max_answer_length: int = 30
    null_threshold: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model says of a row.

    value   a label's name; a number; a tag for each word (None where the model did not see it); or a
            stretch of the document ("" for no answer)
    scores  a probability for each label; for each tag its own; for a span "n_best", the best stretches
            with their shares of probability, and "no_answer", by how many logits it beats the best span
    """

    value: Any
    scores: Mapping[str, Any] = field(default_factory=dict)


_ONE = {"words": "word", "questions": "question", "answers": "answer", "have": "has", "are": "is"}


def count_line(name: str, count: int) -> str:
    """What a feature's count says: "words have no token", counted once, is "1 word has no token"."""
    words = name.split()
    subject = [_ONE.get(word, word) for word in words[:3]] if count == 1 else words[:3]
    return " ".join([f"{count:,}", *subject, *words[3:]])
