"""Find how the columns of a text are separated: by tabs, commas, semicolons or bars, quoted or not. Light."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bertkit.data.columns import DELIMITERS
from bertkit.data.header import is_known

FITS, MAY_FIT = 0.8, 0.5
"""The least share of records with as many columns as most; and where the file's suffix or its header says the same."""
MOST_RECORDS = 1_000
SUFFIXES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The records of a text by one way to separate them.

    quoted   whether cells may stand in double quotes
    first    the cells of the first record
    records  the others that have the usual number of cells; empty cells beyond the first record's are left out
    width    the usual number of cells
    share    of all records those with that number
    failed   whether a double quote stands where none can
    """

    delimiter: str
    quoted: bool
    first: Sequence[str]
    records: Sequence[Sequence[str]]
    width: int
    share: float
    failed: bool = False


def layout_of(text: str, whole: bool, suffix: str) -> Layout | None:
    """The way that gives (nearly) all records the same number of columns, two at least; None if none does.

    Tabs come first, as texts hold few; then the way that fits more records, and the one with more columns.
    """
    named = re.match("sep=([,;\t|])\r?\n", text)
    if named:
        text = text[named.end() :]
    ways = [named[1]] if named else list(DELIMITERS)
    found = [layout for mark in ways if (layout := _layout(text, mark, whole)) and layout.width > 1]
    fitting = [one for one in found if one.share >= FITS]
    if not fitting:
        fitting = [one for one in found if one.share >= MAY_FIT and SUFFIXES.get(suffix) == one.delimiter]
        fitting += [one for one in found if len(one.first) > 1 and any(map(is_known, one.first))]
    return max(fitting, key=_merit) if fitting else None


def column_of(text: str, whole: bool) -> Layout:
    """The text as a table of one column: quoted if all commas stand in quotes, else a line a row."""
    quoted = _layout(text, ",", whole)
    if quoted and quoted.width == 1 and quoted.share == 1 and not quoted.failed:
        return quoted
    lines = [[line.removesuffix("\r")] for line in text.split("\n", MOST_RECORDS)[:MOST_RECORDS] if line.strip()]
    return Layout(delimiter="\t", quoted=False, first=lines[0], records=lines[1:], width=1, share=1.0)


def _merit(layout: Layout) -> tuple[bool, ...] | tuple[float, ...]:
    return (not layout.failed, layout.delimiter == "\t", round(layout.share, 2), layout.width)


def _layout(text: str, delimiter: str, whole: bool) -> Layout | None:
    records, failed = _quoted_records(text, delimiter, whole)
    quoted = _measured(records, delimiter, True, failed)
    if delimiter != "\t":
        return quoted
    lines = [line.removesuffix("\r").split("\t") for line in text.split("\n", MOST_RECORDS) if line.strip("\r")]
    plain = _measured(lines[:MOST_RECORDS], delimiter, False, False)
    if quoted and plain and not failed and (quoted.share > plain.share or _is_quoting(lines)):
        return quoted
    return plain


def _is_quoting(lines: Sequence[Sequence[str]]) -> bool:
    """Whether cells are quoted as writers of CSV do: whatever holds a quote is enclosed, its own quotes doubled."""
    marked = [cell for cells in lines for cell in cells if '"' in cell]
    enclosed = [cell for cell in marked if re.fullmatch('"(?:[^"]|"")*"', cell)]
    doubled = any('""' in cell[1:-1] for cell in enclosed)
    return len(enclosed) == len(marked) and (doubled or len(enclosed) > len(lines) / 2)


def _measured(records: list[list[str]], delimiter: str, quoted: bool, failed: bool) -> Layout | None:
    if not records:
        return None
    first = records[0]
    trimmed = [record[: len(first)] if not any(record[len(first) :]) else record for record in records]
    width, times = Counter(map(len, trimmed)).most_common(1)[0]
    return Layout(
        delimiter=delimiter,
        quoted=quoted,
        first=first,
        records=[record for record in trimmed[1:] if len(record) == width],
        width=width,
        share=times / len(records),
        failed=failed,
    )


def _quoted_records(text: str, delimiter: str, whole: bool) -> tuple[list[list[str]], bool]:
    """Records as RFC 4180 has them, up to the first malformed one, and whether there is one."""
    csv.field_size_limit(2**31 - 1)
    records: list[list[str]] = []
    rows = csv.reader((line + "\n" for line in text.split("\n")), delimiter=delimiter, strict=True)
    try:
        for record in rows:
            if record:
                records.append(record)
            if len(records) == MOST_RECORDS:
                break
    except csv.Error as error:
        return records, whole or str(error) != "unexpected end of data"  # else the text is cut within a cell
    return records, False
