"""Match a fine-tuned checkpoint's label names with the task's."""

from __future__ import annotations

from collections.abc import Mapping

from bertkit.heads import FROM_TRAIN, Head
from bertkit.heads.labels import is_made_up
from bertkit.models.kept_head import names_in
from bertkit.models.load import Loaded


def head_of(loaded: Loaded, head: Head) -> Head:
    """The head with its labels in the model's own order and the task's own names, and with the model's threshold.

    Raises EncoderError if they are not the same set, as with LABEL_0: without names the order is unknown.
    """
    name, config = loaded.record["name"], loaded.model.config
    return head.matched(names_in(config, head, name), name).with_config(config)


def head_scored(
    loaded: Loaded, head: Head, label_map: Mapping[str, str] | None
) -> tuple[Head, Mapping[str, str] | None]:
    """As `head_of`, by `label_map` where it is given; and the map in the task's order that had to be assumed.

    It is assumed where the model's names say nothing, and answers will show whether another order fits better; None
    where names matched. Raises EncoderError if they don't.
    """
    name, config = loaded.record["name"], loaded.model.config
    names = names_in(config, head, name, label_map)
    ours = head.label_names
    told = any(not is_made_up(one) or one in ours for one in names)
    if told or len(names) != len(ours) or head.label_pairs([], []) is None:
        return head.matched(names, name).with_config(config), None
    return head.matched(ours, name).with_config(config), dict(zip(names, ours, strict=True))


def in_task_order(head: Head, task_head: Head) -> Head:
    """The head with its labels in the task's order, which metrics and golds use."""
    return head if task_head.labels == FROM_TRAIN else task_head
