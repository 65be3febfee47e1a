"""Rows of passages with blanks: a row for each blank, what is around it, and the place of its answer. Light."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bertkit.data.read_json import parsed
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import Blanks

PlacedRow = tuple[str, dict[str, Any]]
"""A row's place, and its columns as they are in the source."""

ANSWERS = ("{}_answer.json", "{}_answer.csv")
"""Files beside that of the passages, with the place of each blank's answer by the blank's own mark (CLUE)."""


def of_blanks(
    rows: Iterable[PlacedRow], blanks: Blanks | None, findings: Findings, path: Path | None = None
) -> Iterator[PlacedRow]:
    """A row for each blank of the passages, in their order; all rows as they are without `blanks`.

    The file `path` may have a file of answers beside it. A row without a blank is a bad one.
    """
    if blanks is None:
        yield from rows
        return
    answers = _answer_file(path) if path else None
    for where, row in rows:
        passages = row.get(blanks.text)
        several = passages if isinstance(passages, list) else [passages]
        found = [one for text in several for one in _rows(where, row, text, blanks, answers)]
        if not found:
            lacks = f"the {blanks.text} has no blank"
            if blanks.text not in row:
                lacks = f"no column '{blanks.text}'; it has {', '.join(map(str, row))}"
            findings.bad_row(where, DataError(f"{where}: {lacks}"))
        yield from found


def _answer_file(path: Path) -> Mapping[str, Any] | None:
    """The answers of a file of passages, by the marks of its blanks; None where it has no file of them."""
    for name in ANSWERS:
        beside = path.with_name(name.format(path.stem))
        if beside.is_file():
            text = beside.read_text("utf-8-sig")
            found = parsed(text, str(beside)) if beside.suffix == ".json" else dict(csv.reader(text.splitlines()))
            if not isinstance(found, Mapping):
                raise DataError(f"{beside}: no object of the blanks' answers")
            return found
    return None


def _rows(
    where: str, row: Mapping[str, Any], text: Any, blanks: Blanks, answers: Mapping[str, Any] | None
) -> Iterator[PlacedRow]:
    if not isinstance(text, str):
        return
    for blank in re.finditer(blanks.mark, text):
        before = re.sub(blanks.mark, blanks.other, text[: blank.start()])
        after = re.sub(blanks.mark, blanks.other, text[blank.end() :])
        shown = before[-blanks.around :] + blanks.own + after[: blanks.around]
        found = {**row, blanks.text: shown}
        given = _answer(row.get(blanks.answers), blank.group(), answers)
        if given is not None:
            found[blanks.answer] = given
        if len(blank.group()) > len(blanks.own):  # it has a number of its own
            found["id"] = blank.group().strip("#")
        yield where, found


def _answer(given: Any, mark: str, answers: Mapping[str, Any] | None) -> Any:
    """The place of a blank's answer: of the row's own lists of marks and places, or of the file of answers."""
    if isinstance(given, Mapping) and mark in (given.get("text") or ()):
        return given["candidate_id"][given["text"].index(mark)]
    if isinstance(given, list):  # as `datasets` reads a list of objects
        return next((one.get("candidate_id") for one in given if one.get("text") == mark), None)
    return (answers or {}).get(mark)
