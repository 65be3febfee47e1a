"""What a file asks for, as a value. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bertkit.request.labels_guess import Named, named
from bertkit.request.own_flags import HeadName


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What is predicted, and how its cells are read.

    why        the reason, as text
    labels     the labels' names with their rows, over all splits; none of a number or an answer
    separator, indicators, written   as Source has them
    scheme     of chunk tags
    no_answer  whether questions may have no answer
    by_text    whether the right one of several choices is given by its text
    width      numbers of a vector, where rows are vectors
    by_chars   whether answers are compared by characters, as text without spaces is
    """

    head: HeadName
    why: str
    labels: Named = field(default_factory=lambda: named({}))
    separator: str | None = None
    indicators: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    scheme: str | None = None
    no_answer: bool = False
    by_text: bool = False
    width: int | None = None
    by_chars: bool = False
