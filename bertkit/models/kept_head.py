"""A fine-tuned checkpoint's own head: drop it for a fresh one, or keep it with its labels matched by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers

from bertkit.errors import EncoderError
from bertkit.heads import FROM_TRAIN, Head
from bertkit.heads.labels import folded, is_made_up, mapped
from bertkit.models.vectors import check_width

PRETRAINING = ("ForMaskedLM", "ForPreTraining")
"""Architectures whose layers outside the body are pretrained, as ModernBERT's `head.dense` is, and not fine-tuned."""


def has_head(config: Any, head: Head) -> bool:
    """Whether a checkpoint's config says that it has a head of this kind."""
    wanted = head.auto_model.removeprefix("AutoModel")
    return any(name.endswith(wanted) for name in config.architectures or ())


def without_head(model: Any, found: dict[str, Any], architectures: list[str] | None, seed: int) -> Any:
    """The model with the same body under a head drawn from `seed`; None if the checkpoint brought no head.

    The draws are those of a checkpoint of the body alone. The body is transformers' base model with its pooler; what
    is outside of it is the head.

    found  transformers' loading info: what the checkpoint lacked is drawn again
    """
    if any(name.endswith(PRETRAINING) for name in architectures or ()):
        return None
    weights = model.state_dict()
    drawn = {*found["missing_keys"], *(str(key[0]) for key in found["mismatched_keys"])}
    head = {name for name in weights if not name.startswith(f"{model.base_model_prefix}.")}
    if head <= drawn:
        return None
    kept = {name: tensor for name, tensor in weights.items() if name not in head | drawn}
    transformers.set_seed(seed)
    return type(model).from_pretrained(None, config=model.config, state_dict=kept, dtype=torch.float32)


def matched_head(config: Any, head: Head, name: str, label_map: Mapping[str, str] | None = None) -> Head:
    """The task's head with its labels in the order of the checkpoint called `name`, matched by name or by the map.

    Raises EncoderError where the checkpoint has no head of this kind, other labels, or vectors of another width.
    """
    if not has_head(config, head):
        have = ", ".join(config.architectures or ("no head",))
        raise EncoderError(f"--keep-head: {name} has no trained {head.kind} head ({have}); leave --keep-head out")
    check_width(config, head, name)
    return head.matched(names_in(config, head, name, label_map), name)


def names_in(config: Any, head: Head, name: str, label_map: Mapping[str, str] | None = None) -> list[str]:
    """The label names in the config of the checkpoint called `name`, in the order of its outputs, or by the map.

    Raises EncoderError where `label2id` contradicts `id2label`, if the head has labels at all. A name that transformers
    made up, LABEL_0, contradicts nothing.
    """
    names = [str(config.id2label[i]) for i in range(config.num_labels)]
    if head.labels != FROM_TRAIN and not head.label_names:
        if label_map is not None:
            raise EncoderError(f"--label-map: a {head.kind} head of this task has no labels; leave it out")
        return names
    if label_map is not None:
        return mapped(names, label_map, head.label_names, name)
    for label, i in (config.label2id or {}).items():
        there = names[int(i)] if str(i).isdecimal() and int(i) < len(names) else None
        if there is None or not (is_made_up(there) or is_made_up(label) or folded(there) == folded(label)):
            raise EncoderError(
                f"{name}: label2id in its config.json says that {label} is {i}, and id2label "
                f"{f'that {i} is {there}' if there else f'has no {i}'}: correct one of them"
            )
    return names
