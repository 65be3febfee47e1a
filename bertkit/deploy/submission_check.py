"""Check a submission by the format of the server alone: its files, their rows, and what stands in each."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bertkit.deploy.submission_lines import HEADER, JSON_LINES
from bertkit.errors import RequestError
from bertkit.task import Sheet


def check_submission(path: Path, sheets: Sequence[Sheet]) -> None:
    """Raise RequestError, naming file and line, where the zip is not what the server takes.

    That is one file for each sheet and no other, at the top; in it a header, then for each test row, in order from 0,
    its index, a tab, and a label as it is spelt or a number within its bounds; or of JSON Lines an object for each
    test row, its idx from 0 on in any order.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            wanted = [sheet.file for sheet in sheets]
            for what, odd in (
                ("lacks", [name for name in wanted if name not in names]),
                ("has no place for", [name for name in names if name not in wanted]),
                ("holds twice", sorted({name for name in names if names.count(name) > 1})),
            ):
                if odd:
                    raise RequestError(f"{path}: the submission {what} {', '.join(odd)}")
            for sheet in sheets:
                _check_sheet(f"{path}, {sheet.file}", archive.read(sheet.file), sheet)
    except (OSError, zipfile.BadZipFile) as error:
        raise RequestError(f"{path} is no zip file: {error}") from error


def _check_sheet(where: str, content: bytes, sheet: Sheet) -> None:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"{where}: it is not UTF-8") from error
    if not text.endswith("\n") or "\r" in text:
        raise RequestError(f"{where}: every line must end in a line feed alone")
    if sheet.file.endswith(JSON_LINES):
        _check_objects(where, text[:-1].split("\n"), sheet)
        return
    header, *lines = text[:-1].split("\n")
    if header != HEADER:
        raise RequestError(f"{where}: the first line is {header!r}, not {HEADER!r}")
    if len(lines) != sheet.rows:
        raise RequestError(f"{where}: {len(lines):,} rows, not {sheet.rows:,}")
    for k, line in enumerate(lines):
        index, tab, answer = line.partition("\t")
        if not tab or index != str(k):
            raise RequestError(f"{where}, line {k + 2}: {line!r}: it must begin with {k} and a tab")
        if not _fits(answer, sheet):
            among = (
                f"one of {', '.join(map(str, sheet.spelt.values()))}"
                if sheet.spelt
                else f"a number within {sheet.bounds}"
            )
            raise RequestError(f"{where}, line {k + 2}: {answer!r} is not {among}")


def _check_objects(where: str, lines: list[str], sheet: Sheet) -> None:
    found: list[Any] = []
    for k, line in enumerate(lines, 1):
        try:
            found += _answers_of(json.loads(line), sheet)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RequestError(f"{where}, line {k}: {line[:60]!r} is not {_wanted(sheet)}") from None
    if len(found) != sheet.rows:
        raise RequestError(f"{where}: {len(found):,} answers, not {sheet.rows:,}")
    if sorted(found) != list(range(sheet.rows)):
        raise RequestError(f"{where}: its idx are not all numbers from 0 to {sheet.rows - 1:,}, each once")


def _answers_of(row: Any, sheet: Sheet) -> list[int]:
    """The idx of the answers of a line. Raises ValueError, KeyError, TypeError or AttributeError where it has none."""
    several = sheet.answers == "several"
    answers = [one for asked in row["passage"]["questions"] for one in asked["answers"]] if several else [row]
    for one in answers:
        label = one["label"]
        known = (0, 1) if several else tuple(sheet.spelt.values())
        if type(one["idx"]) is not int or not (isinstance(label, str) if sheet.answers == "text" else label in known):
            raise ValueError(label)
    return [one["idx"] for one in answers]


def _wanted(sheet: Sheet) -> str:
    if sheet.answers == "several":
        return '{"idx", "passage": {"questions": [{"idx", "answers": [{"idx", "label": 0 or 1}]}]}}'
    label = "a text" if sheet.answers == "text" else f"one of {', '.join(map(str, sheet.spelt.values()))}"
    return f'{{"idx": its number, "label": {label}}}'


def _fits(answer: str, sheet: Sheet) -> bool:
    if sheet.spelt:
        return answer in sheet.spelt.values()
    assert sheet.bounds
    try:
        return sheet.bounds[0] <= float(answer) <= sheet.bounds[1]
    except ValueError:
        return False
