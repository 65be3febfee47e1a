"""Read the documents of a corpus: text files, folders, JSON Lines, Parquet, datasets of the Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from bertkit.data.decoding import codec_of, lines
from bertkit.data.gutenberg import of_book
from bertkit.data.read_json import read_json, read_jsonl
from bertkit.data.read_parquet import read_parquet
from bertkit.data.sentences import sentences_of
from bertkit.errors import DataError, RequestError
from bertkit.files import expanded, sha256_once
from bertkit.findings import Findings
from bertkit.pretraining import Corpus
from bertkit.sources import HubRows

HUB = "hub:"
PACKED = (".gz", ".bz2", ".xz", ".zip")
ROWS = (".jsonl", ".ndjson", ".json", ".parquet")
NOT_TEXT = {
    ".csv": "a table", ".tsv": "a table", ".xlsx": "a workbook", ".docx": "a Word document", ".pdf": "a PDF",
    ".html": "a web page", ".htm": "a web page", ".epub": "an e-book",
}  # fmt: skip
"""Suffixes of files that hold more than their text."""
TEXT = "text"

WRAPPED = (40, 100)
"""How long every line but the last of a hard-wrapped paragraph is, at least and at most."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document as its sentences; `book` where boilerplate of Project Gutenberg was left out."""

    sentences: list[str]
    book: bool = False


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is read at once: a file, or a split of a dataset on the Hub.

    name  as it is called in messages
    key   of what it holds: the SHA-256 of its bytes, or the commit
    """

    name: str
    key: str
    path: Path | None = None
    hub: HubRows | None = None


def parts_of(typed: Iterable[str], corpus: Corpus) -> list[Part]:
    """The files of these paths, folders' in the order of their names, and the Hub's datasets. Raises RequestError."""
    found: list[Part] = []
    for one in typed:
        if one.startswith(HUB):
            found.append(_on_hub(one, corpus))
            continue
        path = expanded(one)
        if not path.exists():
            raise RequestError(f"corpus '{one}': there is no such file or folder")
        files = _below(path) if path.is_dir() else [path]
        if not files:
            raise RequestError(f"corpus '{one}': the folder holds no text files")
        found += [Part(name=str(file), key=sha256_once(file), path=file) for file in files]
    return found


def _below(folder: Path) -> list[Path]:
    """The text files of a folder and those below it; hidden ones, and those that hold more than text, are left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    seen = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return [path for path in seen if _suffix(path) not in NOT_TEXT]


def _suffix(path: Path) -> str:
    """A file's suffix in lower case, without that of its packing."""
    plain = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return plain.suffix.lower()


def _on_hub(typed: str, corpus: Corpus) -> Part:
    from bertkit.hub.fetch import fetch_rows

    hub = HubRows(id=typed.removeprefix(HUB), config=corpus.subset, splits={"train": corpus.split})
    commit = fetch_rows(hub, "train")[1]
    return Part(name=typed, key=f"{typed} {corpus.subset} {corpus.split} {commit}", hub=replace(hub, revision=commit))


def documents_of(part: Part, corpus: Corpus) -> Iterator[Document]:
    """The documents of a file, or of a dataset. Raises DataError, which names it."""
    if part.path is None:
        assert part.hub
        from bertkit.data.hf_datasets import named_rows
        from bertkit.hub.fetch import fetch_rows

        yield from _of_rows(named_rows(fetch_rows(part.hub, "train")[0]), part.name, corpus)
        return
    suffix, encoding = _suffix(part.path), None if corpus.encoding is None else codec_of(corpus.encoding)
    if suffix in NOT_TEXT:
        raise DataError(f"{part.name} is {NOT_TEXT[suffix]}: save its text as .txt, .jsonl or .parquet")
    findings = Findings([part.name], False)
    if suffix == ".parquet":
        yield from _of_rows(read_parquet(part.path), part.name, corpus)
    elif suffix == ".json":
        yield from _of_rows(read_json(part.path, findings, encoding)[1], part.name, corpus)
    elif suffix in ROWS:
        yield from _of_rows(read_jsonl(part.path, findings, encoding), part.name, corpus)
    else:
        yield from _of_text((line for _, line in lines(part.path, encoding=encoding)), corpus)


def _of_text(read: Iterator[str], corpus: Corpus) -> Iterator[Document]:
    """The documents of a text file's lines."""
    book, kept = of_book(read)
    whole = corpus.documents == "file" or (corpus.documents == "auto" and book)
    blocks = (list(block) for filled, block in groupby(kept, lambda line: bool(line.strip())) if filled)
    found: list[str] = []
    for block in blocks:
        sentences = _sentences(block, book)
        if whole:
            found += sentences
        elif sentences:
            yield Document(sentences=sentences, book=book)
    if found:
        yield Document(sentences=found, book=book)


def _sentences(block: list[str], book: bool) -> list[str]:
    """The sentences of lines that no blank line parts: one paragraph if they are hard-wrapped, else one a line."""
    least, most = WRAPPED
    wrapped = book or (len(block) > 1 and all(least <= len(line) <= most for line in block[:-1]))
    paragraphs = [" ".join(" ".join(block).split())] if wrapped else [" ".join(line.split()) for line in block]
    return [sentence for paragraph in paragraphs for sentence in sentences_of(paragraph)]


def _of_rows(rows: Iterable[tuple[int, dict[str, Any]]], name: str, corpus: Corpus) -> Iterator[Document]:
    """A document for each row."""
    column = corpus.column
    for number, row in rows:
        column = _column(row, column, name)
        text = row.get(column)
        if text is not None and not isinstance(text, str):
            raise DataError(f"{name}, row {number}: '{column}' is no text; --text-column names another")
        sentences = [one for line in (text or "").splitlines() for one in sentences_of(" ".join(line.split()))]
        if sentences:
            yield Document(sentences=sentences)


def _column(row: dict[str, Any], column: str | None, name: str) -> str:
    """The text column: the one named, "text", or the only one that holds text. Raises DataError."""
    if column is not None:
        if column not in row:
            raise DataError(f"{name} has no column '{column}'; it has {', '.join(row)}")
        return column
    texts = [key for key, value in row.items() if isinstance(value, str)]
    if TEXT in texts or len(texts) == 1:
        return TEXT if TEXT in texts else texts[0]
    raise DataError(f"{name} has no column 'text' (it has {', '.join(row)}): name one with --text-column")


def digest_of(sentences: list[str]) -> bytes:
    """A hash of a document's text, 16 bytes."""
    return hashlib.blake2b("\n".join(sentences).encode(errors="surrogatepass"), digest_size=16).digest()
