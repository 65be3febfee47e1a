"""Divide rows into halves by the texts of another source, which stand in the same order: of parallel test sets."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bertkit.data.locate import DEV, TRAIN
from bertkit.data.rows import Rows, read_files, read_hub
from bertkit.errors import DataError
from bertkit.heads import Head
from bertkit.sources import Source, locate

TEXTS = ("text", "text_pair")


def half_of(rows: Rows, source: Source, split: str, head: Head, folder: Path | None) -> Rows:
    """The half of a source's `rows` that `split` has: "train" the first, any other the second; all if it is not halved.

    folder  where the files are; None is the Hub, which is read at the commit of `rows`

    The dev rows of `source.halved_by` divide them, each the one at its place: those that share a text, also by way of
    other rows, are in one half. Raises DataError where they are not found, or have another number.
    """
    guide = source.halved_by
    if guide is None:
        return rows
    texts = _guide_rows(rows, guide, head, folder)
    if len(texts) != len(rows):
        raise DataError(
            f"{rows.origin} has {len(rows):,} rows, and {texts.origin} {len(texts):,}: it divides them, so both must "
            "have the same rows in the same order"
        )
    columns = [texts.table[name] for name in TEXTS if name in head.schema()]
    first = in_first_half(list(zip(*columns, strict=True)))
    picked = [place for place, one in enumerate(first) if one == (split == TRAIN)]
    return replace(
        rows,
        table=rows.table.select(picked),
        origin=f"half of {rows.origin} ({len(picked):,} of {len(rows):,} rows), divided by sentence",
        digest=hashlib.sha256(f"{rows.digest} {texts.digest} {split == TRAIN}".encode()).hexdigest(),
        there=len(picked),
        carved=True,
    )


def _guide_rows(rows: Rows, guide: Source, head: Head, folder: Path | None) -> Rows:
    if folder is None:
        assert guide.hub and rows.hub
        return read_hub(replace(guide, hub=replace(guide.hub, revision=rows.hub.revision)), DEV, head)
    located = locate(guide, folder, DEV)
    if located is None:
        raise DataError(f"{rows.origin} is divided by {' or '.join(guide.files[DEV])}, which {folder} does not have")
    return read_files(located, guide, head)


def in_first_half(rows: Sequence[Sequence[str]]) -> list[bool]:
    """(R,) whether each row is in the first half; `rows` are their texts.

    Groups of rows that share a text, but for case and outer spaces, in the order of their first rows: each goes to the
    half that has fewer rows so far, the first one where both have as many.

    >>> in_first_half([("a", "b"), ("c", "d"), ("b", "e"), ("f", "g"), ("h", "i")])
    [True, False, True, False, True]
    """
    groups = _groups(rows)
    first, counts = dict[int, bool](), [0, 0]
    for group, size in Counter(groups).items():  # in the order of their first rows
        first[group] = counts[0] <= counts[1]
        counts[0 if first[group] else 1] += size
    return [first[group] for group in groups]


def _groups(rows: Sequence[Sequence[str]]) -> list[int]:
    """(R,) the group of each row: the connected components of rows and their texts."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = [[text.strip().casefold() for text in row] for row in rows]
    places = {name: len(rows) + k for k, name in enumerate(dict.fromkeys(name for row in names for name in row))}
    edges = [(row, places[name]) for row, texts in enumerate(names) for name in texts]
    size = len(rows) + len(places)
    (starts, ends), ones = zip(*edges, strict=True), [1] * len(edges)
    _, labels = connected_components(coo_array((ones, (starts, ends)), shape=(size, size)), directed=False)
    return [int(label) for label in labels[: len(rows)]]
