"""The boilerplate of Project Gutenberg's books: what stands before and behind the book."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

HEAD = 1_000
"""Lines in which a book's start is marked, if it is one of theirs."""

START = re.compile(r"\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG|\*END\*?\s*THE SMALL PRINT", re.I)
END = re.compile(
    r"\*{3}\s*END OF (?:THE|THIS) PROJECT GUTENBERG|(?:This is the )?End of (?:the |this )?Project Gutenberg", re.I
)


def of_book(lines: Iterator[str]) -> tuple[bool, Iterator[str]]:
    """Whether the lines are those of a book of Project Gutenberg, and the lines without its boilerplate."""
    head: list[str] = []
    for line in lines:
        if START.match(line.strip()):
            return True, _before_end(lines)
        head.append(line)
        if len(head) == HEAD:
            break
    return False, chain(head, lines)


def _before_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if END.match(line.strip()):
            return
        yield line
