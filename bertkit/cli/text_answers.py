"""What `bertkit fill` and `bertkit generate` share: read the texts, load the model, print what it gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any
from unicodedata import category

from bertkit.cli import screen
from bertkit.cli.options import Display
from bertkit.deploy import texts as reading
from bertkit.deploy.texts import Answerer, Check
from bertkit.request.text_flags import STANDARD, TextFlags

Load = Callable[[], Answerer]
Show = Callable[[Any, str], None]
"""Prints an answer behind the number of its text, which is "" for one alone."""


def printable(text: str) -> str:
    """The text without control characters, of which a terminal obeys some; JSON has them escaped."""
    return "".join(char if char in "\n\t" or category(char) != "Cc" else "\ufffd" for char in text)


def answer_typed(texts: Sequence[str], check: Check | None, load: Load, show: Show, display: Display) -> None:
    """Print the answers to typed texts. Raises DataError for one that cannot be answered."""
    names = reading.typed_names(texts)
    reading.check_texts(texts, names, check)
    with closing(screen.progress_named(display.silent, "texts")) as progress:
        progress.phase("loading", 1)
        found = reading.answers(load(), texts, names)
    for number, one in enumerate(found, 1):
        if display.json:
            sys.stdout.write(reading.json_line({"row": number, **one.plain()}))
        else:
            show(one, f"{number}  " if len(found) > 1 else "")


def answer_file(flags: TextFlags, check: Check | None, load: Load, display: Display) -> None:
    """Write a line of JSON for each line of a file or of stdin. Raises DataError if none can be answered."""
    if str(flags.file) == STANDARD:
        stdin = screen.standard_input()
        model = load()
        for block in reading.arriving_lines(stdin, check):
            sys.stdout.writelines(reading.answer_block(model, block)[0])
            sys.stdout.flush()
        return
    assert flags.file
    count = reading.count_lines(flags.file, reading.lines_of(flags.file, flags.encoding, check))
    # a bar is not drawn among answers on the same terminal
    with closing(screen.progress_named(display.quiet or sys.stdout.isatty(), flags.file.name)) as progress:
        progress.phase("loading", 1)
        model = load()
        progress.phase("answering", count)
        bad = 0
        for lines, errors in reading.answer_lines(model, reading.lines_of(flags.file, flags.encoding, check)):
            sys.stdout.writelines(lines)
            sys.stdout.flush()
            progress.advance(len(lines), examples=len(lines))
            bad += errors
        if bad:
            progress.note(f'{bad:,} of {count:,} lines without an answer; the key "error" says why')
