"""Task heads: rows -> features, logits -> answers, losses. A task names one of them."""

from __future__ import annotations

from bertkit.heads.base import FROM_TRAIN, Answer, FromTrain, Head, Labels, Row
from bertkit.heads.choice import MultipleChoice
from bertkit.heads.classification import Classification
from bertkit.heads.multi_label import MultiLabel
from bertkit.heads.numbers import Number
from bertkit.heads.span import Span
from bertkit.heads.tagging import Tagging
from bertkit.heads.window import Window

__all__ = [
    "FROM_TRAIN",
    "Answer",
    "Classification",
    "FromTrain",
    "Head",
    "Labels",
    "MultiLabel",
    "MultipleChoice",
    "Number",
    "Row",
    "Span",
    "Tagging",
    "Window",
]
