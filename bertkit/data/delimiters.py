"""Find how the columns of a text are separated: by tabs, commas, semicolons or bars, quoted or not. Light."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bertkit.data.columns import DELIMITERS

FITS = 0.8
"""The least share of records with the same number of columns."""
MOST_RECORDS = 1_000


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The records of a text by one way to separate them.

    records  lists of cells, all of the usual width
    share    of all records those of the usual width
    quoted   whether cells may stand in double quotes
    """

    delimiter: str
    quoted: bool
    records: Sequence[Sequence[str]]
    share: float

    @property
    def width(self) -> int:
        """The usual number of columns."""
        return len(self.records[0]) if self.records else 0


def layout_of(text: str, whole: bool) -> Layout | None:
    """The way that gives (nearly) all records the same number of columns, two at least; None if none does.

    Tabs come first, as texts hold few; then the way that fits more records, and the one with more columns.
    """
    named = re.match("sep=([,;\t|])\r?\n", text)
    if named:
        text = text[named.end() :]
    ways = [named[1]] if named else list(DELIMITERS)
    found = [layout for mark in ways if (layout := _layout(text, mark, whole)) and layout.width > 1]
    fitting = [layout for layout in found if layout.share >= FITS]
    if not fitting:
        return None
    return max(fitting, key=lambda one: (one.delimiter == "\t", one.share, one.width))


def _layout(text: str, delimiter: str, whole: bool) -> Layout:
    quoted = _by_width(list(_quoted_records(text, delimiter, whole)), delimiter, True)
    if delimiter != "\t":
        return quoted
    lines = [line.rstrip("\r").split("\t") for line in text.split("\n")[:MOST_RECORDS] if line.strip("\r")]
    plain = _by_width(lines, delimiter, False)
    enclosed = sum(any(_is_enclosed(cell) for cell in record) for record in plain.records)
    if quoted.share > plain.share or (quoted.share == plain.share and enclosed > len(plain.records) / 2):
        return quoted
    return plain


def _is_enclosed(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _by_width(records: list[list[str]], delimiter: str, quoted: bool) -> Layout:
    usual = Counter(map(len, records)).most_common(1)
    fitting = [record for record in records if len(record) == usual[0][0]]
    share = len(fitting) / len(records) if records else 0.0
    return Layout(delimiter=delimiter, quoted=quoted, records=fitting, share=share)


def _quoted_records(text: str, delimiter: str, whole: bool) -> Iterator[list[str]]:
    """Records as RFC 4180 has them; a malformed one counts as an empty one."""
    csv.field_size_limit(2**31 - 1)
    rows = csv.reader((line + "\n" for line in text.split("\n")), delimiter=delimiter, strict=True)
    try:
        for _ in range(MOST_RECORDS):
            record = next(rows, None)
            if record is None:
                return
            if record:
                yield record
    except csv.Error as error:
        if whole or str(error) != "unexpected end of data":  # else the cut of the text is within a cell
            yield []
