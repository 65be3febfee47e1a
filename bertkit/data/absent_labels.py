"""Name labels that no train row has, in notes on the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bertkit.data.rows import Rows
from bertkit.heads import Head

SHOWN = 10
"""Labels in a note."""


def absent_labels(train: Rows | None, head: Head) -> tuple[str, ...]:
    """The labels that no train row has; () if it has none of them."""
    names = head.label_names if train else ()
    missing = dict.fromkeys(names)
    for gold in train.table.column(head.roles[-1]) if train and names else ():
        for name in gold if isinstance(gold, list) else [gold]:
            missing.pop(name, None)
        if not missing:
            break
    return () if len(missing) == len(names) else tuple(missing)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def naming_absent(train: Rows, absent: Sequence[str]) -> Rows:
    """The train rows, with a note that names the labels which no row has."""
    note = f"no row has the label{'s' * (len(absent) > 1)} {_listed(absent)}"
    return replace(train, notes=(*train.notes, note)) if absent else train


def naming_unknown(rows: Rows, scored: bool, head: Head, absent: Sequence[str]) -> Rows:
    """The rows, with a note, if they are scored, that names those of their labels which no train row has."""
    known = set(head.label_names) - set(absent)
    if not (known and scored) or not (absent or head.scores_unknown):
        return rows
    unknown: Counter[str] = Counter()
    first = ""
    for ident, gold in zip(rows.table.column("row_id"), rows.table.column(head.roles[-1]), strict=True):
        several = gold if isinstance(gold, list) else [gold]
        others = [name for name in several if name is not None and name not in known]
        first = first or (ident if others else "")
        unknown.update(others)
    if not unknown:
        return rows
    counted = "1 label that no train row has counts"
    if unknown.total() > 1:
        counted = f"{unknown.total():,} labels that no train row has count"
    note = f"{counted} as wrong: {_listed(sorted(unknown))} (first: row {first})"
    return replace(rows, notes=(*rows.notes, note))
