"""Rows of passages with blanks: a row for each blank, what is around it, and the place of its answer. Light."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bertkit.data.read_json import parsed
from bertkit.errors import DataError, one_line
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
    answers = _answers_beside(path) if path else None
    for where, row in rows:
        passages = row.get(blanks.text)
        several = passages if isinstance(passages, list) else [passages]
        try:
            found = [one for text in several for one in _rows(where, row, text, blanks, answers)]
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            findings.bad_row(where, DataError(f"{where}: '{blanks.answers}' is no list of marks and places: {error}"))
            continue
        if not found:
            lacks = f"the {blanks.text} has no blank"
            if blanks.text not in row:
                lacks = f"no column '{blanks.text}'; it has {', '.join(map(str, row))}"
            findings.bad_row(where, DataError(f"{where}: {lacks}"))
        yield from found


def answer_file(path: Path) -> Path | None:
    """The file of answers beside a file of passages, if there is one."""
    several = (path.with_name(name.format(path.stem)) for name in ANSWERS)
    return next((beside for beside in several if beside.is_file()), None)


def _answers_beside(path: Path) -> Mapping[str, Any] | None:
    """The answers of a file of passages, by the marks of its blanks; None where it has no file of them."""
    beside = answer_file(path)
    if beside is None:
        return None
    try:
        text = beside.read_text("utf-8-sig")
        found = parsed(text, str(beside)) if beside.suffix == ".json" else _two_cells(text)
    except ValueError as error:
        raise DataError(f"{beside}: {one_line(error)}") from error
    if not isinstance(found, Mapping):
        raise DataError(f"{beside}: no object of the blanks' answers")
    return found


def _two_cells(text: str) -> dict[str, str]:
    """CSV lines of two cells as a mapping, blank lines skipped. Raises ValueError for any other line."""
    rows = [(number, row) for number, row in enumerate(csv.reader(text.splitlines()), 1) if row]
    odd = next((f"line {number} has {len(row)}" for number, row in rows if len(row) != 2), None)
    if odd:
        raise ValueError(f"a line is a blank's mark and the place of its answer, two cells; {odd}")
    return {row[0]: row[1] for _, row in rows}


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
