"""The files of a corpus, found by name, and the texts in them, each as its lines. Light at import."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bertkit.data.decoding import UTF_8, check_line_ends, codec_of, lines
from bertkit.data.foreign import refuse_foreign
from bertkit.data.read_json import read_json, read_jsonl
from bertkit.data.read_parquet import read_parquet
from bertkit.errors import DataError, RequestError
from bertkit.files import expanded
from bertkit.findings import Findings
from bertkit.pretraining import Corpus
from bertkit.sources import HubRows

HUB = "hub:"
PACKED = (".gz", ".bz2", ".xz", ".zip")
ROWS: dict[str, Kind] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet"}
TEXTS = (".txt", ".text", ".md", ".markdown", ".rst", ".u8", ".utf8", ".tokens", ".raw")
TAKEN = ((*TEXTS, ".jsonl", ".ndjson", ".parquet"), (".json",), ("",))
"""Suffixes of the files of a folder that are read: the first of these groups of which there are some."""
SHOWN = 5

Kind = Literal["text", "jsonl", "json", "parquet", "hub"]


@dataclass(frozen=True, kw_only=True)
class CorpusFile:
    """A file of a corpus, or a dataset of the Hub, and how it is read."""

    kind: Kind
    path: Path | None = None
    hub: HubRows | None = None

    @property
    def name(self) -> str:
        """How messages name it."""
        return str(self.path) if self.hub is None else f"{HUB}{self.hub.id}"

    @property
    def size(self) -> int:
        """Its bytes; 0 for a dataset of the Hub."""
        return self.path.stat().st_size if self.path else 0


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The files of a corpus in order, and how many of each suffix were left out of its folders."""

    files: tuple[CorpusFile, ...]
    left_out: Mapping[str, int]


def hub_rows(corpus: Corpus) -> list[HubRows]:
    """The datasets of the Hub that a corpus names, for `hub.access.prepare`. Raises RequestError."""
    typed = [path for path in (*corpus.paths, *corpus.held_out_files) if path.startswith(HUB)]
    if corpus.subset is not None and not typed:
        raise RequestError(f"--subset {corpus.subset}: the corpus names no dataset of the Hub, hub:OWNER/NAME")
    if corpus.split != "train" and not typed:
        raise RequestError(f"--split {corpus.split}: the corpus names no dataset of the Hub, hub:OWNER/NAME")
    return [_hub(path, corpus) for path in typed]


def listed(paths: Iterable[str], corpus: Corpus) -> Listed:
    """The files at these paths: those of folders in the order of their names. Raises DataError or RequestError."""
    files: list[CorpusFile] = []
    left_out: Counter[str] = Counter()
    for typed in paths:
        path = expanded(typed)
        if typed.startswith(HUB):
            files.append(CorpusFile(kind="hub", hub=_hub(typed, corpus)))
        elif path.is_dir():
            found, others = _taken(path)
            files += map(_file, found)
            left_out.update(map(_suffix, others))
        elif path.is_file():
            files.append(_file(path))
        else:
            what = "neither a file nor a folder" if path.exists() else "there is no such file or folder"
            raise DataError(f"{typed}: {what}")
    return Listed(files=tuple(files), left_out=left_out)


def texts_of(file: CorpusFile, corpus: Corpus) -> Iterator[Iterator[str]]:
    """The texts in a file, each as its lines: a text file is one, and so is each row. Raises DataError."""
    if file.hub is not None:
        rows = _hub_texts(file.hub, corpus)
    elif file.kind == "text":
        yield _lines(_path(file), corpus)
        return
    elif file.kind == "parquet":
        rows = _parquet_texts(_path(file), corpus)
    else:
        rows = _json_texts(_path(file), file.kind == "json", corpus)
    for where, value in rows:
        if value is None:
            continue
        if not isinstance(value, str):
            raise DataError(f"{where}: the text is a {type(value).__name__}; name another column with --text-column")
        yield iter(value.split("\n"))


def _path(file: CorpusFile) -> Path:
    assert file.path is not None
    refuse_foreign(file.path)
    return file.path


