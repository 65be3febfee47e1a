"""How tags of words are shown: each word a segment, wrong ones with their answer and their gold.

W words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.heads.base import Answer
from bertkit.heads.shown import NOT_GIVEN, Mark, Part, Segment, Shown

Tags = Sequence[str | None]


def words_error(gold: Tags, answer: Answer) -> float:
    """The probabilities of the wrong tags, summed; a word without a tag counts 1."""
    shares = answer.scores.get("tags") or [1.0] * len(gold)
    wrong = [
        (tag, share) for right, tag, share in zip(gold, answer.value, shares, strict=True) if _is_wrong(right, tag)
    ]
    return sum(1.0 if tag is None else max(float(share), 1e-9) for tag, share in wrong)


def show_words(row: Mapping[str, Any], gold: Tags, answer: Answer, unmarked: str | None) -> Shown:
    """The words, and how many are wrong. Words whose tag is right are marked unless it is `unmarked`, or that is None.

    Without the row, the tags of all words.
    """
    wrong = sum(_is_wrong(right, tag) for right, tag in zip(gold, answer.value, strict=True))
    note = f"{wrong:,} of {len(gold):,} word{'s' * (len(gold) != 1)} wrong"
    if not row.get("words"):
        return Shown(parts=(), answer=_joined(answer.value), gold=_joined(gold), note=note)
    segments: list[Segment] = []
    for word, right, tag in zip(row["words"], gold, answer.value, strict=True):
        segments.append(_piece(word, right, tag, unmarked))
        segments.append(Segment(text=" "))
    return Shown(parts=(Part(name="words", segments=tuple(segments[:-1])),), note=note)


def _piece(word: str, right: str | None, tag: str | None, unmarked: str | None) -> Segment:
    if _is_wrong(right, tag):
        return Segment(text=word, mark="answer", answer=tag or NOT_GIVEN, gold=right or "")
    mark: Mark = "" if unmarked is None or right in (None, unmarked) else "both"
    return Segment(text=word, mark=mark, gold=right or "")


def word_pairs(gold: Tags, answer: Answer) -> list[tuple[str, str]]:
    """The (gold, answer) of each word that has a gold tag."""
    pairs = zip(gold, answer.value, strict=True)
    return [(right, NOT_GIVEN if tag is None else tag) for right, tag in pairs if right is not None]


def _is_wrong(right: str | None, tag: str | None) -> bool:
    return right is not None and tag != right


def _joined(tags: Tags) -> str:
    return " ".join(tag or "_" for tag in tags)
