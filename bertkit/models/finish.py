"""A trained model as it is saved: whatever only training needs is folded into its weights.

transformers alone then gives the answers that bertkit gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from bertkit.models.lora import changed_weights, is_merged, merge, unmerge
from bertkit.models.output_layer import number_layer, rescale
from bertkit.models.task_model import TaskModel


def finish(model: TaskModel) -> TaskModel:
    """Change the weights in place into those that are saved; the model with the head that reads their logits.

    The scale of a regression goes into the output layer, and LoRA's product into the weights it changes. It is done
    once, after training and before the last scoring.
    """
    rescale(model.network, *model.head.scale)
    merge(model.network)
    return replace(model, head=model.head.in_own_unit())


@contextmanager
def finished(model: TaskModel) -> Iterator[TaskModel]:
    """The model as it is saved, inside the block; then it has its weights back, bit for bit, to be trained further.

    One that `finish` returned stays as it is.
    """
    if is_merged(model.network):  # by `finish`, after training
        yield model
        return
    changed = list(number_layer(model.network).parameters()) if model.head.scale != (0.0, 1.0) else []
    changed += changed_weights(model.network)
    kept = [parameter.detach().clone() for parameter in changed]
    try:
        yield finish(model)
    finally:
        unmerge(model.network)
        with torch.no_grad():
            for parameter, before in zip(changed, kept, strict=True):
                parameter.copy_(before)
