"""Columns of the rows' own files that no head reads, row by row: what they may be divided by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from bertkit.data.blanks import of_blanks
from bertkit.data.locate import TRAIN, SplitFiles, held_out_for
from bertkit.data.rows import PlacedRow, raw_of_files, raw_of_hub
from bertkit.data.validate import validate_rows
from bertkit.errors import RequestError
from bertkit.findings import Findings
from bertkit.heads import Head
from bertkit.spec import Spec
from bertkit.task import Evaluation

ANNOTATOR = re.compile(r"(label|annotat(?:or|ion)|rater|coder|judge)[ _-]?(label)?[ _-]?(\d+|[a-e])([ _-]label)?", re.I)
"""A column with the label of one annotator, such as label1 (MultiNLI) or rater_b_label."""
ANNOTATORS = ("annotator_labels",)
"""Columns with a list of them (SNLI)."""


@dataclass(frozen=True, kw_only=True)
class RawColumns:
    """Some columns of a split as its source has them.

    present  the columns of its first row
    cells    for each row that is kept, by its id, the cells of `names`
    """

    present: tuple[str, ...]
    names: tuple[str, ...]
    cells: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def column(self, name: str, ids: Sequence[str]) -> list[Any]:
        """The cells of these rows."""
        place = self.names.index(name)
        return [self.cells[ident][place] for ident in ids]


def raw_columns(
    spec: Spec, files: SplitFiles | None, evaluation: Evaluation, head: Head, chosen: Callable[[list[str]], list[str]]
) -> RawColumns:
    """The columns that are `chosen` among those of the first row, of the file that an evaluation's rows come from.

    The rest of the file is read only if some are; `head` is the task's, its labels resolved. Raises RequestError if
    rows cannot be told apart by their ids, and DataError as the first reading does.
    """
    skips, source = spec.on_bad_row == "skip", spec.task.source_of(evaluation)
    held_out = held_out_for(spec.task, files) == evaluation.name
    reads = head if head.label_names and not head.scores_unknown and not held_out else spec.task.head  # as splits.py
    split = TRAIN if held_out else evaluation.split
    if files is None:
        assert source.hub
        findings = Findings([source.hub.id], skips, source.drops_broken)
        raw = of_blanks(raw_of_hub(source.hub, split), source.blanks, findings)
    else:
        located = files[TRAIN if held_out else evaluation.name]
        assert located
        findings = Findings([str(path) for path in located.files], skips, source.drops_broken)
        raw = raw_of_files(located, source, findings)
    first = next(raw)
    present = [str(name) for name in first[1]]
    names = chosen(present)
    if not names:
        return RawColumns(present=tuple(present), names=())
    cells: dict[str, tuple[Any, ...]] = {}
    last: list[dict[str, Any]] = [{}]
    valid = validate_rows(_noting(chain([first], raw), last), source, reads, held_out or evaluation.scored, findings)
    for row in valid:  # the row as it is in the source is the last that was read
        if row["row_id"] in cells:
            raise RequestError(
                f"{evaluation.name}: two rows have the id {row['row_id']}: no column can tell them apart"
            )
        cells[row["row_id"]] = tuple(last[0].get(name) for name in names)
    return RawColumns(present=tuple(present), names=tuple(names), cells=cells)


def _noting(raw: Iterable[PlacedRow], last: list[dict[str, Any]]) -> Iterator[PlacedRow]:
    for where, row in raw:
        last[0] = row
        yield where, row


def matched(typed: str, present: Sequence[str]) -> str | None:
    """The column of this name, else of one that differs in its case and outer spaces alone; None if there is none."""
    near = {name.strip().casefold(): name for name in reversed(present)}
    return typed if typed in present else near.get(typed.strip().casefold())


def annotators_in(present: Iterable[str]) -> list[str]:
    """The columns that hold labels of several annotators: at least two of one each, or one with a list."""
    found = {name: match for name in present if (match := ANNOTATOR.fullmatch(name.strip()))}
    kinds = Counter(match[1].casefold() for match in found.values())
    several = [name for name, match in found.items() if kinds[match[1].casefold()] > 1]
    return several or [name for name in present if name.strip().casefold() in ANNOTATORS]
