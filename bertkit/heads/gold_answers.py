"""Gold answers of extractive QA, as SQuAD's JSON or `datasets` write them: read, and checked against the document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.errors import DataError
from bertkit.heads import checks


def read_answers(name: str, golds: Any) -> list[dict[str, Any]]:
    """Answers as {"text", "start"}, from SQuAD's JSON, or from `datasets`, with parallel lists of texts and offsets."""
    if isinstance(golds, Mapping) and isinstance(golds.get("text"), list):
        starts = checks.listed(name, "answers' offsets", golds.get("answer_start"))
        if len(starts) != len(golds["text"]):
            raise DataError(f"{name}: {len(golds['text'])} texts of answers but {len(starts)} offsets (answer_start)")
        golds = [{"text": text, "start": start} for text, start in zip(golds["text"], starts, strict=True)]
    for gold in checks.listed(name, "answers", golds):
        if not isinstance(gold, Mapping):
            raise DataError(f"{name}: an answer needs its text and its offset (answer_start)")
    return [{"text": gold.get("text"), "start": gold.get("start", gold.get("answer_start"))} for gold in golds]


def check_impossible(name: str, impossible: Any, golds: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """The answers, `[]` where there is none. Raises DataError unless `is_impossible` is a boolean that agrees.

    An answer without text is a placeholder for none.
    """
    if not isinstance(impossible, bool):
        shown = json.dumps(impossible, ensure_ascii=False, default=str)
        raise DataError(f"{name}: is_impossible is {shown[:60]}: it must be true or false (of JSON, without quotes)")
    texts = [gold["text"] for gold in golds or () if gold["text"] not in ("", None)]
    if impossible and texts:
        raise DataError(f"{name}: is_impossible is true, but it has the answer '{str(texts[0])[:60]}'")
    if not impossible and golds is not None and not texts:
        raise DataError(f"{name}: is_impossible is false, but it has no answer")
    return [] if impossible else golds


UNITS = {"UTF-16 units": ("utf-16-le", 2), "UTF-8 bytes": ("utf-8", 1)}
"""What other languages count offsets in: JavaScript, Java and C# the former, Go and Rust the latter."""


def placed(name: str, context: str, golds: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The answers; one whose text is not at its offset, in characters (code points), has None as its start.

    Such an answer is scored, as by SQuAD's script, which reads texts alone, but cannot be trained on. Raises DataError
    if there are answers and none is at its offset.
    """
    for gold in golds:
        if not isinstance(gold["text"], str) or type(gold["start"]) is not int or not gold["text"]:
            raise DataError(f"{name}: an answer needs its text and its offset (answer_start)")
    right = [gold["start"] >= 0 and context.startswith(gold["text"], gold["start"]) for gold in golds]
    if golds and not any(right):
        raise DataError(f"{name}: {_misplaced(context, golds[0]['text'], golds[0]['start'])}")
    return [gold if there else {**gold, "start": None} for gold, there in zip(golds, right, strict=True)]


def _misplaced(context: str, text: str, start: int) -> str:
    """What is wrong with an answer's offset: counted in other units than code points, or not at the text."""
    line = f"the answer '{text[:60]}' is not at its offset {start} of the document"
    for unit, (encoding, size) in UNITS.items():
        before = context.encode(encoding)[: max(start, 0) * size].decode(encoding, "ignore")
        if context.startswith(text, len(before)) and len(before.encode(encoding)) == start * size:
            return f"{line}, but found at {len(before)}; offsets must count code points, these look like {unit}"
    place = context.find(text)
    return f"{line}, but found at {place}" if place >= 0 else f"{line}, nor anywhere else in it"
