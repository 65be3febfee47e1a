"""Read CoNLL-U (universaldependencies.org/format.html)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bertkit.data.columns import tagged_lines
from bertkit.data.decoding import check_line_ends, lines
from bertkit.errors import DataError

NONE = "_"
"""A column that is not given."""
WITHHELD = 0.9
"""The share of words `_` from which a file is taken to have no text."""


def read_conllu(path: Path, encoding: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Sentences of a CoNLL-U file: `words`, `upos`, `xpos` (columns 2, 4 and 5), `lines` and `sent_id`.

    A tag `_` is None: not given. `lines` has the line of each word; a sentence's own number is its first word's.
    Multiword ranges (`3-4`) and empty nodes (`8.1`) are passed over: the syntactic words count.
    """
    check_line_ends(path)
    sentence = _Sentence(path)
    number = 0
    for number, line in lines(path, encoding=encoding):
        if not line.strip():
            yield from sentence.close()
        elif line.startswith("#"):
            sentence.comment(line)
        else:
            sentence.word(number, line)
    yield from sentence.close()


class _Sentence:
    """The sentence being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 0
        self.row = _empty()

    def comment(self, line: str) -> None:
        key, _, value = line[1:].partition("=")
        if key.strip() == "sent_id":
            self.row["sent_id"] = value.strip()

    def word(self, number: int, line: str) -> None:
        columns = line.split("\t")
        where = f"{self.path}, line {number}"
        if len(columns) != 10:
            hint = f"; {tagged_lines('tags')}" if len(columns) < 5 else ""
            raise DataError(f"{where}: {len(columns)} columns, CoNLL-U has 10, with tabs between them{hint}")
        name = columns[0]
        self.start = self.start or number
        if _is_pair(name, "-") or _is_pair(name, "."):
            return
        if name != str(len(self.row["words"]) + 1):
            raise DataError(f"{where}: word id '{name}', expected {len(self.row['words']) + 1}")
        if not columns[1] or not columns[3]:
            raise DataError(f"{where}: a word needs its form and its UPOS (columns 2 and 4)")
        self.row["words"].append(columns[1])
        self.row["upos"].append(None if columns[3] == NONE else columns[3])
        self.row["xpos"].append(None if columns[4] == NONE else columns[4])
        self.row["lines"].append(number)

    def close(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self.row["words"]:
            yield self.start, self.row
        elif self.start:
            raise DataError(f"{self.path}, line {self.start}: a sentence without words")
        self.start, self.row = 0, _empty()


def _empty() -> dict[str, Any]:
    return {"words": [], "upos": [], "xpos": [], "lines": []}


def _is_pair(name: str, mark: str) -> bool:
    first, found, second = name.partition(mark)
    return bool(found) and first.isdigit() and second.isdigit()


def refuse_withheld(rows: Iterator[tuple[int, dict[str, Any]]], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows; DataError at their end if (nearly) all words are `_`: a treebank whose text is withheld.

    Some UD treebanks are released so for copyright (UD_English-ESL, UD_French-FTB, UD_Arabic-NYUAD).
    """
    words = blank = 0
    for number, row in rows:
        forms = row.get("words", row.get("tokens"))
        if isinstance(forms, list):
            words += len(forms)
            blank += forms.count(NONE)
        yield number, row
    if words and blank >= WITHHELD * words:
        raise DataError(
            f"{name}: {blank:,} of {words:,} words are '{NONE}': the text is withheld; the treebank's README says how "
            "to put it back"
        )
