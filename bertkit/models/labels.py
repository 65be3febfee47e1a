"""Match a fine-tuned checkpoint's label names with the task's."""

from __future__ import annotations

from bertkit.heads import FROM_TRAIN, Head
from bertkit.models.kept_head import names_in
from bertkit.models.load import Loaded


def head_of(loaded: Loaded, head: Head) -> Head:
    """The head with its labels in the model's own order and the task's own names, and with the model's threshold.

    Raises EncoderError if they are not the same set, as with LABEL_0: without names the order is unknown.
    """
    name, config = loaded.record["name"], loaded.model.config
    return head.matched(names_in(config, head, name), name).with_config(config)


def in_task_order(head: Head, task_head: Head) -> Head:
    """The head with its labels in the task's order, which metrics and golds use."""
    return head if task_head.labels == FROM_TRAIN else task_head
