"""Load the located rows into a memory-mapped Arrow table with a stable `row_id`.

A row's columns are the roles its head asks for (`text`, `text_pair`, `label`; `words`, `tags`; `question`,
`context`, `answers`), plus `row_id` and `group`. Labels are the task's names, however the data spells them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.data.blanks import answer_file, of_blanks
from bertkit.data.cache import cached
from bertkit.data.changes import marks_of, refuse_changed
from bertkit.data.nested import PlacedRow, unnested
from bertkit.data.readers import read_located, refuse_withheld
from bertkit.data.validate import validate_rows
from bertkit.errors import DataError
from bertkit.files import sha256_once
from bertkit.findings import Finding, Findings, SkippedRow, saved_findings
from bertkit.heads import Head
from bertkit.sources import HubRows, Located, Source

if TYPE_CHECKING:
    from bertkit.data.table import Table

READER = 4
"""Version of the readers; increase it when they change, so that cached rows are read again."""

CHUNK = 5_000
NAMED = 5
"""Files of a split up to which each is named."""
ROWS = "rows.arrow"
FINDINGS = "findings.json"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of one split: a memory-mapped table, where it came from, and a digest of what it holds.

    there   rows in the source, of which the table may hold the first only
    found   findings of the reader, by reason; `notes` has them as text
    skipped bad rows that were skipped
    hub     the Hub dataset, at the commit that was read
    carved  whether this is part of another split
    """

    table: Table
    origin: str
    digest: str
    there: int
    notes: tuple[str, ...] = ()
    found: tuple[Finding, ...] = ()
    skipped: tuple[SkippedRow, ...] = ()
    hub: HubRows | None = None
    carved: bool = False

    def __len__(self) -> int:
        return len(self.table)

    def limited(self, limit: int | None) -> Rows:
        """The first `limit` rows."""
        if limit is None or limit >= len(self.table):
            return self
        return replace(self, table=self.table.select(range(limit)))


def read_files(located: Located, source: Source, head: Head, golds: bool = True, skips: bool = False) -> Rows:
    """The rows in the files of a split; `skips` skips and counts bad rows, up to a share.

    Raises DataError naming file and line.
    """
    form = source.formats.get(located.split)
    in_folders = form is not None and form.kind == "folders"  # whose names are the labels
    digest = _files_digest(located.files, source, head, [golds, skips], in_folders)

    def read(findings: Findings) -> Iterator[dict[str, Any]]:
        return validate_rows(raw_of_files(located, source, findings), source, head, golds, findings)

    findings = Findings([str(path) for path in located.files], skips, source.drops_broken)
    table, found, skipped = _table(digest, read, head, findings)
    if not len(table):
        raise DataError(f"{located.files[0]} has no rows")
    names = [path.name for path in located.files]
    origin = ", ".join(names) if len(names) <= NAMED else f"{len(names):,} files, {names[0]} the first"
    notes = (*((located.note,) if located.note else ()), *(finding.line(names) for finding in found))
    return Rows(table=table, origin=origin, digest=digest, there=len(table), notes=notes, found=found, skipped=skipped)


def raw_of_files(located: Located, source: Source, findings: Findings) -> Iterator[PlacedRow]:
    """The rows of a split's files as they are there, each with its place; of nested objects their own rows."""
    form, before = source.formats.get(located.split), marks_of((*located.files, *_beside(located.files, source)))
    headed = source.header.get(located.split) if located.official else None
    read = chain.from_iterable(
        of_blanks(read_located(path, headed, findings, form), source.blanks, findings, path) for path in located.files
    )
    yield from unnested(read, source.nested, findings)
    refuse_changed(before)


def read_hub(source: Source, split: str, head: Head, golds: bool = True, skips: bool = False) -> Rows:
    """The rows of a split on the Hub; their digest includes the commit.

    For a full commit hash, cached rows are read without contacting the Hub.
    """
    import hashlib

    from bertkit.hub.fetch import fetch_rows

    assert source.hub
    hub = asked = source.hub
    if not re.fullmatch("[0-9a-f]{40}", hub.revision or ""):
        hub = replace(hub, revision=fetch_rows(hub, split)[1])
    name = f"{hub.id}/{hub.config or 'default'}/{hub.splits.get(split)}@{hub.revision}"
    digest = hashlib.sha256(_key([name], source, head, [golds, skips])).hexdigest()

    def read(findings: Findings) -> Iterator[dict[str, Any]]:
        raw = unnested(of_blanks(raw_of_hub(asked, split), source.blanks, findings), source.nested, findings)
        return validate_rows(raw, source, head, golds, findings)

    table, found, skipped = _table(digest, read, head, Findings([hub.id], skips, source.drops_broken))
    notes = tuple(finding.line([hub.id]) for finding in found)
    return Rows(
        table=table, origin=name, digest=digest, there=len(table), notes=notes, found=found, skipped=skipped, hub=hub
    )


def raw_of_hub(hub: HubRows, split: str) -> Iterator[PlacedRow]:
    """The rows of a split on the Hub as they are there, each with its place."""
    from bertkit.data.hf_datasets import named_rows
    from bertkit.hub.fetch import fetch_rows

    for number, row in refuse_withheld(named_rows(fetch_rows(hub, split)[0]), f"{hub.id}, {split}"):
        yield f"{hub.id}, {split} row {number}", row


def _table(
    digest: str, read: Callable[[Findings], Iterator[dict[str, Any]]], head: Head, findings: Findings
) -> tuple[Table, tuple[Finding, ...], tuple[SkippedRow, ...]]:
    """The table cached under `digest`, memory-mapped, with its findings and skipped rows; else `read` fills it."""
    import pyarrow as pa

    from bertkit.data.table import Table

    schema = pa.schema({"row_id": pa.string(), "group": pa.string(), **head.schema()})

    def write(folder: Path) -> None:
        with pa.OSFile(str(folder / ROWS), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for chunk in _chunks(read(findings)):
                writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
        findings.save(folder / FINDINGS)

    return cached(
        "rows", digest, write, lambda folder: (Table.from_file(folder / ROWS), *saved_findings(folder / FINDINGS))
    )


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _files_digest(files: tuple[Path, ...], source: Source, head: Head, how: list[bool], in_folders: bool) -> str:
    import hashlib

    files = (*files, *_beside(files, source))
    names = [f"{path.parent.name}/{path.name}" if in_folders else path.suffix for path in files]
    digest = hashlib.sha256(_key(names, source, head, how))
    for path in files:
        digest.update(bytes.fromhex(sha256_once(path)))
    return digest.hexdigest()


def _beside(files: Iterable[Path], source: Source) -> list[Path]:
    """The files of answers beside files of passages."""
    return [found for path in files if (found := answer_file(path))] if source.blanks else []


def _key(parts: list[str], source: Source, head: Head, how: list[bool]) -> bytes:
    """Everything that affects reading, other than the files' bytes."""
    reading = [parts, READER, source.columns, source.labels, source.header, source.dropped, source.drops_broken]
    reading += [repr(head), how]
    added = [sorted(source.formats.items()), sorted(source.joined.items()), source.separator, source.indicators]
    added += [sorted(source.written.items())]
    added += [source.listed, source.phrases, source.blanks] if source.listed or source.phrases or source.blanks else []
    added += [source.nested, source.marks] if source.nested or source.marks else []
    reading += [repr(added)] if any(added) else []  # so that rows read before have the digest they had
    return json.dumps(reading, sort_keys=True, default=list).encode()
