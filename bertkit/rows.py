"""Rows: what was located, read into a memory-mapped `datasets.Dataset` with a stable `row_id`.

A row's columns are the roles its head asks for (`text`, `text_pair`, `label`; `words`, `tags`; `question`,
`context`, `answers`), plus `row_id` and `group`. Labels are names: how the data spells them ends here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.errors import DataError
from bertkit.heads import Classification, Head, Number, Span, Tagging
from bertkit.readers import read_raw
from bertkit.sources import Located, Source

if TYPE_CHECKING:
    from datasets import Dataset

READER = 1
"""Raised by hand whenever the reading changes: rows kept by an older reader are read anew."""

CHUNK = 5_000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of one split: a memory-mapped table, where it came from, and a digest of what it holds."""

    table: Dataset
    origin: str
    digest: str
    there: int
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def limited(self, limit: int | None) -> Rows:
        """The first `limit` rows."""
        if limit is None or limit >= len(self.table):
            return self
        return Rows(
            table=self.table.select(range(limit)),
            origin=self.origin,
            digest=self.digest,
            there=self.there,
            notes=self.notes,
        )


def read_files(located: Located, source: Source, head: Head, golds: bool = True) -> Rows:
    """The rows in the files of a split. Raises DataError naming file and line."""
    digest = _files_digest(located.files, source, head, golds)
    headed = source.header if located.official else None

    def raw() -> Iterator[tuple[str, dict[str, Any]]]:
        for path in located.files:
            unit = "question" if path.suffix == ".json" else "line"
            for number, row in read_raw(path, headed):
                yield f"{path}, {unit} {number}", row

    table = _kept(digest, lambda: _tidy(raw(), source, head, golds), head)
    if not len(table):
        raise DataError(f"{located.files[0]} has no rows")
    origin = ", ".join(path.name for path in located.files)
    notes = (located.note,) if located.note else ()
    return Rows(table=table, origin=origin, digest=digest, there=len(table), notes=notes)


def read_hub(source: Source, split: str, head: Head, golds: bool = True) -> Rows:
    """The rows of a split on the Hub; their digest is that of the commit they came from."""
    from bertkit.hub import fetch_rows
    from bertkit.hub_rows import named_rows

    assert source.hub
    dataset, commit = fetch_rows(source.hub, split)
    name = f"{source.hub.id}/{source.hub.config or 'default'}/{source.hub.splits[split]}@{commit}"
    digest = hashlib.sha256(_key([name], source, head, golds)).hexdigest()

    def raw() -> Iterator[tuple[str, dict[str, Any]]]:
        for number, row in named_rows(dataset):
            yield f"{source.hub and source.hub.id}, {split} row {number}", row

    table = _kept(digest, lambda: _tidy(raw(), source, head, golds), head)
    return Rows(table=table, origin=name, digest=digest, there=len(table))


def carve(rows: Rows, seed: int, train: int, of: int) -> tuple[Rows, Rows]:
    """Whole groups (documents) of a dev split, drawn by `seed`, as train rows; the others as dev rows.

    Of G groups round(G * train / of) train. Raises DataError where there are fewer than two groups.
    """
    import numpy as np

    groups = rows.table["group"]
    names = sorted(set(groups))
    if len(names) < 2:
        raise DataError(f"{rows.origin} has one document only: no part of it can train while another scores")
    count = min(max(round(len(names) * train / of), 1), len(names) - 1)
    chosen = {names[i] for i in np.random.default_rng(seed).permutation(len(names))[:count]}
    place = {True: f"{count} of {len(names)} documents", False: f"{len(names) - count} of {len(names)} documents"}
    parts = []
    for training in (True, False):
        picked = [i for i, group in enumerate(groups) if (group in chosen) == training]
        parts.append(
            Rows(
                table=rows.table.select(picked),
                origin=f"{place[training]} of {rows.origin}, drawn by seed {seed}",
                digest=hashlib.sha256(f"{rows.digest} {seed} {training}".encode()).hexdigest(),
                there=len(picked),
                notes=rows.notes,
            )
        )
    return parts[0], parts[1]


def _tidy(
    raw: Iterable[tuple[str, dict[str, Any]]], source: Source, head: Head, golds: bool
) -> Iterator[dict[str, Any]]:
    """Raw rows as the head's columns, labels by name. Raises DataError at the first that does not fit."""
    names: dict[str, str] | None = None
    read = {Classification: _classified, Tagging: _tagged, Span: _asked}[type(head)]
    for index, (where, row) in enumerate(raw):
        if names is None:
            names = _column_names(row, where, source, head, golds)
        try:
            values = {role: row[name] for role, name in names.items()}
        except KeyError as error:
            raise DataError(f"{where}: no column {error}") from error
        tidied = read(where, values, source, head)
        tidied["row_id"] = str(values.get("id") or index)
        tidied["group"] = str(values.get("group") or "")
        yield tidied


def _column_names(
    row: Mapping[str, Any], where: str, source: Source, head: Head, golds: bool
) -> dict[str, str]:
    """For each role the name its column has here."""
    found = {}
    gold = head.roles[-1]
    for role, candidates in source.columns.items():
        name = next((name for name in candidates if name in row), None)
        if name is not None and (golds or role != gold):
            found[role] = name
        elif role in head.roles and (golds or role != gold):
            raise DataError(
                f"{where.partition(', line')[0]}: no column '{candidates[0]}' for the {role}; "
                f"it has {', '.join(map(str, row))}"
            )
    return found


