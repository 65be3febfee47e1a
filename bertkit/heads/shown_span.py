"""How answers of extractive QA are shown: the question, and its document with the answer and the golds marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bertkit.heads.base import Answer
from bertkit.heads.shown import Mark, Part, Segment, Shown, as_text, confidence_text, plain_parts

ANSWERED, UNANSWERED = "an answer", "no answer"


def span_error(gold: Sequence[str], answer: Answer) -> float:
    """What the best F1 with a gold lacks of 1, times the answer's probability."""
    from bertkit.heads.squad import best_f1

    lacks = 1.0 - best_f1(gold, answer.value)
    return lacks * max(_share(answer), 1e-9)


def show_span(row: Mapping[str, Any], gold: Sequence[str], answer: Answer) -> Shown:
    """The question, the document with its marks, the answer, the golds, and F1."""
    from bertkit.heads.squad import best_f1

    parts = plain_parts(row, ("question",))
    context = row.get("context")
    if context is not None:
        parts = (*parts, Part(name="document", segments=tuple(_marked(context, row.get("answers") or [], answer))))
    golds = list(dict.fromkeys(gold))
    return Shown(
        parts=parts,
        answer=as_text(answer.value) or UNANSWERED,
        gold=" / ".join(golds) or UNANSWERED,
        note=f"F1 {100 * best_f1(gold, answer.value):.1f}, {confidence_text(_share(answer))}",
    )


def answered_pairs(gold: Sequence[str], answer: Answer) -> list[tuple[str, str]]:
    """Whether there is an answer, and whether one was given."""
    return [(ANSWERED if gold else UNANSWERED, ANSWERED if answer.value else UNANSWERED)]


def _share(answer: Answer) -> float:
    """The probability of the best span among the best, or of "no answer" against the best span."""
    best = answer.scores.get("n_best") or []
    if answer.value:
        return float(best[0]["score"]) if best else 1.0
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, float(answer.scores.get("no_answer", 60.0))))))


def _marked(context: str, golds: Sequence[Mapping[str, Any]], answer: Answer) -> list[Segment]:
    """The document in segments, each inside or outside of the answer and of any gold."""
    there = [(gold["start"], gold["start"] + len(gold["text"])) for gold in golds if gold["start"] is not None]
    given = []
    best = answer.scores.get("n_best") or []
    if answer.value and best and best[0]["text"] == answer.value:
        given = [(best[0]["start"], best[0]["start"] + len(answer.value))]
    edges = sorted({0, len(context), *(edge for span in (*there, *given) for edge in span)})
    segments: list[Segment] = []
    for start, end in pairwise(edges):
        is_gold = any(first <= start < last for first, last in there)
        is_given = any(first <= start < last for first, last in given)
        mark: Mark = "both" if is_gold and is_given else "gold" if is_gold else "answer" if is_given else ""
        before = segments[-1] if segments else None
        if before and before.mark == mark:
            segments[-1] = Segment(text=before.text + context[start:end], mark=mark)
        else:
            segments.append(Segment(text=context[start:end], mark=mark))
    return segments
