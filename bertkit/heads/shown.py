"""What of a row and its answer is shown to people: texts with marked segments, how wrong the answer is, and pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bertkit.heads.base import Answer

Mark = Literal["", "both", "answer", "gold"]
"""What a segment of text is: neither, right (gold and answer), the answer alone (wrong), or the gold alone (missed)."""

NOT_GIVEN, NOT_GOLD = "(not given)", "(not gold)"
"""In `confusion_pairs`: the answer to a label that was missed, and the gold of a wrong one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A segment of a text, its mark, and where it has labels its answer and its gold."""

    text: str
    mark: Mark = ""
    answer: str = ""
    gold: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One text of a row: its name, and its segments, which are the text when joined."""

    name: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A row with its answer.

    parts         its texts; () where the row is not there
    answer, gold  as text; "" where the segments are marked with them
    note          how wrong the answer is, and its probability
    """

    parts: tuple[Part, ...]
    answer: str = ""
    gold: str = ""
    note: str = ""


class Shows:
    """How a head's rows and answers are shown; a head that says nothing has its texts and its answers as they are."""

    if TYPE_CHECKING:  # of the head

        @property
        def roles(self) -> tuple[str, ...]: ...

    def error(self, gold: Any, answer: Answer) -> float:
        """How wrong an answer is, 0 where it is right: rows are ranked by it."""
        return float(answer.value != gold)

    def shown(self, row: Mapping[str, Any], gold: Any, answer: Answer) -> Shown:
        """The row, {} where it is not there, with its gold and its answer."""
        return Shown(parts=plain_parts(row, self.roles[:-1]), answer=as_text(answer.value), gold=as_text(gold))

    def confusion_pairs(self, gold: Any, answer: Answer) -> list[tuple[str, str]]:
        """The (gold, answer) of every label that was asked for; [] where answers are no labels."""
        return []

    def number_pair(self, gold: Any, answer: Answer) -> tuple[float, float] | None:
        """Gold and answer, where they are numbers."""
        return None


def plain_parts(row: Mapping[str, Any], roles: tuple[str, ...]) -> tuple[Part, ...]:
    """A part for each of these columns that the row has, without marks."""
    there = [(role, row[role]) for role in roles if row.get(role) is not None]
    return tuple(Part(name=role.replace("_", " "), segments=(Segment(text=as_text(text)),)) for role, text in there)


def as_text(value: Any) -> str:
    """A text as it is, a number with five digits, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.5g}"
    return "none" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def confidence_text(share: float) -> str:
    """A probability in percent; one below 1 is never rounded to 100 %."""
    return f"probability {min(100 * share, 99.9):.1f} %" if share < 1 else "probability 100 %"
