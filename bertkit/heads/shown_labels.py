"""How answers that are one label, a set of labels, or a number are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.heads.base import Answer
from bertkit.heads.shown import NOT_GIVEN, NOT_GOLD, Shown, as_text, confidence_text, plain_parts


def label_error(gold: str, answer: Answer) -> float:
    """The probability of a wrong label: with which it is ranked."""
    return 0.0 if answer.value == gold else float(answer.scores.get(answer.value, 1.0))


def show_label(row: Mapping[str, Any], roles: tuple[str, ...], gold: str, answer: Answer) -> Shown:
    """The texts, both labels, and the probability of the answer."""
    share = answer.scores.get(answer.value)
    note = "" if share is None else confidence_text(share)
    return Shown(parts=plain_parts(row, roles), answer=as_text(answer.value), gold=as_text(gold), note=note)


def show_number(row: Mapping[str, Any], roles: tuple[str, ...], gold: float, answer: Answer) -> Shown:
    """The texts, both numbers, and by how much the answer is too high or too low."""
    residual = answer.value - gold
    note = f"{abs(residual):.4g} too {'high' if residual > 0 else 'low'}" if residual else "right"
    return Shown(parts=plain_parts(row, roles), answer=as_text(answer.value), gold=as_text(float(gold)), note=note)


def set_error(gold: Sequence[str], answer: Answer) -> float:
    """The probabilities of labels that were given wrongly, and what those of missed ones lack of 1, summed."""
    given, there = set(answer.value), set(gold)
    wrong = sum(float(answer.scores.get(name, 1.0)) for name in given - there)
    return wrong + sum(1.0 - float(answer.scores.get(name, 0.0)) for name in there - given)


def show_set(row: Mapping[str, Any], roles: tuple[str, ...], gold: Sequence[str], answer: Answer) -> Shown:
    """The texts, both sets of labels, and which labels are wrong or missed, with their probabilities."""
    given, there = list(answer.value), list(gold)
    wrong = [f"{name} wrong{_share(answer, name)}" for name in given if name not in there]
    missed = [f"{name} missed{_share(answer, name)}" for name in there if name not in given]
    return Shown(
        parts=plain_parts(row, roles),
        answer=", ".join(given) or "no label",
        gold=", ".join(there) or "no label",
        note="; ".join([*wrong, *missed]) or "right",
    )


def _share(answer: Answer, name: str) -> str:
    return f" ({confidence_text(answer.scores[name])})" if name in answer.scores else ""


def set_pairs(gold: Sequence[str], answer: Answer) -> list[tuple[str, str]]:
    """Each label that was given or is gold, paired with itself where it is both."""
    given, there = list(answer.value), list(gold)
    right_or_missed = [(name, name if name in given else NOT_GIVEN) for name in there]
    return [*right_or_missed, *((NOT_GOLD, name) for name in given if name not in there)]
