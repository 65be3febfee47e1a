"""Several runs whose scores are compared: all use the same Hub commits, or a note says that they do not."""

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
    """Run every spec, at the Hub commits of the first run below `options.out` that was started before."""
    done: list[Finished] = []
    for spec in specs:
        folders = [one.folder for one in done]
        if not options.force:
            folders = [options.out / resolved(one).folder_name for one in specs]
        started = filter(None, map(_recorded_commits, folders))
        done.append(run(spec, options, progress(spec), commits=next(started, None)))
    return done


def are_same_runs(first: Sequence[Spec], second: Sequence[Spec]) -> bool:
    """Whether both are the same runs on this machine, where "auto" may be what the other names. Raises RequestError."""
    return [resolved(one) for one in first] == [resolved(one) for one in second]


def marks_of_runs(runs: Sequence[Finished]) -> tuple[str, ...]:
    """Notes on the scores of several runs together."""
    first = _recorded_commits(runs[0].folder)
    return () if all(_recorded_commits(one.folder) == first for one in runs) else (MIXED,)


def _recorded_commits(folder: Path) -> Any:
    try:
        return recorded_commits(folder)
    except RequestError:  # the run itself says so when its turn comes
        return {}
