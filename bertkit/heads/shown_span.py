"""How answers of extractive QA are shown: the question, and its document with the answer and the golds marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bertkit.heads.base import Answer
from bertkit.heads.shown import Mark, Part, Piece, Shown, in_words, plain_parts, sure

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
        parts = (*parts, Part(name="document", pieces=tuple(_marked(context, row.get("answers") or [], answer))))
    golds = list(dict.fromkeys(gold))
    return Shown(
        parts=parts,
        answer=in_words(answer.value) or UNANSWERED,
        gold=" / ".join(golds) or UNANSWERED,
        note=f"F1 {100 * best_f1(gold, answer.value):.1f}, {sure(_share(answer))}",
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


def _marked(context: str, golds: Sequence[Mapping[str, Any]], answer: Answer) -> list[Piece]:
    """The document in pieces, each inside or outside of the answer and of any gold."""
    there = [(gold["start"], gold["start"] + len(gold["text"])) for gold in golds]
    given = []
    best = answer.scores.get("n_best") or []
    if answer.value and best and best[0]["text"] == answer.value:
        given = [(best[0]["start"], best[0]["start"] + len(answer.value))]
    edges = sorted({0, len(context), *(edge for span in (*there, *given) for edge in span)})
    pieces: list[Piece] = []
    for start, end in pairwise(edges):
        is_gold = any(first <= start < last for first, last in there)
        is_given = any(first <= start < last for first, last in given)
        mark: Mark = "both" if is_gold and is_given else "gold" if is_gold else "answer" if is_given else ""
        before = pieces[-1] if pieces else None
        if before and before.mark == mark:
            pieces[-1] = Piece(text=before.text + context[start:end], mark=mark)
        else:
            pieces.append(Piece(text=context[start:end], mark=mark))
    return pieces
