"""Read a JSON list one value at a time. Light."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Any

from bertkit.errors import DataError

MOST = 1 << 26
"""Characters of a value from which it is refused."""


def listed(blocks: Iterator[str], where: str) -> Iterator[Any]:
    """The values of the list that the blocks of text make up. Raises DataError, naming `where`, row and line."""
    text = _Text(blocks, where)
    text.pass_over("[")
    if text.following() == "]":
        text.pass_over("]")
    else:
        yield text.value()
        while text.following() == ",":
            text.pass_over(",")
            yield text.value()
        text.pass_over("]")
    if text.following():
        raise text.error("a second value begins after the list")


class _Text:
    """The text that is being read, and the place in it."""

    def __init__(self, blocks: Iterator[str], where: str) -> None:
        self.blocks = blocks
        self.where = where
        self.text = ""
        self.place = 0
        self.row = 0
        self.lines_before = 0
        self.decoder = json.JSONDecoder()

    def following(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            self.place = WHITESPACE.match(self.text, self.place).end()
            if self.place < len(self.text) or not self._grow():
                return self.text[self.place : self.place + 1]

    def pass_over(self, mark: str) -> None:
        found = self.following()
        if found != mark:
            raise self.error(f"expected '{mark}', found {repr(found) if found else 'the end'}")
        self.place += 1

    def value(self) -> Any:
        self.row += 1
        self.following()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.place)
            except RecursionError as error:
                raise self.error("nested too deeply") from error
            except ValueError as error:
                if len(self.text) - self.place > MOST or not self._grow(len(self.text) - self.place):
                    raise self.error(error.msg if isinstance(error, json.JSONDecodeError) else str(error)) from error
                continue
            if end + 2 < len(self.text) or not self._grow():  # a number may go on, as "1" of "1e-5" does
                self.place = end
                return value

    def error(self, what: str) -> DataError:
        line = self.lines_before + self.text.count("\n", 0, self.place) + 1
        return DataError(f"{self.where}, row {self.row} (line {line}): not JSON: {what}")

    def _grow(self, size: int = 1) -> bool:
        """Read `size` characters more, forgetting those before the place; whether there are any."""
        parts, read = [], 0
        while read < size and (block := next(self.blocks, "")):
            parts.append(block)
            read += len(block)
        if not read:
            return False
        self.lines_before += self.text.count("\n", 0, self.place)
        self.text, self.place = self.text[self.place :] + "".join(parts), 0
        return True
