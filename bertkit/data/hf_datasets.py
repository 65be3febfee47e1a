"""Rows of a datasets.Dataset in the readers' form: numbered, labels by name. Heavy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from datasets import ClassLabel, Dataset, LargeList, List

SLICE = 1000
"""Rows converted to Python values at once, about ten times faster than one by one."""

NO_WORD = "_"
"""The UPOS of a line that is no word: a multiword range or an empty node, in the Hub's conversion of UD."""

Reading = Callable[[Any], Any]
"""From a column's stored value to the one a reader would give."""


def named_rows(dataset: Dataset) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every row with its number, counted from 1.

    A class id, alone or in lists, is its name, and -1 (no gold) None. SQuAD's `answers`, two parallel
    lists, are a list of {"text", "start"}. Lines of UD's `tokens`, `upos` and `xpos` that are no
    words are left out.
    """
    readings = {column: _reading(feature) for column, feature in dataset.features.items()}
    worded = {"tokens", "upos"} <= set(readings)
    for start in range(0, len(dataset), SLICE):
        columns = dataset[start : start + SLICE]
        for column, read in readings.items():
            if read:
                columns[column] = [read(value) for value in columns[column]]
        for offset, values in enumerate(zip(*columns.values(), strict=True), start + 1):
            row = dict(zip(columns, values, strict=True))
            yield offset, _words_alone(row) if worded else row


def _reading(feature: Any) -> Reading | None:
    """How a value of this feature is converted; None if it is not."""
    if isinstance(feature, ClassLabel):
        names = dict(enumerate(feature.names))
        return names.get
    if isinstance(feature, List | LargeList):
        inner = _reading(feature.feature)
        return (lambda values: values and [inner(value) for value in values]) if inner else None
    if isinstance(feature, dict) and {"text", "answer_start"} <= set(feature):
        return _answers
    if isinstance(feature, dict):
        inners = {name: read for name, part in feature.items() if (read := _reading(part))}
        return (lambda value: value and _parts(value, inners)) if inners else None
    return None


def _parts(value: dict[str, Any], readings: dict[str, Reading]) -> dict[str, Any]:
    return {name: readings[name](part) if name in readings else part for name, part in value.items()}


def _answers(value: dict[str, Any] | None) -> list[dict[str, Any]] | dict[str, Any] | None:
    """[{"text", "start"}] for {"text": [...], "answer_start": [...]}; an answer not in lists likewise."""
    if value is None or value["text"] is None:
        return None
    if isinstance(value["text"], str):
        return {"text": value["text"], "start": value["answer_start"]}
    pairs = zip(value["text"], value["answer_start"], strict=True)
    return [{"text": text, "start": start} for text, start in pairs]


def _words_alone(row: dict[str, Any]) -> dict[str, Any]:
    """The row without lines that are no words; a row of such lines only is returned as it is, without a gold."""
    upos = row["upos"]
    if not isinstance(upos, list) or NO_WORD not in upos or set(upos) == {NO_WORD}:
        return row
    kept = [place for place, tag in enumerate(upos) if tag != NO_WORD]
    for column in ("tokens", "upos", "xpos"):
        values = row.get(column)
        if isinstance(values, list) and len(values) == len(upos):
            row[column] = [values[place] for place in kept]
    return row
