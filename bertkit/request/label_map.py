"""The flag --label-map: which of a task's labels each of a checkpoint's labels is. Light."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from bertkit.errors import RequestError


def label_map_of(typed: str | None) -> dict[str, str] | None:
    """A checkpoint's labels with the task's: `LABEL_0=negative,LABEL_1=positive`, or in JSON where one has a comma.

    Raises RequestError if it is neither, or names a label twice.
    """
    if typed is None:
        return None
    wrong = f"--label-map {typed}: it must be a checkpoint's labels with the task's, such as LABEL_0=no,LABEL_1=yes"
    try:
        plain = json.loads(typed, object_pairs_hook=list) if typed.lstrip().startswith("{") else None
    except ValueError:
        raise RequestError(wrong) from None
    pairs: list[tuple[str, str]]
    if plain is None:
        pairs = [(theirs.strip(), ours.strip()) for theirs, _, ours in (one.partition("=") for one in typed.split(","))]
    else:
        pairs = [(theirs, str(ours) if type(ours) is int else ours) for theirs, ours in plain]
    if not pairs or not all(isinstance(side, str) and side for pair in pairs for side in pair):
        raise RequestError(wrong)
    for place, side in enumerate(zip(*pairs, strict=True)):
        double = next((name for name in side if side.count(name) > 1), None)
        if double is not None:
            whose = "the checkpoint's label" if place == 0 else "the task's label"
            raise RequestError(f"--label-map {typed}: {whose} {double} stands there twice")
    return dict(pairs)


def typed_label_map(label_map: Mapping[str, str]) -> str:
    """The option that gives this map, as it is typed in a shell."""
    return f"--label-map {shlex.quote(written(label_map))}"


def written(label_map: Mapping[str, str]) -> str:
    """The map as text that `label_map_of` reads."""
    names = [name for pair in label_map.items() for name in pair]
    if any(name != name.strip() or set(",={") & set(name) for name in names):
        return json.dumps(dict(label_map), ensure_ascii=False)
    return ",".join(f"{theirs}={ours}" for theirs, ours in label_map.items())