def _text(where: str, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        kind = "empty" if value is None or isinstance(value, str) else f"a {type(value).__name__}, not text"
        raise DataError(f"{where}: the {role} is {kind}")
    return value


def _classified(where: str, values: Mapping[str, Any], source: Source, head: Classification) -> dict[str, Any]:
    row: dict[str, Any] = {"text": _text(where, "text", values["text"]), "text_pair": None, "label": None}
    if head.pair:
        row["text_pair"] = _text(where, "text_pair", values["text_pair"])
    if values.get("label") is not None:
        row["label"] = _label(where, values["label"], source, head)
    elif "label" in values:
        raise DataError(f"{where}: no label: a split without labels can be predicted, not trained on or scored")
    return row


def _label(where: str, raw: Any, source: Source, head: Classification) -> str | float:
    if isinstance(head.labels, Number):
        return _number(where, raw, head.labels)
    known = {name.lower(): name for name in head.labels if isinstance(head.labels, tuple)}
    known |= {spelt.lower(): name for spelt, name in source.labels.items()}
    label = known.get(str(raw).strip().lower())
    if label is None and str(raw).strip() in ("", "-1"):
        raise DataError(f"{where}: no label: a split without labels can be predicted, not trained on or scored")
    if label is None:
        raise DataError(f"{where}: unknown label '{raw}'; expected one of {', '.join(head.labels)}")
    return label


def _number(where: str, raw: Any, span: Number) -> float:
    try:
        number = float(raw)
    except (TypeError, ValueError):
        raise DataError(f"{where}: '{raw}' is not a number") from None
    if not span.low <= number <= span.high:
        raise DataError(f"{where}: {number:g} is not between {span.low:g} and {span.high:g}")
    return number


def _tagged(where: str, values: Mapping[str, Any], source: Source, head: Tagging) -> dict[str, Any]:
    words = list(values["words"])
    for word in words:
        _text(where, "word", word)
    if not words:
        raise DataError(f"{where}: a sentence without words")
    tags = None
    if values.get("tags") is not None:
        tags = [source.labels.get(tag, tag) for tag in values["tags"]]
        if len(tags) != len(words):
            raise DataError(f"{where}: {len(words)} words but {len(tags)} tags")
        unknown = [tag for tag in tags if isinstance(head.labels, tuple) and tag not in head.labels]
        if unknown:
            raise DataError(f"{where}: unknown tag '{unknown[0]}'; expected one of {', '.join(head.labels)}")
    return {"words": words, "tags": tags}


def _asked(where: str, values: Mapping[str, Any], source: Source, head: Span) -> dict[str, Any]:
    name = f"{where} ('{values.get('id')}')"
    context = _text(name, "context", values["context"])
    row = {"question": _text(name, "question", values["question"]), "context": context, "answers": None}
    golds = values.get("answers")
    if golds is None:
        return row
    if not golds and not head.no_answer:
        raise DataError(f"{name}: no answer; questions without one are for squad_v2")
    for gold in golds:
        text, start = gold.get("text"), gold.get("start")
        if not isinstance(text, str) or not isinstance(start, int) or not text:
            raise DataError(f"{name}: an answer needs its text and its offset (answer_start)")
        if start < 0 or context[start : start + len(text)] != text:
            raise DataError(f"{name}: the answer '{text[:60]}' is not at its offset {start} of the document")
    row["answers"] = [{"text": gold["text"], "start": gold["start"]} for gold in golds]
    return row


def _features(head: Head) -> Any:
    from datasets import Features, List, Value

    text, ident = Value("string"), {"row_id": Value("string"), "group": Value("string")}
    if isinstance(head, Classification):
        label = Value("float64") if isinstance(head.labels, Number) else text
        return Features({**ident, "text": text, "text_pair": text, "label": label})
    if isinstance(head, Tagging):
        return Features({**ident, "words": List(text), "tags": List(text)})
    answers = List({"text": text, "start": Value("int64")})
    return Features({**ident, "question": text, "context": text, "answers": answers})


def _kept(digest: str, read: Callable[[], Iterator[dict[str, Any]]], head: Head) -> Dataset:
    """The Arrow file kept for `digest`, memory-mapped; written first (whole or not at all) if there is none."""
    import pyarrow as pa
    from datasets import Dataset

    folder = Path(os.environ.get("BERTKIT_CACHE") or Path.home() / ".cache" / "bertkit") / "rows"
    path = folder / f"{digest}.arrow"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        schema = _features(head).arrow_schema
        try:
            with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
                for chunk in _chunks(read()):
                    writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
            beside.replace(path)
        except UnicodeEncodeError as error:
            raise DataError(f"a text holds half a surrogate pair, which is no character: {error.reason}") from error
        finally:
            beside.unlink(missing_ok=True)
    return Dataset.from_file(str(path))


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _files_digest(files: tuple[Path, ...], source: Source, head: Head, golds: bool) -> str:
    digest = hashlib.sha256(_key([path.suffix for path in files], source, head, golds))
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _key(parts: list[str], source: Source, head: Head, golds: bool) -> bytes:
    """What the reading depends on, beside the bytes that are read."""
    reading = [parts, READER, source.columns, source.labels, source.header, repr(head), golds]
    return json.dumps(reading, sort_keys=True, default=list).encode()


