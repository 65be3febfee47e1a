"""Cut the lines of a text into paragraphs and documents, without Project Gutenberg's boilerplate. Light."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Literal

NAME = "Project Gutenberg"
HEAD = 1_000
"""Lines that are looked at to tell a book of Project Gutenberg, and lines that are hard-wrapped."""
FEWEST = 20
"""Lines that continue a paragraph, below which a text is not taken for hard-wrapped."""
STOPS = (*".!?。！？", '."', ".”")
LONGEST = 10_000
"""Hard-wrapped lines of a paragraph, after which it ends: text without blank lines."""
WIDTHS = range(40, 121)
"""Characters of the longest line of a hard-wrapped text."""

MARKS = re.compile(
    r"\s*(?:(?P<begin>\*{3,}\s*START OF (?:THE|THIS) PROJECT GUTENBERG|\*+\s*END\W{0,3}THE SMALL PRINT)"
    r"|(?P<end>\*{3,}\s*END OF (?:THE|THIS) PROJECT GUTENBERG|\[?END OF (?:(?:THE|THIS) )?PROJECT GUTENBERG"
    r"|\*+\s*START\W{0,3}THE SMALL PRINT))",
    re.IGNORECASE,
)
"""Where a book begins and where it ends; before 2003 it begins after the "small print"."""

CREDITS = re.compile(
    r"(?:(?:e-?)?text )?(?:produced|prepared|transcribed|scanned)\b"
    r"|(?:this|the) (?:project gutenberg )?e-?(?:text|book) (?:was|is|has been)\b",
    re.IGNORECASE,
)
"""How the paragraphs begin that say who typed a book, before it begins."""

Ends = Literal["blank-lines", "text", "line"]
"""What ends a document: blank lines, the end of the text, or the end of each line."""


@dataclass
class Boilerplate:
    """What was left out: books that had boilerplate, and its characters."""

    books: int = 0
    characters: int = 0


@dataclass(frozen=True, kw_only=True)
class Text:
    """The lines of a text, without their ends.

    is_book     whether it is a book of Project Gutenberg, with boilerplate
    is_wrapped  whether a line break within a paragraph is only a space
    """

    lines: Iterator[str]
    is_book: bool
    is_wrapped: bool


def text_of(lines: Iterable[str]) -> Text:
    """The text with these lines, recognised by the first HEAD of them."""
    stream = iter(lines)
    head = list(islice(stream, HEAD))
    is_book = any((mark := MARKS.match(line)) is not None and mark.lastgroup == "begin" for line in head)
    return Text(lines=chain(head, stream), is_book=is_book, is_wrapped=is_book or _are_wrapped(head))


def _are_wrapped(lines: list[str]) -> bool:
    """Whether lines end where the next word would make them too long, mostly within a sentence."""
    continued = [(line.strip(), after) for line, after in pairwise(lines) if line.strip() and after.strip()]
    pairs = [(len(line), _first_word(after)) for line, after in continued]
    if len(pairs) < FEWEST or sum(line.endswith(STOPS) for line, _ in continued) > len(pairs) / 2:
        return False
    width = sorted(length for length, _ in pairs)[int(0.99 * len(pairs))]
    return width in WIDTHS and sum(length + word > width for length, word in pairs) >= 0.9 * len(pairs)


def _first_word(line: str) -> int:
    """The length of the first word and of the space before it."""
    return len(line.split(None, 1)[0]) + 1


def paragraphs(text: Text, ends: Ends, left_out: Boilerplate) -> Iterator[str | None]:
    """The paragraphs, stripped, and None where a document ends. What is left out is added to `left_out`."""
    inside, skipping, credited, parts = not text.is_book, False, text.is_book, list[str]()
    left_out.books += text.is_book
    for line in text.lines:
        mark = MARKS.match(line)
        stripped = line.strip()
        if parts and (mark or not stripped or len(parts) == LONGEST):
            paragraph, parts = " ".join(parts), []
            credited = credited and CREDITS.match(paragraph) is not None
            if credited or (text.is_book and NAME in paragraph):
                left_out.characters += len(paragraph)
            else:
                yield paragraph
        if mark:
            left_out.books += not text.is_book and inside and mark.lastgroup == "end"
            inside = credited = mark.lastgroup == "begin"
            skipping = not stripped.endswith("*")  # a long title goes on in the next line
            yield None
        elif not stripped:
            skipping = False
            if ends == "blank-lines":
                yield None
        if mark or not inside or skipping:
            left_out.characters += len(line) + 1
        elif stripped and text.is_wrapped and ends != "line":
            parts.append(stripped)
        elif stripped:
            yield stripped
            if ends == "line":
                yield None
    if parts:
        yield " ".join(parts)
    yield None
