"""Several runs whose numbers are put side by side: all are made of the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bertkit.result import Finished, begun_commits
from bertkit.spec import Spec


def run_alike(specs: Sequence[Spec], do: Callable[[Spec, Mapping[str, Any]], Finished]) -> list[Finished]:
    """`do` every spec, all of them at the Hub's commits of the first."""
    done: list[Finished] = []
    for spec in specs:
        done.append(do(spec, begun_commits(done[0].folder) if done else {}))
    return done
