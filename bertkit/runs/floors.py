"""A run's floors, which simple models score on its evaluations: computed, or taken from its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bertkit.data.rows import Rows
from bertkit.evaluation.floors import floors_of
from bertkit.machine.sync import run_on_first
from bertkit.result import Floor, Result, RowCount, Scored
from bertkit.runs.claim import Claim


def with_floors(run: Claim, scored: Sequence[Scored]) -> list[Scored]:
    """The run's evaluations with their floors, which the first process computes; as they are without `options.floor`.

    They follow from the rows alone: a run that is stopped here and resumed has the same.
    """
    found = run_on_first(lambda: floors_of_run(run))
    return [replace(one, floors=found.get(one.name, one.floors)) for one in scored]


def floors_of_run(run: Claim) -> dict[str, tuple[Floor, ...]]:
    """The floors of the run's evaluations by name, from the cache if they are there; {} without `options.floor`."""
    train = run.splits.train
    if not run.options.floor or train is None:
        return {}
    rows = {name: part for name, part in run.splits.evaluations.items() if isinstance(part, Rows)}
    parts = {one.name: (one, rows[one.name]) for one in run.spec.task.scored if one.name in rows}
    return floors_of(run.splits.head, train, parts, run.progress)


def with_known(scored: Sequence[Scored], before: Result | None, rows: Mapping[str, RowCount]) -> list[Scored]:
    """Evaluations of a run's model with what needs its train rows, which are not read here: its floors and leaks.

    They are those of its result, where that has some for these very rows.
    """
    known = {one.name: one for one in before.evaluations} if before else {}
    found = []
    for one in scored:
        was, now = (before.rows.get(one.name) if before else None), rows.get(one.name)
        same = one.name in known and was and now and (was.digest, was.used) == (now.digest, now.used)
        found.append(replace(one, floors=known[one.name].floors, leaked=known[one.name].leaked) if same else one)
    return found
