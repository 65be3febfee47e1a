"""Find out how a file is to be read, from its first bytes; its name counts where nothing else tells. Light."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from bertkit.data.decoding import UTF_8, check_line_ends, codec_of, is_wide, prefix
from bertkit.data.delimiters import Layout, column_of, layout_of
from bertkit.data.foreign import refuse_foreign
from bertkit.data.header import is_header, is_known
from bertkit.data.packed import opened
from bertkit.data.read_conll import sentences
from bertkit.data.read_folders import class_folders
from bertkit.data.read_npz import is_npz
from bertkit.errors import DataError
from bertkit.sources import FileFormat

PREFIX = 1 << 20
"""Bytes that are looked at."""
START = 1 << 12
CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1b\x1f")
"""Bytes that texts have few of."""
WORDS = 2_000
"""Lines that are looked at for columns of words and tags."""
CHUNK = re.compile(r"[BIESLUMO](?:[-_].+)?|-X-")
"""Tags of chunks, in any scheme."""
SHOWN = 5
"""Cells of a first line that are shown."""
LISTED = 'rows in JSON are objects, {"text": ..., "label": ...}: here is a list of something else'
HEADED = {"word", "words", "token", "tokens", "form"}


def detect(path: Path, encoding: str | None = None, header: bool | None = None) -> FileFormat:
    """How a file is read: its layout, delimiter, encoding, and whether its first line names the columns.

    `encoding` and `header` are what the user says of it. Only the first megabyte is read. Raises DataError if the file
    is none that holds rows, RequestError for an encoding that does not exist.
    """
    codec = UTF_8 if encoding is None else codec_of(encoding)
    if path.is_dir():
        if class_folders(path):
            return FileFormat(kind="folders", encoding=codec)
        raise DataError(f"{path} is a folder, and holds no folder of texts for each class (pos/*.txt, neg/*.txt)")
    if not path.is_file():
        raise DataError(f"{path}: {'no plain file' if path.exists() else 'there is no such file'}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    if is_npz(path):
        return FileFormat(kind="npz")
    if is_parquet(path, codec):
        return FileFormat(kind="parquet")
    text, whole = prefix(path, PREFIX, codec)
    if not text.strip(' \t\r\n,;|"'):
        raise DataError(f"{path} is empty" if whole else f"{path} begins with {PREFIX:,} bytes of white space")
    found = _json(path, text, whole) or _conllu(text) or _conll(text, header)
    if found is None:
        check_line_ends(path)
        found = _table(path, text, whole, header)
    return FileFormat(**{**vars(found), "encoding": codec})


def is_parquet(path: Path, codec: str = UTF_8) -> bool:
    """Whether the file is Parquet. Raises DataError if it is neither that nor text."""
    refuse_foreign(path)
    with opened(path) as file:
        start = file.read(START)
    if start.startswith(b"PAR1"):
        return True
    if codec == UTF_8 and not is_wide(start) and sum(start.count(byte) for byte in CONTROLS) > len(start) / 20:
        raise DataError(f"{path} is no text, and nothing else that bertkit reads: CSV, TSV, JSON, Parquet, CoNLL(-U)")
    return False


def _json(path: Path, text: str, whole: bool) -> FileFormat | None:
    by_lines = path.suffix.lower() in (".jsonl", ".ndjson")
    body = text.strip()
    if re.match(r"""\{\s*["'}]""", body):
        return FileFormat(kind="jsonl" if _is_line(body, whole, by_lines) else "json")
    if body.startswith("[") and _is_list(body, whole):
        if body[1:].lstrip()[:1] not in ("{", "]"):
            raise DataError(f"{path}: {LISTED}")
        return FileFormat(kind="json")
    return None


def _is_line(body: str, whole: bool, by_lines: bool) -> bool:
    """Whether the first line is an object by itself, with others below it, or named JSON Lines and no SQuAD file."""
    first, _, rest = body.partition("\n")
    if not rest and not (whole and by_lines):
        return False
    found = _parsed(first)
    return isinstance(found, dict) and (bool(rest) or not isinstance(found.get("data"), list))


def _is_list(body: str, whole: bool) -> bool:
    """Whether this is, or begins, a JSON list: a text may begin with a bracket too."""
    if whole and isinstance(_parsed(body), list):
        return True
    return bool(re.match(r"""\[\s*\{\s*["}]""" if whole else r"""\[[\[\s]*["{]""", body))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _conllu(text: str) -> FileFormat | None:
    lines = [line.split("\t") for line in text.split("\n")[:WORDS] if line.strip() and not line.startswith("#")]
    if not lines or lines[0][0].split("-")[0] != "1":
        return None
    good = sum(len(cells) == 10 and bool(re.fullmatch(r"\d+(?:[-.]\d+)?", cells[0])) for cells in lines)
    heads = sum(len(cells) == 10 and bool(re.fullmatch(r"\d+|_", cells[6])) for cells in lines)
    return FileFormat(kind="conllu") if min(good, heads) >= 0.9 * len(lines) else None


def _conll(text: str, header: bool | None) -> FileFormat | None:
    """Columns of words and tags: lines of few columns, in blocks, the tags last and of few kinds."""
    lines = text.split("\n", WORDS)[:WORDS]
    kept = [line for line in lines if line.strip() and not line.startswith(("-DOCSTART-", "# "))]
    if not kept:
        return None
    delimiter = "\t" if sum("\t" in line for line in kept) > len(kept) / 2 else " "
    blocks = [[cells for _, cells in block] for block in sentences(iter(enumerate(lines, 1)), delimiter)]
    words = [cells for block in blocks for cells in block]
    if not words:
        return None
    width, same = Counter(map(len, words)).most_common(1)[0]
    if not 2 <= width <= 16 or same < 0.9 * len(words):
        return None
    headed = words[0][0].casefold() in HEADED and is_known(words[0][-1])
    fitting = [cells for cells in words[headed:] if len(cells) == width]
    counted = width > 2 and all(map(_counts, blocks)) and len(words) > len(blocks)
    places = _places(fitting, int(counted), len(blocks))
    if places is None:
        return None
    names = {places[0]: "words", places[1]: "tags"}
    columns = tuple(names.get(place, f"column {place + 1}") for place in range(width))
    return FileFormat(kind="conll", delimiter=delimiter, header=headed if header is None else header, columns=columns)


def _places(lines: list[list[str]], first: int, blocks: int) -> tuple[int, int] | None:
    """The places of the words and of the tags among the columns; None if there are no such columns."""
    if sum(" " in cells[first] or " " in cells[-1] for cells in lines) > len(lines) / 20:
        return None
    last = Counter(cells[-1] for cells in lines)
    if _are_chunks(last) or (blocks > 1 and len(lines) >= 2 * blocks and len(last) <= max(2, len(lines) / 4)):
        return first, -1 + len(lines[0])
    if first == 0 and _are_chunks(Counter(cells[0] for cells in lines)):
        return len(lines[0]) - 1, 0
    return None


def _are_chunks(tags: Counter[str]) -> bool:
    """Whether these are tags of chunks in some scheme, one of them outside or of a type at least."""
    return all(map(CHUNK.fullmatch, tags)) and sum(tags.values()) > 1 and any(tag == "O" or "-" in tag for tag in tags)


def _counts(block: list[list[str]]) -> bool:
    """Whether the first column numbers the words of the sentence."""
    ids = [cells[0] for cells in block]
    return ids[0] in ("0", "1") and ids == [str(int(ids[0]) + place) for place in range(len(ids))]


def _table(path: Path, text: str, whole: bool, header: bool | None) -> FileFormat:
    if text.startswith(("__label__", '["')):
        raise DataError(f"{path}: {_hint(text.splitlines())}")
    layout = layout_of(text, whole, path.suffix.lower()) or _single(path, text, whole)
    headed = header
    if len(layout.first) != layout.width and header is not False:
        most = f"{layout.width} columns"
        raise DataError(f"{path}, line 1: {len(layout.first)} columns ({_shown(layout)}), but most lines have {most}")
    ruled = [cell for cell in layout.records[0] if cell.strip()] if layout.records else []
    if ruled and all(re.fullmatch(":?-+:?", cell.strip()) for cell in ruled):
        raise DataError(f"{path} is a table in Markdown: save it as CSV")
    if headed is None:
        headed = is_header(layout.first, layout.records)
    if headed is None:
        raise DataError(
            f"{path}: does line 1 ({_shown(layout)}) name the columns, or is it a row? Say --header or --no-header"
        )
    return FileFormat(
        kind="csv" if layout.quoted else "tsv",
        delimiter=layout.delimiter,
        header=headed,
        columns=() if headed else tuple(f"column {place}" for place in range(1, layout.width + 1)),
    )


def _shown(layout: Layout) -> str:
    more = ", …" if len(layout.first) > SHOWN else ""
    return ", ".join(f"'{cell[:30]}'" for cell in layout.first[:SHOWN]) + more


def _single(path: Path, text: str, whole: bool) -> Layout:
    """A table of one column. Raises DataError if nothing says that the file is one."""
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    if path.suffix.lower() not in (".csv", ".tsv") and not is_known(lines[0]):
        raise DataError(f"{path}: {_hint(lines)}")
    return column_of(text, whole)


def _hint(lines: list[str]) -> str:
    """What a text without columns is, as far as its lines tell, and how its rows can be given."""
    if lines[0].startswith("__label__"):
        several = any(line.count("__label__") > 1 for line in lines)
        sed = "" if several else r" (sed -E 's/^__label__([^ ]+) /\1\t/')"
        return f"these are fastText's lines: give them as TSV, the labels in a column of their own{sed}"
    if lines[0].startswith('["'):
        return LISTED
    first = Counter(line.split()[0] for line in lines)
    rare = sum(times == 1 for times in first.values())
    if len(lines) >= 10 and len(first) <= len(lines) / 4 and rare <= len(lines) / 50 and " " in lines[0]:
        label = first.most_common(1)[0][0]
        return (
            f"no columns; if the first word of each line is its label ('{label}'), put a tab after it (sed 's/ /\\t/')"
        )
    return "no columns are found: it is not CSV, TSV, JSON, Parquet, CoNLL or CoNLL-U"
