"""Checks before heavy imports: rows, encoders and the Hub are available."""

from __future__ import annotations

from bertkit.data.locate import locate_splits
from bertkit.encoders import check_layers, locate_encoder, shape_of
from bertkit.errors import RequestError
from bertkit.hub import access
from bertkit.spec import HUB, Spec


def check(specs: list[Spec], training: bool = True) -> None:
    """Raise early if rows or encoders of these specs are missing, or the Hub is needed and cannot be reached."""
    for spec in specs:
        if training and spec.label_map and not spec.keep_head:
            raise RequestError(
                "--label-map names the labels of a checkpoint's own head: give --keep-head too, or score it by "
                "`bertkit eval TASK --model CHECKPOINT`"
            )
        locate_splits(spec.task, spec.data, training)
    named = {(spec.model, spec.revision, not spec.scratch) for spec in specs}
    found = {name: locate_encoder(*name) for name in sorted(named, key=str)}
    for spec in specs:
        folder = found[spec.model, spec.revision, not spec.scratch].folder
        shape = shape_of(folder) if folder else None
        if shape:
            check_layers(spec.recipe, *shape)
    encoders = [*found.values()]
    sources = [s for spec in specs if spec.data == HUB for s in spec.task.sources]
    access.prepare(encoders, [source.hub for source in sources if source.hub])


def check_rows(spec: Spec) -> None:
    """Raise early if a run's rows are not where its spec says, so that it cannot be scored again."""
    locate_splits(spec.task, spec.data, training=False)
    access.prepare([], [s.hub for s in spec.task.sources if s.hub and spec.data == HUB])
