"""Read TSV and CSV; a delimiter other than the suffix's is found by its columns, and reported."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bertkit.data.columns import DELIMITERS
from bertkit.data.decoding import check_line_ends, lines
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import FileFormat

SNIFFED = 100
"""Lines in which a delimiter must give the same number of columns throughout."""
QUOTED_OF, QUOTED_SHARE, QUOTED_LEAST = 1_000, 0.1, 3
"""Rows of a TSV checked for quoted cells, and the share and number of them that is remarked on."""


def read_tsv(path: Path, header: tuple[str, ...] | None, findings: Findings) -> Iterator[tuple[int, dict[str, Any]]]:
    """Tab-separated values without quoting, as GLUE ships them: a double quote is text.

    A file without tabs in which commas, semicolons or bars make columns is read as CSV, with a remark.
    """
    check_line_ends(path)
    delimiter = "\t" if header else _delimiter(path, "\t")
    if delimiter == "\t":
        return _split_at_tabs(path, header, findings)
    return _quoted(path, delimiter, "\t", findings)


def read_csv(path: Path, findings: Findings) -> Iterator[tuple[int, dict[str, Any]]]:
    """Comma-separated values with a header line, quoted as RFC 4180 has it; a cell may hold line breaks.

    A file without commas in whose header is read by another delimiter, with a remark.
    """
    check_line_ends(path)
    return _quoted(path, _delimiter(path, ","), ",", findings)


def read_table(path: Path, form: FileFormat, findings: Findings) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file of the user's own: quoted at any delimiter, or split at tabs, as its format says.

    A column without a name is called after its place: "column 3".
    """
    if form.kind == "tsv":
        return _split_at_tabs(path, None if form.header else form.columns, findings, form.encoding)
    return _quoted(path, form.delimiter, form.delimiter, findings, form)


def named(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of a header line, without outer spaces; "column 3" where the third is empty."""
    return tuple(cell.strip() or f"column {place}" for place, cell in enumerate(cells, 1))


def _split_at_tabs(
    path: Path, header: tuple[str, ...] | None, findings: Findings, encoding: str | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    numbered = lines(path, encoding=encoding)
    first = next((line for _, line in numbered if line), "").split("\t") if header is None else ()
    columns = header or (named(first) if encoding else tuple(first))
    _check_columns(path, columns)
    rows = quoted = 0
    for number, line in numbered:
        if not line:
            continue
        values = line.split("\t")
        if encoding and not (values := _filled(values, len(columns))):
            continue
        if len(values) != len(columns):
            where = f"{path}, line {number}"
            error = DataError(f"{where}: {_other_width(values, columns)}{_bare_return(line)}")
            findings.bad_row(where, error, broken=True)
            continue
        if encoding and not header and _is_again(values, columns):
            findings.bad_row(f"{path}, line {number}", _again(path, number))
            continue
        rows += 1
        quoted += rows <= QUOTED_OF and any(len(value) > 1 and value[0] == value[-1] == '"' for value in values)
        yield number, dict(zip(columns, values, strict=True))
    seen = min(rows, QUOTED_OF)
    if not encoding and quoted >= max(QUOTED_LEAST, QUOTED_SHARE * seen):
        findings.remark(
            f"{quoted:,} of the first {seen:,} rows have cells in double quotes; in a TSV these are text: "
            "if they only enclose the cells, rename the file to .csv",
            path,
        )


def _is_again(values: Sequence[str], columns: Sequence[str]) -> bool:
    return values[0].strip() == columns[0] and named(values) == columns


def _again(path: Path, number: int) -> DataError:
    return DataError(f"{path}, line {number}: the columns' names stand here again")


def _other_width(values: Sequence[str], columns: Sequence[str]) -> str:
    return f"{len(values)} columns, expected {len(columns)} ({', '.join(columns)})"


def _bare_return(line: str) -> str:
    return "; it holds a CR, which ends no line here" if "\r" in line else ""


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}, line 1: two columns are called '{twice}'")


def _quoted(
    path: Path, delimiter: str, expected: str, findings: Findings, form: FileFormat | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    encoding = form.encoding if form else None
    numbered = lines(path, carriage_return=True, encoding=encoding)
    skipped = 1 if _named_delimiter(path, encoding) else 0
    rows = csv.reader((line + "\n" for _, line in islice(numbered, skipped, None)), delimiter=delimiter, strict=True)
    csv.field_size_limit(2**31 - 1)
    if delimiter != expected:
        findings.remark(f"columns are separated by {DELIMITERS[delimiter]}, not {DELIMITERS[expected]}", path)
    begin = 1
    try:
        columns = form.columns if form and not form.header else tuple(next(filter(None, rows), ()))
        columns = named(columns) if form else columns
        _check_columns(path, columns)
        begin = rows.line_num + 1
        for values in rows:
            if form:
                values = _filled(values, len(columns))
            if values and len(values) != len(columns):
                where = f"{path}, line {rows.line_num + skipped}"
                hint = f"; quote cells that hold {DELIMITERS[delimiter]}" if len(values) > len(columns) else ""
                findings.bad_row(where, DataError(f"{where}: {_other_width(values, columns)}{hint}"), broken=True)
            elif values and form and form.header and _is_again(values, columns):
                number = rows.line_num + skipped
                findings.bad_row(f"{path}, line {number}", _again(path, number))
            elif values:
                yield rows.line_num + skipped, dict(zip(columns, values, strict=True))
            begin = rows.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, line {begin + skipped}: not CSV: {_plain(error)}") from error


def _filled(values: list[str], width: int) -> list[str]:
    """The cells without the empty ones to the right of the table, as spreadsheets leave them; none of an empty row."""
    kept = values if any(values[width:]) else values[:width]
    return kept if any(kept) else []


def _plain(error: csv.Error) -> str:
    """The csv module's message, reworded where it names its own arguments or says too little."""
    said = str(error)
    if said.startswith("new-line character"):
        return "a CR in a cell without quotes: save the file with LF line ends"
    if said.endswith("expected after '\"'"):
        return 'a double quote stands within a cell in quotes: it must be doubled ("")'
    if said == "unexpected end of data":
        return "a double quote opens a cell and none closes it"
    return said


def _named_delimiter(path: Path, encoding: str | None = None) -> str | None:
    """The delimiter that a first line `sep=;` names, as Excel writes it."""
    found = re.fullmatch("sep=([,;\t|])\r?", next(lines(path, encoding=encoding))[1])
    return found[1] if found else None


def _delimiter(path: Path, own: str) -> str:
    """The delimiter of the columns: the suffix's own, unless its header has one column and another's fits all lines."""
    named = _named_delimiter(path)
    if named:
        return named
    sample = [line for _, line in islice(lines(path, carriage_return=True), SNIFFED)]
    if own in sample[0]:
        return own
    found = [other for other in DELIMITERS if other in sample[0] and _fits(sample, other)]
    return found[0] if len(found) == 1 else own


def _fits(sample: list[str], delimiter: str) -> bool:
    """Whether the delimiter gives each row as many columns, two at least."""
    rows = csv.reader((line + "\n" for line in sample), delimiter=delimiter, strict=True)
    widths: set[int] = set()
    try:
        widths.update(len(row) for row in rows if row)
    except csv.Error:
        if rows.line_num < len(sample) or len(sample) < SNIFFED:  # else a cell that ends after the sample
            return False
    return len(widths) == 1 and widths.pop() > 1
