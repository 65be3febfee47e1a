"""Find out how a file is to be read, from its first bytes; its name counts where nothing else tells. Light."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from bertkit.data.decoding import UTF_8, check_line_ends, codec_of, prefix
from bertkit.data.delimiters import Layout, layout_of
from bertkit.data.foreign import refuse_foreign
from bertkit.data.header import is_header, is_known
from bertkit.data.packed import opened
from bertkit.data.read_conll import sentences
from bertkit.data.read_folders import class_folders
from bertkit.errors import DataError
from bertkit.sources import FileFormat

PREFIX = 1 << 20
"""Bytes that are looked at."""
WORDS = 2_000
"""Lines that are looked at for columns of words and tags."""
CHUNK = re.compile(r"[BIESLUMO](?:[-_].+)?|-X-")
"""Tags of chunks, in any scheme."""
HEADED = {"word", "words", "token", "tokens", "form"}


def detect(path: Path, encoding: str | None = None, header: bool | None = None) -> FileFormat:
    """How a file is read: its layout, delimiter, encoding, and whether its first line names the columns.

    `encoding` and `header` are what the user says of it. Only the first megabyte is read. Raises DataError if the file
    is none that holds rows, RequestError for an encoding that does not exist.
    """
    codec = codec_of(encoding) if encoding else UTF_8
    if path.is_dir():
        if class_folders(path):
            return FileFormat(kind="folders", encoding=codec)
        raise DataError(f"{path} is a folder, and holds no folder of texts for each class (pos/*.txt, neg/*.txt)")
    if not path.is_file():
        raise DataError(f"{path}: {'no plain file' if path.exists() else 'there is no such file'}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    refuse_foreign(path)
    with opened(path) as file:
        start = file.read(4)
    if start == b"PAR1":
        return FileFormat(kind="parquet")
    text, whole = prefix(path, PREFIX, codec)
    if not text.strip():
        raise DataError(f"{path} is empty" if whole else f"{path} begins with {PREFIX:,} bytes of white space")
    found = _json(text, whole) or _conllu(text) or _conll(text, header)
    if found is None:
        check_line_ends(path)
        found = _table(path, text, whole, header)
    return FileFormat(**{**vars(found), "encoding": codec})


def _json(text: str, whole: bool) -> FileFormat | None:
    body = text.strip()
    if body.startswith("{"):
        return FileFormat(kind="jsonl" if _is_line(body, whole) else "json")
    if body.startswith("[") and _is_list(body, whole):
        return FileFormat(kind="json")
    return None


def _is_line(body: str, whole: bool) -> bool:
    """Whether the first line is an object by itself, and no SQuAD file of one line."""
    first, _, rest = body.partition("\n")
    if not rest and not whole:
        return False
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and (bool(rest) or not isinstance(found.get("data"), list))


def _is_list(body: str, whole: bool) -> bool:
    """Whether this is, or begins, a JSON list: a text may begin with a bracket too."""
    inner = body[1:].lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(inner)
    except (ValueError, RecursionError):
        return inner.startswith(("{", "[{", "[[", '["')) or inner == "]"
    return inner[end:].lstrip()[:1] in (",", "]") or (not whole and not inner[end:].strip())


def _conllu(text: str) -> FileFormat | None:
    lines = [line.split("\t") for line in text.split("\n")[:WORDS] if line.strip() and not line.startswith("#")]
    if not lines or lines[0][0].split("-")[0] != "1":
        return None
    good = sum(len(cells) == 10 and bool(re.fullmatch(r"\d+(?:[-.]\d+)?", cells[0])) for cells in lines)
    heads = sum(len(cells) == 10 and bool(re.fullmatch(r"\d+|_", cells[6])) for cells in lines)
    return FileFormat(kind="conllu") if min(good, heads) >= 0.9 * len(lines) else None


def _conll(text: str, header: bool | None) -> FileFormat | None:
    """Columns of words and tags: lines of few columns, in blocks, whose last column has few values."""
    lines = text.split("\n")[:WORDS]
    kept = [line for line in lines if line.strip() and not line.startswith(("-DOCSTART-", "# "))]
    if not kept:
        return None
    delimiter = "\t" if sum("\t" in line for line in kept) > len(kept) / 2 else " "
    blocks = [[cells for _, cells in block] for block in sentences(iter(enumerate(lines, 1)), delimiter)]
    words = [cells for block in blocks for cells in block]
    width, same = Counter(map(len, words)).most_common(1)[0]
    if not 2 <= width <= 16 or same < 0.9 * len(words):
        return None
    fitting = [cells for cells in words if len(cells) == width]
    tags = Counter(cells[-1] for cells in fitting)
    if any(" " in cell for cells in fitting for cell in (cells[0], cells[-1])):
        return None
    chunks = all(CHUNK.fullmatch(tag) for tag in tags)
    apart = len(blocks) > 1 and len(words) >= 2 * len(blocks)
    if not ((apart and (chunks or len(tags) <= max(2, len(fitting) / 4))) or (chunks and len(fitting) > 1)):
        return None
    headed = fitting[0][0].casefold() in HEADED and is_known(fitting[0][-1])
    counted = width > 2 and all(block[0][0] in "01" and _counts(block) for block in blocks)

    columns = [f"column {place}" for place in range(1, width + 1)]
    columns[int(counted)], columns[-1] = "words", "tags"
    return FileFormat(
        kind="conll", delimiter=delimiter, header=headed if header is None else header, columns=tuple(columns)
    )


def _counts(block: list[list[str]]) -> bool:
    """Whether the first column numbers the words of the sentence."""
    return all(cells[0].isdigit() for cells in block) and int(block[-1][0]) - int(block[0][0]) == len(block) - 1


def _table(path: Path, text: str, whole: bool, header: bool | None) -> FileFormat:
    layout = layout_of(text, whole)
    if layout is None:
        layout = _single(path, text)
    headed = is_header(layout.records) if header is None else header
    if headed is None:
        first = ", ".join(f"'{cell[:40]}'" for cell in layout.records[0][:5])
        raise DataError(f"{path}: is line 1 ({first}) the columns' names or a row? Say --header or --no-header")
    columns = () if headed else tuple(f"column {place}" for place in range(1, layout.width + 1))
    kind = "csv" if layout.quoted else "tsv"
    return FileFormat(
        kind="csv" if kind == "csv" else "tsv", delimiter=layout.delimiter, header=headed, columns=columns
    )


def _single(path: Path, text: str) -> Layout:
    """A table of one column. Raises DataError if nothing says that the file is one."""
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    if path.suffix.lower() in (".csv", ".tsv") or is_known(lines[0]):
        return Layout(delimiter=",", quoted=True, records=[[line] for line in lines], share=1.0)
    raise DataError(f"{path}: {_hint(lines)}")


def _hint(lines: list[str]) -> str:
    """What a text without columns is, as far as its lines tell, and how its rows can be given."""
    if lines[0].startswith("__label__"):
        return "these are fastText's lines: give them as TSV (sed -E 's/^__label__([^ ]+) /\\1\\t/')"
    first = Counter(line.split()[0] for line in lines)
    if len(lines) >= 10 and len(first) <= len(lines) / 4 and all(len(line.split()) > 1 for line in lines):
        label = first.most_common(1)[0][0]
        return (
            f"no columns; if the first word of each line is its label ('{label}'), put a tab after it (sed 's/ /\\t/')"
        )
    return "no columns are found: it is not CSV, TSV, JSON, Parquet, CoNLL or CoNLL-U"
