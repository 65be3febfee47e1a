"""The formats of a file of answers: CSV, TSV, JSON Lines and Parquet, written a block of rows after another. Light.

A format is asked twice. While the input is first read it looks at each block, and refuses what it cannot hold; then it
turns blocks with their answers into bytes, which are appended to an unfinished file, and makes the finished one of it.
"""

from __future__ import annotations

import csv
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bertkit.deploy.inputs import Inputs
from bertkit.errors import DataError
from bertkit.heads import Answer, Head

ERROR = "error"
"""The column that says why a row has no answer; only where there is such a row."""


class AnswerFormat(ABC):
    """How answers are written beside their file's own columns.

    top      how many labels (spans) are kept of an answer; None keeps all up to 10, else 5
    own      the names of the file's own columns, in their order
    renamed  the names that new columns have because the file has theirs already
    """

    def __init__(self, top: int | None) -> None:
        self.top = top
        self.own: dict[str, None] = {}
        self.renamed: dict[str, str] = {}
        self.has_errors = False

    def look(self, block: Inputs) -> None:
        """A block of the input, before anything is answered. Raises DataError for what cannot be written."""
        for row in block.own:
            if row.keys() != self.own.keys():
                self.own |= dict.fromkeys(row)
        self.has_errors = self.has_errors or bool(block.errors)

    def begin(self, head: Head) -> bytes:
        """What the unfinished file begins with; the head has its labels."""
        self.head = head
        taken = {name.casefold() for name in self.own}
        for name in self.added():
            found = name
            for k in range(1, 10_000):
                if found.casefold() not in taken:
                    break
                found = f"predicted_{name}{f'_{k}' if k > 1 else ''}"
            taken.add(found.casefold())
            if found != name:
                self.renamed[name] = found
        return self.header()

    @property
    def note(self) -> str | None:
        """A line on new columns that have another name."""
        pairs = [f"'{name}' as '{found}'" for name, found in self.renamed.items()]
        more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
        return f"the file has columns of the answers' names: written {', '.join(pairs[:3])}{more}" if pairs else None

    @abstractmethod
    def added(self) -> list[str]:
        """The names of the new columns."""

    @abstractmethod
    def header(self) -> bytes:
        """What stands before the first row."""

    @abstractmethod
    def rows(self, block: Inputs, answers: Sequence[Answer]) -> bytes:
        """A block with its answers."""

    def finish(self, part: Path, out: Path) -> None:
        """Make the finished file, which replaces `out`, of the unfinished one."""
        part.replace(out)

    def pairs(self, block: Inputs, answers: Sequence[Answer]) -> Iterator[tuple[int, Mapping[str, Any], Answer | None]]:
        """Each place with its own columns and its answer."""
        for place, row in enumerate(block.rows):
            yield place, block.own[place], None if row is None else answers[row]


class JsonLines(AnswerFormat):
    """An object a row: its own keys, then "answer" and "scores"."""

    def added(self) -> list[str]:
        """Their keys."""
        return [*self.head.answer_json(None, self.top), ERROR]

    def header(self) -> bytes:
        """Nothing."""
        return b""

    def rows(self, block: Inputs, answers: Sequence[Answer]) -> bytes:
        """A line a row."""
        lines = []
        for place, own, answer in self.pairs(block, answers):
            found = self.head.answer_json(answer, self.top)
            if place in block.errors:
                found[ERROR] = block.errors[place]
            lines.append(json_text({**own, **{self.renamed.get(name, name): value for name, value in found.items()}}))
        return "".join(line + "\n" for line in lines).encode()


class Table(AnswerFormat):
    """Rows of the file's own columns and of the head's columns of an answer."""

    def added(self) -> list[str]:
        """The head's columns, and the error's."""
        return [*self.head.answer_columns(self.top), *([ERROR] if self.has_errors else [])]

    @property
    def names(self) -> list[str]:
        """All columns."""
        return [*self.own, *(self.renamed.get(name, name) for name in self.added())]

    def values(self, block: Inputs, answers: Sequence[Answer]) -> Iterator[list[Any]]:
        """The values of each row; an own column that a row lacks is None."""
        width = len(self.head.answer_columns(self.top))
        for place, own, answer in self.pairs(block, answers):
            found = [None] * width if answer is None else self.head.answer_cells(answer, self.top)
            error = [block.errors.get(place)] if self.has_errors else []
            yield [*(own.get(name) for name in self.own), *found, *error]


class Csv(Table):
    """Values separated by commas, or as in the input, and quoted as RFC 4180 has it; a list is JSON."""

    def __init__(self, top: int | None, delimiter: str = ",") -> None:
        super().__init__(top)
        self.delimiter = delimiter

    def header(self) -> bytes:
        """The line of names."""
        return self._lines([self.names])

    def rows(self, block: Inputs, answers: Sequence[Answer]) -> bytes:
        """Lines, or more where a cell holds line breaks."""
        return self._lines([cell_text(value) for value in row] for row in self.values(block, answers))

    def _lines(self, rows: Iterable[list[str]]) -> bytes:
        lines = _Lines()
        csv.writer(lines, delimiter=self.delimiter, lineterminator="\r\n").writerows(rows)
        return "".join(lines.lines).encode("utf-8", "replace")


class _Lines:
    """Takes csv's lines. Their end is its CR LF, for which it quotes a cell with either, and here LF."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        """Take a line."""
        self.lines.append(line.removesuffix("\r\n") + "\n")


class Tsv(Table):
    """Tab-separated values without quoting: no cell holds a tab or a line break."""

    def look(self, block: Inputs) -> None:
        """Raise DataError for a tab or a line break."""
        super().look(block)
        for place, row in zip(block.places, block.own, strict=True):
            for name, value in row.items():
                if any(mark in cell_text(value) for mark in "\t\n\r"):
                    at = f"line {place['line']}" if "line" in place else f"row {place['row']}"
                    raise DataError(
                        f"{at}: the column '{name}' holds a tab or a line break, which no .tsv can hold: "
                        "write a .csv, .jsonl or .parquet"
                    )

    def header(self) -> bytes:
        """The line of names."""
        return ("\t".join(self.names) + "\n").encode()

    def rows(self, block: Inputs, answers: Sequence[Answer]) -> bytes:
        """A line a row."""
        rows = ("\t".join(map(cell_text, row)) + "\n" for row in self.values(block, answers))
        return "".join(rows).encode("utf-8", "replace")


def cell_text(value: Any) -> str:
    """A value as the text of a cell: empty for None, JSON for lists, objects, numbers, true and false."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """A value as JSON that UTF-8 can hold; a date as text, a number that is none as null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, allow_nan=False, default=str)
    except ValueError:
        text = json.dumps(_finite(value), allow_nan=False, default=str)
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
