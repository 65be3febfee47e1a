"""What a head predicts, by the names of `--head`. Light."""

from __future__ import annotations

from bertkit.heads.base import Head
from bertkit.heads.numbers import Number
from bertkit.heads.span import Span


def name_of(head: Head) -> str:
    """The name that `--head` has for it: regression, chunk-tagging, qa, or else its kind."""
    if isinstance(head, Span):
        return "qa"
    if isinstance(head.labels, Number):
        return "regression"
    return "chunk-tagging" if head.chunk_scheme else head.kind
