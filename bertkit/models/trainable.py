"""What the training loop needs of a model: its layers, its batches and its loss."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from accelerate import Accelerator
from torch import Tensor

from bertkit.heads.features import Features
from bertkit.kernels.dropout import Masks
from bertkit.models.layout import BatchLayout
from bertkit.models.load import Loaded


class Trainable(Protocol):
    """A model that can be trained: an encoder under a task's head, or a language model."""

    @property
    def loaded(self) -> Loaded: ...
    @property
    def layout(self) -> BatchLayout: ...
    @property
    def accelerator(self) -> Accelerator: ...
    @property
    def network(self) -> Any: ...

    def in_training(self) -> AbstractContextManager[None]:
        """Inside the block, its layers are those of its layout."""
        ...

    def total(self, parts: list[Features]) -> Any:
        """What the losses of all `parts` of an update, over all processes, are divided by."""
        ...

    def loss(self, part: Features, total: Any, masks: Masks | None, precision: AbstractContextManager[Any]) -> Tensor:
        """What `part` adds to the mean loss of its update, a scalar in fp32, computed from logits of `precision`.

        Dropout draws from `masks`.
        """
        ...
