"""Rows of a file for `bertkit predict`, made of its objects and passages as training and eval make them. Light."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from bertkit.data.blanks import of_blanks
from bertkit.data.columns import match_columns
from bertkit.data.nested import PlacedRow, unnested
from bertkit.deploy.inputs import readable
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.task import Task


def made_rows(task: Task, rows: Iterable[PlacedRow], findings: Findings) -> Iterator[PlacedRow]:
    """The rows that the task reads of these, with their places: several, or none, of one with several inside.

    The column of the passages may have its role's own name. A row that cannot be read so is a bad one.
    """
    blanks, coming = task.source.blanks, iter(rows)
    if blanks is not None and (first := next(coming, None)):
        coming = chain([first], coming)
        names = next((names for names in readable(task).columns.values() if blanks.text in names), ())
        found = match_columns(list(first[1]), {"text": (blanks.text, *names)}, (), first[0])
        blanks = replace(blanks, text=found.get("text", blanks.text))
    yield from unnested(of_blanks(coming, blanks, findings), task.source.nested, findings)


class Unmade(Findings):
    """Gives an object of which no row can be made its place among the rows, and counts it among others."""

    def __init__(self, kept: Findings, put: Callable[[str], Any]) -> None:
        super().__init__(skips=True)
        self._kept, self._put = kept, put

    def bad_row(self, where: str, error: DataError, broken: bool = False) -> None:
        """Put it in its place, and note why it has no answer."""
        self._put(where)
        self._kept.bad_row(where, error, broken)
