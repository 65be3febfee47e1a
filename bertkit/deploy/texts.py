"""Texts for `bertkit fill` and `generate`: typed ones, the lines of a file, or lines as they arrive. Light."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from bertkit.data.decoding import UTF_8, codec_of, lines
from bertkit.errors import DataError, RequestError

BLOCK = 256
"""Lines that are read together."""


class Answered(Protocol):
    """What a language model gives for a text."""

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        ...


class Answerer(Protocol):
    """A language model that is loaded."""

    def answer(self, texts: Sequence[str]) -> Sequence[Answered | DataError]:
        """What it gives for each text, or why it cannot be read."""
        ...


Check = Callable[[str], None]
"""Raises DataError for a text that cannot be answered."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a file, and why it has no answer if it cannot have one."""

    number: int
    text: str
    error: str | None = None


def check_given(texts: Sequence[str], file: Path | None) -> None:
    """Raise RequestError unless there are texts or a file: one of them; or for a text that is not UTF-8."""
    if bool(texts) == (file is not None):
        raise RequestError("give texts, or --file: one of them")
    if any("\ud800" <= char <= "\udfff" for char in "".join(texts)):
        raise RequestError("the command line holds bytes that are not UTF-8: give the text in a file (--file)")


def typed_names(texts: Sequence[str]) -> list[str]:
    """How messages name typed texts: by their number, if there are several."""
    return [f"text {number}: " if len(texts) > 1 else "" for number in range(1, len(texts) + 1)]


def listed_texts(function: str, texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """A function's texts, and their names in messages. Raises RequestError for one text, DataError for another type."""
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise RequestError(f"give a list of texts, also for one: {function}(model, [text])")
    listed = list(texts)
    names = [f"texts[{index}]: " for index in range(len(listed))]
    for text, name in zip(listed, names, strict=True):
        if not isinstance(text, str):
            raise DataError(f"{name}a {type(text).__name__}, not a text")
    return listed, names


def check_texts(texts: Sequence[str], names: Sequence[str], check: Check | None = None) -> None:
    """Raise DataError for a text that cannot be answered; it begins with the text's name."""
    for text, name in zip(texts, names, strict=True):
        try:
            check_line(text, check)
        except DataError as error:
            raise DataError(f"{name}{error}") from None


def answers(model: Answerer, texts: Sequence[str], names: Sequence[str]) -> list[Any]:
    """An answer for each text. Raises DataError for one that cannot be read; it begins with the text's name."""
    found = model.answer(texts)
    for one, name in zip(found, names, strict=True):
        if isinstance(one, DataError):
            raise DataError(f"{name}{one}")
    return list(found)


def check_line(text: str, check: Check | None) -> None:
    """Raise DataError for a blank line, or a text that cannot be answered."""
    if not text.strip():
        raise DataError("the text is empty")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise DataError("the text holds half of a character (a surrogate), which no UTF-8 can hold")
    if check is not None:
        check(text)


def lines_of(path: Path, encoding: str | None, check: Check | None) -> Iterator[Line]:
    """The lines of a text file. Raises DataError for a file that cannot be read, RequestError for an encoding."""
    if not path.is_file():
        raise DataError(f"--file {path}: {'is a folder: give a file' if path.is_dir() else 'there is no such file'}")
    for number, text in lines(path, encoding=codec_of(encoding) if encoding is not None else UTF_8):
        yield _checked(Line(number=number, text=text), check)


def _checked(line: Line, check: Check | None) -> Line:
    try:
        check_line(line.text, check)
    except DataError as error:
        return Line(number=line.number, text=line.text, error=str(error))
    return line


def count_lines(path: Path, found: Iterable[Line]) -> int:
    """How many lines there are. Raises DataError if none can be answered."""
    count, good, first = 0, 0, None
    for line in found:
        count, good, first = count + 1, good + (line.error is None), first or line
    if first is None:
        raise DataError(f"{path} is empty")
    if not good:
        raise DataError(f"{path}: no line can be answered; line 1: {first.error}")
    return count


def answer_lines(model: Answerer, found: Iterable[Line]) -> Iterator[tuple[list[str], int]]:
    """Lines of JSON, BLOCK of them at a time, as `answer_block` gives them."""
    rest = iter(found)
    while block := list(islice(rest, BLOCK)):
        yield answer_block(model, block)


def answer_block(model: Answerer, block: list[Line]) -> tuple[list[str], int]:
    """A line of JSON for each line: its answer, or why it has none; and how many have none."""
    answered = iter(model.answer([line.text for line in block if line.error is None]))
    found = [next(answered) if line.error is None else DataError(line.error) for line in block]
    written = [_json_line(line, one) for line, one in zip(block, found, strict=True)]
    return written, sum(isinstance(one, DataError) for one in found)


def _json_line(line: Line, found: Answered | DataError) -> str:
    place = {"line": line.number}
    if isinstance(found, DataError):
        return json_line({**place, "text": line.text, "error": str(found)})
    return json_line({**place, **found.plain()})


def json_line(plain: dict[str, Any]) -> str:
    """An answer as JSON."""
    return json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n"


def arriving_lines(descriptor: int, check: Check | None) -> Iterator[list[Line]]:
    """The lines of a stream as they come, several together only if they have come."""
    from bertkit.deploy.arriving import arriving

    number = 0
    for some in arriving(descriptor):
        block = []
        for raw in some:
            number += 1
            block.append(_decoded(number, raw.removesuffix(b"\r"), check))
        yield block


def _decoded(number: int, raw: bytes, check: Check | None) -> Line:
    codec = "utf-8-sig" if number == 1 else "utf-8"
    try:
        return _checked(Line(number=number, text=raw.decode(codec)), check)
    except UnicodeDecodeError as error:
        shown = raw.decode(codec, "replace")
        return Line(number=number, text=shown, error=f"byte {raw[error.start]:#04x} is not UTF-8")
