"""How a row of choices is shown: its texts, and the choices with the answer and the gold marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.heads.base import Answer
from bertkit.heads.shown import Mark, Part, Segment, Shown, confidence_text, plain_parts


def show_choice(row: Mapping[str, Any], roles: tuple[str, ...], gold: str, answer: Answer) -> Shown:
    """The texts in the columns `roles`, the choices, both places, and the probability of the answer."""
    choices = list(row.get("choices") or [])
    parts = plain_parts({role: row.get(role) or None for role in roles}, roles)
    if choices:
        parts = (*parts, Part(name="choices", segments=tuple(_segments(choices, gold, answer))))
    share = answer.scores.get(answer.value)
    return Shown(
        parts=parts,
        answer=_named(choices, answer.value),
        gold=_named(choices, gold),
        note="" if share is None else confidence_text(share),
    )


def _named(choices: list[str], place: Any) -> str:
    """A choice with its place; the place alone where the row is not there."""
    known = str(place).isdecimal() and int(place) < len(choices)
    return f"{place}: {choices[int(place)]}" if known else str(place)


def _segments(choices: list[str], gold: str, answer: Answer) -> list[Segment]:
    found: list[Segment] = []
    for place, choice in enumerate(choices):
        is_gold, is_given = str(place) == gold, str(place) == answer.value
        mark: Mark = "both" if is_gold and is_given else "gold" if is_gold else "answer" if is_given else ""
        found += [Segment(text=" · ")] if place else []
        found.append(Segment(text=choice, mark=mark))
    return found
