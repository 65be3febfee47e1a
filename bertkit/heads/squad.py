"""SQuAD's official rules: normalising and comparing answers, and the best threshold.

Sources: evaluate-v1.1.py and evaluate-v2.0.py of github.com/rajpurkar/SQuAD-explorer. They differ only for texts that
normalise to nothing: v2.0 drops such golds, and F1 is 1 where both texts are empty; v1.1 keeps them, and F1 is 0 there.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.heads.base import Answer

PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)


def normalise(text: str) -> str:
    """Lower case, then no ASCII punctuation, then no English articles, then single spaces.

    >>> normalise("The  cat's (Hat)!")
    'cats hat'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact(gold: str, answer: str) -> float:
    """1.0 where both normalise to the same text, else 0.0."""
    return float(normalise(gold) == normalise(answer))


def f1(gold: str, answer: str) -> float:
    """The F1 of the two bags of tokens; where either is empty, 1.0 if both are.

    >>> f1("the cat sat", "cat sat down")  # precision 2/3, recall 2/2
    0.8
    """
    wanted, given = normalise(gold).split(), normalise(answer).split()
    if not wanted or not given:
        return float(wanted == given)
    shared = sum((Counter(wanted) & Counter(given)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def golds_that_count(golds: Sequence[str]) -> list[str]:
    """The golds that do not normalise to nothing; `[""]` (no answer) where none is left."""
    return [gold for gold in golds if normalise(gold)] or [""]


def best_exact(golds: Sequence[str], answer: str) -> float:
    """The best exact match of `answer` with any gold, by v2.0's rules."""
    return max(exact(gold, answer) for gold in golds_that_count(golds))


def best_f1(golds: Sequence[str], answer: str) -> float:
    """The best F1 of `answer` with any gold, by v2.0's rules."""
    return max(f1(gold, answer) for gold in golds_that_count(golds))


def best_exact_v1(golds: Sequence[str], answer: str) -> float:
    """The best exact match of `answer` with any gold, by v1.1's rules; 0 if there is none."""
    return max((exact(gold, answer) for gold in golds), default=0.0)


def best_f1_v1(golds: Sequence[str], answer: str) -> float:
    """The best F1 of `answer` with any gold, by v1.1's rules: 0 with one that normalises to nothing."""
    return max((f1(gold, answer) for gold in golds if normalise(gold)), default=0.0)


def best_threshold(
    scores: Sequence[float], has_answer: Sequence[bool], margins: Sequence[float]
) -> tuple[float, float]:
    """The best mean score that a threshold on "no answer" could reach, and that threshold.

    scores      the score of each question's best span
    has_answer  whether each question has an answer
    margins     margin of "no answer" over the best span; it is predicted where margin > threshold
    """
    if not len(margins):
        return 0.0, 0.0
    order = np.argsort(np.asarray(margins), kind="stable")
    answerable = np.asarray(has_answer, bool)
    gains = np.where(answerable, np.asarray(scores, float), -1.0)  # of giving the span, against no answer
    silent = float(np.sum(~answerable))
    totals: NDArray[Any] = silent + np.cumsum(gains[order])
    sorted_margins = np.asarray(margins, float)[order]
    ends = np.append(np.diff(sorted_margins) > 0, True)  # equal margins are answered together
    totals = np.where(ends, totals, -np.inf)
    best = int(np.argmax(totals))
    if totals[best] <= silent:
        return silent / len(totals), float(sorted_margins[0]) - 1.0
    return float(totals[best]) / len(totals), float(sorted_margins[best])


def no_answer_details(golds: Sequence[Sequence[str]], answers: Sequence[Answer]) -> dict[str, Any]:
    """SQuAD 2.0's: EM and F1 over questions with and without an answer, and with the best threshold.

    `constant` says whether every answer is the same, though it is not right for every question: usually "no
    answer" to everything. `only gold` is "" where no question has an answer.
    """
    has = [bool(gold) for gold in golds]
    details: dict[str, Any] = {"HasAns": sum(has), "NoAns": len(has) - sum(has)}
    same = len({answer.value for answer in answers}) == 1 < len(answers)
    details["constant"] = same and not all(best_exact(gold, answers[0].value) for gold in golds)
    details["only gold"] = None if any(has) else ""
    margins = [answer.scores["no_answer"] for answer in answers]
    for name, best_of in (("EM", best_exact), ("F1", best_f1)):
        given = [best_of(gold, answer.value) for gold, answer in zip(golds, answers, strict=True)]
        for part, kind in (("HasAns", True), ("NoAns", False)):
            chosen = [score for score, h in zip(given, has, strict=True) if h == kind]
            details[f"{part} {name}"] = float(np.mean(chosen)) if chosen else None
        spans = [(answer.scores["n_best"] or [{"text": ""}])[0]["text"] for answer in answers]
        best = [best_of(gold, span) for gold, span in zip(golds, spans, strict=True)]
        details[f"best {name}"], details[f"best {name} threshold"] = best_threshold(best, has, margins)
    return details
