"""Label names: matched between data, tasks and checkpoints, never by position."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.errors import EncoderError


def folded(name: str) -> str:
    """A label's name without case, `_`, `-` and spaces."""
    return "".join(char for char in name.lower() if char not in "_- ")


def match_names(ours: Sequence[str], theirs: Sequence[str], model: str) -> tuple[str, ...]:
    """Our names in the order of a checkpoint's names, matched by `folded`.

    Raises EncoderError if they are not the same set, as with LABEL_0: an order that nobody wrote down is unknown.
    """
    known = {folded(name): name for name in ours}
    if {folded(name) for name in theirs} != set(known) or len(theirs) != len(ours):
        raise EncoderError(
            f"{model} has the labels {', '.join(theirs)}; the task's are {', '.join(ours)}: "
            "name them in its config.json (id2label), for they are matched by name"
        )
    return tuple(known[folded(name)] for name in theirs)


def write_names(config: object, names: Sequence[str]) -> None:
    """Write label names into a transformers config."""
    config.id2label = dict(enumerate(names))  # type: ignore[attr-defined]  # transformers has no types
    config.label2id = {name: i for i, name in enumerate(names)}  # type: ignore[attr-defined]
    config.num_labels = len(names)  # type: ignore[attr-defined]
