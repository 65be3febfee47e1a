"""Read CoNLL columns: a word and its tags a line, a blank line between sentences. Light."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bertkit.data.decoding import check_line_ends, lines
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import FileFormat

DOCUMENT = "-DOCSTART-"
"""The word of a line between documents."""
KEYS = ("id", "sent_id", "text", "newdoc", "newpar", "source", "global.columns")
"""What a comment's first word is, where it has as many columns as a word's line."""
INDEXED = re.compile(r"(.)[0-9]+")
"""A character with its index in its word, as Weibo NER has it."""


def read_conll(path: Path, form: FileFormat, findings: Findings) -> Iterator[tuple[int, dict[str, Any]]]:
    """Sentences: a list of values for each of the format's columns, of them `words` and perhaps `tags`, and `lines`.

    `lines` has the line of each word; a sentence's own number is its first word's. Lines that begin with -DOCSTART- and
    comments are passed over. Where every word of the file is one character and its index (`科0`), and most are CJK,
    the indices are left out, with a remark. Raises DataError for a line with another number of columns.
    """
    check_line_ends(path)
    indexed = _is_indexed(path, form)
    if indexed:
        findings.remark("every word is a character and its index (科0): the indices are left out", path)
    for block in sentences(lines(path, encoding=form.encoding), form.delimiter, len(form.columns)):
        if form.header and block[0][0] == 1:
            del block[0]
        try:
            row = _row(path, block, form.columns)
        except DataError as error:
            findings.bad_row(str(error).partition(": ")[0], error, broken=True)
            continue
        if indexed:
            row["words"] = [word[0] for word in row["words"]]
        if block:
            yield block[0][0], row


def split(line: str, delimiter: str) -> list[str]:
    """The columns of a line: at tabs, or at any white space."""
    line = line.strip(" \r") if delimiter == "\t" else line.strip(" \t\r")
    return [cell.strip(" ") for cell in line.split("\t")] if delimiter == "\t" else re.split("[ \t]+", line)


def sentences(
    numbered: Iterator[tuple[int, str]], delimiter: str, width: int | None = None
) -> Iterator[list[tuple[int, list[str]]]]:
    """Blocks of lines between blank ones, without documents' marks and comments: each line's number and columns.

    `width` is the number of columns of a word's line; without it that of a block's first line.
    """
    block: list[tuple[int, list[str]]] = []
    for number, line in numbered:
        cells = split(line, delimiter)
        if not line.strip() or cells[0] == DOCUMENT:
            if block:
                yield block
            block = []
        elif line[0] != "#" or not _is_comment(line, cells, width or (len(block[0][1]) if block else None), not block):
            block.append((number, cells))
    if block:
        yield block


def _is_comment(line: str, cells: Sequence[str], width: int | None, first: bool) -> bool:
    """Whether a line that begins with # is no word's: by its columns, or as the first of a sentence by its key."""
    words = line[1:].split()
    keyed = bool(words) and (words[0] in KEYS or words[1:2] == ["="])
    if width is not None and len(cells) != width:
        return keyed or line.startswith(("# ", "#\t", "##")) or line == "#"
    return keyed and first


def _row(path: Path, block: Sequence[tuple[int, Sequence[str]]], columns: Sequence[str]) -> dict[str, Any]:
    for number, cells in block:
        if len(cells) != len(columns):
            wanted = f"expected {len(columns)} ({', '.join(columns)})"
            raise DataError(f"{path}, line {number}: {len(cells)} columns, {wanted}")
    values = [[cells[place] for _, cells in block] for place in range(len(columns))]
    row: dict[str, Any] = dict(zip(columns, values, strict=True))
    for name in ("words", "tags"):
        if "" in row.get(name, ()):
            number = block[row[name].index("")][0]
            raise DataError(f"{path}, line {number}: a word and its tag must both be there")
    row["lines"] = [number for number, _ in block]
    return row


def _is_indexed(path: Path, form: FileFormat) -> bool:
    """Whether every word of the file is one character and its index, and most characters are CJK."""
    place = form.columns.index("words")
    words = cjk = 0
    for block in sentences(lines(path, encoding=form.encoding), form.delimiter, len(form.columns)):
        for _, cells in block:
            found = INDEXED.fullmatch(cells[place]) if place < len(cells) else None
            if found is None:
                return False
            words += 1
            cjk += "\u3400" <= found[1] <= "\u9fff"
    return cjk > words / 2
