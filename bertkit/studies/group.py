"""Several runs whose scores are compared: all from the same Hub commits, or it is said that they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError
from bertkit.machine.devices import settled
from bertkit.progress import Watch
from bertkit.result import Finished
from bertkit.runs.folder import begun_commits
from bertkit.runs.run import run
from bertkit.spec import Means, Spec

MIXED = "these runs are made of different commits of the Hub, which their spec.json name"


def run_alike(
    specs: Sequence[Spec], out: Path, watch: Callable[[Spec], Watch], force: bool, means: Means | None
) -> list[Finished]:
    """Run every spec, at the Hub's commits of the first that was begun below `out`."""
    done: list[Finished] = []
    for spec in specs:
        folders = [one.folder for one in done] if force else [out / settled(one).folder_name for one in specs]
        begun = filter(None, map(_begun_commits, folders))
        done.append(run(spec, out, watch(spec), force, means, commits=next(begun, None)))
    return done


def marks_of_runs(runs: Sequence[Finished]) -> tuple[str, ...]:
    """What the numbers of several runs are not, in words."""
    first = _begun_commits(runs[0].folder)
    return () if all(_begun_commits(one.folder) == first for one in runs) else (MIXED,)


def _begun_commits(folder: Path) -> Any:
    try:
        return begun_commits(folder)
    except RequestError:  # which the run itself says, when it is its turn
        return {}