def _hub(typed: str, corpus: Corpus) -> HubRows:
    name = typed.removeprefix(HUB)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise RequestError(f"{typed}: a dataset of the Hub is called hub:OWNER/NAME")
    return HubRows(id=name, config=corpus.subset, splits={"train": corpus.split})


def _file(path: Path) -> CorpusFile:
    return CorpusFile(kind=ROWS.get(_suffix(path), "text"), path=path)


def _suffix(path: Path) -> str:
    """The suffix of what is packed; "" for none, and for numbers, as newsgroups have them."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    named = suffixes[:-1] if suffixes and suffixes[-1] in PACKED else suffixes
    suffix = named[-1] if named else ""
    return "" if suffix[1:].isdigit() else suffix


def _taken(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files below a folder that are read, and the others; hidden ones are neither. Raises DataError if none is."""
    there: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if name[0] != "." and name != "__MACOSX"]
        there += [Path(place, name) for name in names if name[0] != "." and Path(place, name).is_file()]
    there.sort()
    for suffixes in TAKEN:
        taken = [path for path in there if _suffix(path) in suffixes]
        if taken:
            return taken, [path for path in there if _suffix(path) not in suffixes]
    shown = ", ".join(str(path.relative_to(folder)) for path in there[:SHOWN])
    more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
    has = f"it has {shown}{more}: name files to read them as text" if there else "it is empty"
    raise DataError(f"{folder}: no text files ({', '.join(TAKEN[0])}); {has}")


def _raise(error: OSError) -> None:
    raise error


def _lines(path: Path, corpus: Corpus) -> Iterator[str]:
    check_line_ends(path)
    for number, line in lines(path, encoding=codec_of(corpus.encoding) if corpus.encoding else UTF_8):
        if "\0" in line:
            raise DataError(f"{path}, line {number}: byte 0x00: the file is not text")
        yield line


def _json_texts(path: Path, whole: bool, corpus: Corpus) -> Iterator[tuple[str, Any]]:
    encoding = codec_of(corpus.encoding) if corpus.encoding else UTF_8
    findings = Findings([path])
    unit, rows = read_json(path, findings, encoding) if whole else ("line", read_jsonl(path, findings, encoding))
    column: str | None = None
    for number, row in rows:
        where = f"{path}, {unit} {number}"
        if column is None:
            texts = [name for name, value in row.items() if isinstance(value, str)]
            column = text_column(where, list(row), texts, corpus.column)
        if column not in row:
            raise DataError(f"{where}: no column '{column}', but {', '.join(list(row)[:SHOWN])}")
        yield where, row[column]


def _parquet_texts(path: Path, corpus: Corpus) -> Iterator[tuple[str, Any]]:
    def chosen(names: list[str], texts: list[str]) -> list[str]:
        return [text_column(str(path), names, texts, corpus.column)]

    for number, row in read_parquet(path, chosen):
        yield f"{path}, row {number}", next(iter(row.values()))


def _hub_texts(hub: HubRows, corpus: Corpus) -> Iterator[tuple[str, Any]]:
    from bertkit.data.hf_datasets import named_rows
    from bertkit.hub.fetch import fetch_rows

    dataset, _ = fetch_rows(hub, "train")
    texts = [
        name for name, kind in dataset.features.items() if getattr(kind, "dtype", "") in ("string", "large_string")
    ]
    column = text_column(f"{HUB}{hub.id}", list(dataset.features), texts, corpus.column)
    for number, row in named_rows(dataset.select_columns([column])):
        yield f"{HUB}{hub.id}, row {number}", row[column]


def text_column(where: str, names: list[str], texts: list[str], named: str | None) -> str:
    """The column `named`; else "text", or the only one that holds text. Raises DataError, naming the columns."""
    shown = f"{', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"
    if named is not None:
        if named not in names:
            raise DataError(f"{where}: no column '{named}' (--text-column); its columns are {shown or 'none'}")
        return named
    if "text" in names:
        return "text"
    if len(texts) == 1:
        return texts[0]
    found = "no column holds text" if not texts else f"{len(texts)} columns hold text, and none is called 'text'"
    raise DataError(f"{where}: {found}; name the one to read with --text-column ({shown or 'it has none'})")
