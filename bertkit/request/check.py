"""Checks before anything heavy is imported: rows, encoders and the Hub are there."""

from __future__ import annotations

from bertkit.data.locate import locate_splits
from bertkit.encoders import locate_encoder
from bertkit.hub import access
from bertkit.spec import HUB, Spec


def check(specs: list[Spec], training: bool = True) -> None:
    """Raise at once what would stop these specs later: rows or encoders that are not there, no network."""
    for spec in specs:
        locate_splits(spec.task, spec.data, training)
    named = {(spec.model, spec.revision, not spec.scratch) for spec in specs}
    encoders = [locate_encoder(*name) for name in sorted(named, key=str)]
    sources = [s for spec in specs if spec.data == HUB for s in spec.task.sources]
    access.prepare(encoders, [source.hub for source in sources if source.hub])


def check_rows(spec: Spec) -> None:
    """Raise at once if a run's rows are not where its spec says, so that it cannot be scored again."""
    locate_splits(spec.task, spec.data, training=False)
    access.prepare([], [s.hub for s in spec.task.sources if s.hub and spec.data == HUB])
