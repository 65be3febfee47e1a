"""A model ready for a task: weights, head, window, batch layout and device in one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from accelerate import Accelerator

from bertkit.heads import Head, Window
from bertkit.heads.features import Features
from bertkit.models.batch import Batch
from bertkit.models.forward import fit_window
from bertkit.models.layout import BatchLayout, choose_layout
from bertkit.models.load import Loaded
from bertkit.spec import Spec


@dataclass(frozen=True, kw_only=True)
class TaskModel:
    """A model with all that training, evaluation and prediction need.

    head    its labels in the model's order
    window  no longer than the model's positions
    """

    loaded: Loaded
    head: Head
    window: Window
    layout: BatchLayout
    accelerator: Accelerator

    @property
    def network(self) -> Any:
        """The transformers model."""
        return self.loaded.model

    def batch(self, features: Features) -> Batch:
        """The features as a batch on the model's device."""
        return self.layout.batch(features, self.loaded).to(self.accelerator.device)

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
