"""A model ready for a task: weights, head, window, batch layout and device in one value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accelerate import Accelerator
from torch import Tensor

from bertkit.heads import Head, Window
from bertkit.heads.features import Features
from bertkit.kernels.dropout import Masks
from bertkit.kernels.unpadded import unpadded
from bertkit.models.batch import Batch
from bertkit.models.forward import fit_window, forward, readable_inputs
from bertkit.models.layout import BatchLayout, choose_layout
from bertkit.models.load import Loaded
from bertkit.spec import Spec


@dataclass(frozen=True, kw_only=True)
class TaskModel:
    """A model with all that training, evaluation and prediction need.

    head    its labels in the model's order
    window  no longer than the model's positions
    temperature  by which its logits are divided before they become probabilities
    """

    loaded: Loaded
    head: Head
    window: Window
    layout: BatchLayout
    accelerator: Accelerator
    temperature: float = 1.0

    @property
    def network(self) -> Any:
        """The transformers model."""
        return self.loaded.model

    def batch(self, features: Features) -> Batch:
        """The features as a batch on the model's device."""
        return self.layout.batch(features, self.loaded).to(self.accelerator.device)

    @contextmanager
    def in_training(self) -> Iterator[None]:
        """Inside the block, its layers are those of its layout."""
        if self.layout.packed:
            with unpadded(self.network, self.head.per_token):
                yield
        else:
            yield

    @cached_property
    def readable(self) -> set[str]:
        """The inputs that the model's forward reads."""
        return readable_inputs(self.network)

    def total(self, parts: list[Features]) -> float:
        """What the losses of all `parts` of an update are divided by: their rows, or words for tagging."""
        return sum(map(self.head.count, parts)) or 1

    def loss(self, part: Features, total: float, masks: Masks | None, precision: AbstractContextManager[Any]) -> Tensor:
        """What `part` adds to the mean loss of its update: see Trainable."""
        batch = self.batch(part)
        with precision:
            logits = forward(self.network, self.head, batch, self.readable, masks)
        assert batch.targets is not None
        return self.head.loss(logits.float(), batch.targets, batch.mask) / total

    def with_network(self, network: Any) -> TaskModel:
        """A copy with other weights."""
        return replace(self, loaded=replace(self.loaded, model=network))


def task_model(
    loaded: Loaded, head: Head, spec: Spec, accelerator: Accelerator, typed_length: bool = False
) -> TaskModel:
    """The loaded model with the window and layout that `spec` asks for, as far as it supports them.

    Raises RequestError where a layout, or a --max-length that was typed, is more than it can.
    """
    window = fit_window(spec.recipe.window, loaded.model.config, typed_length)
    head.check_window(window)
    layout = choose_layout(loaded.model, spec.layout, spec.recipe, accelerator.device)
    return TaskModel(loaded=loaded, head=head, window=window, layout=layout, accelerator=accelerator)
