"""A checkpoint's label names matched with the task's."""

from __future__ import annotations

from dataclasses import replace

from bertkit.errors import EncoderError
from bertkit.heads import FROM_TRAIN, Head, Number, Span
from bertkit.models.load import Loaded


def head_of(loaded: Loaded, head: Head) -> Head:
    """The head with its labels in the model's own order and the task's own names.

    Names are matched without regard to case, `_`, `-` and spaces. Raises EncoderError if they are not the
    same set, as with LABEL_0: an order that nobody wrote down cannot be known.
    """
    if isinstance(head, Span):
        return head
    config = loaded.model.config
    if isinstance(head.labels, Number):
        if config.num_labels != 1:
            raise EncoderError(f"{loaded.record['name']} has {config.num_labels} labels; the task asks for a number")
        return head
    theirs = [str(config.id2label[i]) for i in range(config.num_labels)]
    if head.labels == FROM_TRAIN:
        return replace(head, labels=tuple(theirs))
    assert isinstance(head.labels, tuple)
    ours = {_folded(name): name for name in head.labels}
    if {_folded(name) for name in theirs} != set(ours):
        raise EncoderError(
            f"{loaded.record['name']} has the labels {', '.join(theirs)}; the task's are {', '.join(head.labels)}: "
            "name them in its config.json (id2label), for they are matched by name"
        )
    return replace(head, labels=tuple(ours[_folded(name)] for name in theirs))


def in_task_order(head: Head, task_head: Head) -> Head:
    """The head with the task's own order of labels, which metrics and golds go by."""
    if isinstance(head, Span) or task_head.labels == FROM_TRAIN:
        return head
    return task_head


def _folded(name: str) -> str:
    return "".join(ch for ch in name.lower() if ch not in "_- ")
