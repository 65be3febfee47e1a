"""A model's last linear layer: find it, put its outputs in another order, or in another unit.

H values that a head reads, C outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from bertkit.errors import EncoderError


def output_layer(model: Any, outputs: int) -> nn.Linear | None:
    """The last linear layer outside the body that has so many outputs; None if there is none."""
    outside = [m for name, m in model.named_modules() if not f"{name}.".startswith(f"{model.base_model_prefix}.")]
    found = [m for m in outside if isinstance(m, nn.Linear) and m.out_features == outputs]
    return found[-1] if found else None


def number_layer(model: Any) -> nn.Linear:
    """The layer with the model's one output. Raises EncoderError if there is none outside the body, or without bias."""
    layer = output_layer(model, 1)
    if layer is None or layer.bias is None:
        raise EncoderError(f"a {type(model).__name__} has no output layer with a bias, which a scaled number needs")
    return layer


@torch.no_grad()
def reorder(model: Any, theirs: Sequence[str], ours: Sequence[str]) -> None:
    """Move the rows of the output layer, weight (C, H) and bias (C,), from the order `theirs` to `ours`.

    Raises EncoderError if no layer outside the body has C outputs.
    """
    if theirs == ours:
        return
    layer = output_layer(model, len(ours))
    if layer is None:
        raise EncoderError(f"--keep-head: the labels of a {type(model).__name__} cannot be put in another order")
    order = torch.tensor([theirs.index(name) for name in ours])
    for parameter in layer.parameters():
        parameter.copy_(parameter[order].clone())


@torch.no_grad()
def set_bias(model: Any, biases: Sequence[float]) -> None:
    """Give the model's C outputs these biases; nothing for (), or where the output layer has none."""
    layer = output_layer(model, len(biases)) if biases else None
    if layer is not None and layer.bias is not None:
        layer.bias.copy_(torch.tensor(biases, dtype=torch.float64))


@torch.no_grad()
def rescale(model: Any, mean: float, sd: float) -> None:
    """Have the model's one output y be y * sd + mean from now on: weight (1, H) and bias (1,), computed in fp64.

    Raises EncoderError if no layer outside the body has one output and a bias.
    """
    if (mean, sd) == (0.0, 1.0):
        return
    layer = number_layer(model)
    layer.weight.copy_(layer.weight.double() * sd)
    layer.bias.copy_(layer.bias.double() * sd + mean)
