"""The lines of a submission's file: a table of index and answer, or JSON Lines. Light."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any

from bertkit.heads import Answer
from bertkit.task import Sheet

HEADER = "index\tprediction"
JSON_LINES = ".jsonl"


@dataclass(frozen=True, kw_only=True)
class TestAnswer:
    """The answer to a test row, with the row's id and the group it is in, such as its passage."""

    ident: str
    group: str
    answer: Answer


def lines_of(sheet: Sheet, answered: Sequence[TestAnswer]) -> list[str]:
    """The lines of a sheet's file. Rows of JSON Lines have their own number, if their id is one."""
    if not sheet.file.endswith(JSON_LINES):
        return _table(_written(one.answer.value, sheet) for one in answered)
    if sheet.answers == "several":
        return [json.dumps(passage) for passage in _passages(answered)]
    return _labelled((_index(one.ident, k), _written(one.answer.value, sheet)) for k, one in enumerate(answered))


def constant_lines(sheet: Sheet) -> list[str] | None:
    """The lines of a sheet without a model; None where they cannot be known without the test rows."""
    if sheet.answers == "several":
        return None
    answers = [constant_of(sheet)] * sheet.rows
    return _labelled(enumerate(answers)) if sheet.file.endswith(JSON_LINES) else _table(answers)


def constant_of(sheet: Sheet) -> str | int:
    """What stands in for the answers of a sheet without a model: its first label, its least number, or no text."""
    if sheet.answers == "text":
        return ""
    return next(iter(sheet.spelt.values())) if sheet.spelt else _number(sheet.bounds[0] if sheet.bounds else 0.0)


def _table(answers: Iterable[str | int]) -> list[str]:
    return [HEADER, *(f"{k}\t{answer}" for k, answer in enumerate(answers))]


def _labelled(answers: Iterable[tuple[int, str | int]]) -> list[str]:
    return [json.dumps({"idx": index, "label": label}) for index, label in answers]


def _passages(answered: Sequence[TestAnswer]) -> Iterator[dict[str, Any]]:
    """A line for each passage with its questions, whose answers are numbered throughout the file."""
    numbers = count()
    for k, (group, rows) in enumerate(groupby(answered, key=lambda one: one.group)):
        questions = [
            {
                "idx": _index(one.ident, 0),
                "answers": [
                    {"idx": next(numbers), "label": int(place in one.answer.value)} for place in one.answer.scores
                ],
            }
            for one in rows
        ]
        yield {"idx": _index(group, k), "passage": {"questions": questions}}


def _index(ident: str, otherwise: int) -> int:
    return int(ident) if ident.isdecimal() else otherwise


def _written(value: Any, sheet: Sheet) -> str | int:
    if sheet.answers == "text":
        return str(value)
    if sheet.bounds is None:
        return sheet.spelt[str(value)]
    return _number(min(max(float(value), sheet.bounds[0]), sheet.bounds[1]))


def _number(value: float) -> str:
    return f"{value:.3f}"
