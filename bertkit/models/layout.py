"""The layout and order of a run's batches: resolves "auto" for a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from bertkit.data.sampler import Order
from bertkit.errors import RequestError
from bertkit.heads.features import Features
from bertkit.kernels.unpadded import ENCODERS, fits
from bertkit.models.batch import Batch, collate, pack
from bertkit.models.load import Loaded
from bertkit.spec import Layout
from bertkit.task import Recipe


@dataclass(frozen=True, kw_only=True)
class BatchLayout:
    """The layout and order of a run's batches, "auto" resolved."""

    layout: Layout
    order: Literal["random", "length"]

    @property
    def packed(self) -> bool:
        """Whether batches hold real tokens only, no padding."""
        return self.layout == "unpadded"

    def batch(self, features: Features, loaded: Loaded) -> Batch:
        """The features as a batch in this layout."""
        return pack(features, loaded.first_position) if self.packed else collate(features, loaded.pad)

    def cut(self, recipe: Recipe, seed: int) -> Order:
        """How an epoch is cut into batches."""
        return Order(
            size=recipe.batch_size,
            tokens=recipe.batch_tokens,
            padded=not self.packed,
            by_length=self.order == "length",
            seed=seed,
        )


def choose_layout(model: Any, layout: Layout, recipe: Recipe, device: torch.device) -> BatchLayout:
    """The layout asked for, or the best one the model supports. Raises RequestError if it does not support it.

    Unpadded needs an architecture in which tokens interact in attention alone, and attention that transformers
    lets us replace: DeBERTa and MPNet have their own, and ModernBERT's layers apply rotary positions themselves. Off
    the CPU it was not measured, so "auto" does not choose it there.
    """
    if layout == "unpadded" and not fits(model):
        kinds = ", ".join(ENCODERS)
        raise RequestError(f"--layout unpadded: a {model.config.model_type} model can't; these can: {kinds}")
    if layout == "auto":
        layout = "unpadded" if fits(model) and device.type == "cpu" else "bucketed"
    order = recipe.order
    if order == "auto":
        order = "length" if layout == "bucketed" else "random"
    if layout == "bucketed" and order == "random":  # auto chose bucketed, but the order was given
        layout = "padded"
    return BatchLayout(layout=layout, order=order)
