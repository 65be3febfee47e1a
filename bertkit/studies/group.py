"""Several runs whose scores are compared: all from the same Hub commits, or it is said that they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError
from bertkit.machine.devices import resolved
from bertkit.progress import Progress
from bertkit.result import Finished
from bertkit.runs.folder import recorded_commits
from bertkit.runs.run import run
from bertkit.spec import RunOptions, Spec

MIXED = "these runs used different Hub commits (see each spec.json)"


def run_group(specs: Sequence[Spec], options: RunOptions, progress: Callable[[Spec], Progress]) -> list[Finished]:
    """Run every spec, at the Hub's commits of the first that was begun below `options.out`."""
    done: list[Finished] = []
    for spec in specs:
        folders = [one.folder for one in done]
        if not options.force:
            folders = [options.out / resolved(one).folder_name for one in specs]
        begun = filter(None, map(_recorded_commits, folders))
        done.append(run(spec, options, progress(spec), commits=next(begun, None)))
    return done


def marks_of_runs(runs: Sequence[Finished]) -> tuple[str, ...]:
    """What must be said of several runs' numbers together."""
    first = _recorded_commits(runs[0].folder)
    return () if all(_recorded_commits(one.folder) == first for one in runs) else (MIXED,)


def _recorded_commits(folder: Path) -> Any:
    try:
        return recorded_commits(folder)
    except RequestError:  # the run itself says so when its turn comes
        return {}
