"""Whether a text file for a tagging run has a word a line, and not a text a line. Light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bertkit.data.decoding import prefix
from bertkit.data.detect import PREFIX, WORDS
from bertkit.data.read_conll import sentences
from bertkit.errors import DataError
from bertkit.heads.tagging import NO_TAG
from bertkit.sources import FileFormat
from bertkit.task import Task

MOST = 0.75
"""Share of the lines that have as many columns as the file of training, at least: the others are bad lines."""


def word_lines(task: Task, path: Path, encoding: str, header: bool = False) -> FileFormat | None:
    """How a file with a word a line is read, alone or with the columns of training; None if its lines are texts.

    What tells them apart is a blank line behind a block of several lines, each with one word, or as many columns as
    the file of training, or the first of these, or a word and one of the run's tags. Raises DataError where a run on
    such files is given such lines with nothing between them.
    """
    text, _ = prefix(path, PREFIX, encoding)
    lines = text.removesuffix("\n").split("\n", WORDS)[:WORDS]
    tabs = any("\t" in line for line in lines)
    blocks = list(sentences(iter(enumerate(lines, 1)), "\t" if tabs else " "))
    words = [cells for block in blocks for _, cells in block]
    known = next((form for form in task.source.formats.values() if form.kind == "conll"), None)
    width, same = Counter(map(len, words)).most_common(1)[0] if words else (0, 0)
    columns = _columns(width, known, task.head.label_names, {cells[-1] for cells in words})
    if not columns or same < len(words) * (MOST if known else 1):
        return None
    ends = [block[-1][0] for block in blocks if len(block) > 1]
    ended = any(end < len(lines) and not lines[end].strip() for end in ends)
    if ended or (tabs and len(columns) > 1):
        delimiter = "\t" if tabs else " "
        return FileFormat(kind="conll", delimiter=delimiter, header=header, columns=columns, encoding=encoding)
    if known and ends and same == len(words):
        each = "one word" if len(columns) == 1 else f"{len(columns)} words"
        raise DataError(
            f"{path}: each line has {each}, and no line is blank: is it a word a line, or a text? A blank line after "
            "each sentence, or after each text, says so"
        )
    return None


def _columns(width: int, known: FileFormat | None, tags: Sequence[str], last: set[str]) -> tuple[str, ...]:
    """The columns of lines of this width; () if they are not those of training, nor words and tags.

    last  what their last columns hold
    """
    if width == 1:
        return ("words",)
    if known is None:
        return ("words", "tags") if width == 2 and last <= {*tags, NO_TAG} else ()
    columns = known.columns[:width]
    return columns if len(columns) == width and "words" in columns else ()
