"""Check a submission by the format of the server alone: its files, their rows, and what stands in each."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from bertkit.errors import RequestError
from bertkit.task import Sheet

HEADER = "index\tprediction"


def check_submission(path: Path, sheets: Sequence[Sheet]) -> None:
    """Raise RequestError, naming file and line, where the zip is not what the server takes.

    That is one file for each sheet and no other, at the top; in it a header, then for each test row, in order from 0,
    its index, a tab, and a label as it is spelt or a number within its bounds.
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
            among = f"one of {', '.join(sheet.spelt.values())}" if sheet.spelt else f"a number within {sheet.bounds}"
            raise RequestError(f"{where}, line {k + 2}: {answer!r} is not {among}")


def _fits(answer: str, sheet: Sheet) -> bool:
    if sheet.spelt:
        return answer in sheet.spelt.values()
    assert sheet.bounds
    try:
        return sheet.bounds[0] <= float(answer) <= sheet.bounds[1]
    except ValueError:
        return False
