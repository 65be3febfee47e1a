"""Weights of a model as values: on the line between two models, in a random direction, some layers set back.

A model's weights are its parameters by name; tied ones count once. Buffers, which are not trained, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]


def weights_of(model: Any) -> dict[str, Tensor]:
    """A copy of a model's weights, on the CPU."""
    return {name: parameter.detach().to("cpu", copy=True) for name, parameter in model.named_parameters()}


@torch.no_grad()
def put(model: Any, weights: Weights) -> None:
    """Set the model's weights, in place."""
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])


def unlike(first: Weights, second: Weights) -> list[str]:
    """The names that only one of both has, or whose shapes differ."""
    names = dict.fromkeys([*first, *second])
    shapes = [{name: tuple(tensor.shape) for name, tensor in one.items()} for one in (first, second)]
    return [name for name in names if shapes[0].get(name) != shapes[1].get(name)]


def moved(start: Weights, along: Weights, by: float) -> dict[str, Tensor]:
    """`start` + `by` * `along`."""
    return {name: tensor + by * along[name] for name, tensor in start.items()}


def minus(first: Weights, second: Weights) -> dict[str, Tensor]:
    """`first` - `second`."""
    return {name: tensor - second[name] for name, tensor in first.items()}


def norm(weights: Weights) -> float:
    """The Euclidean norm of all weights together."""
    return float(sum(float((tensor.double() ** 2).sum()) for tensor in weights.values()) ** 0.5)


def random_direction(weights: Weights, seed: int) -> dict[str, Tensor]:
    """A direction drawn from `seed`, filter by filter as long as the weights (Li et al. 2018, section 3).

    A filter is a row of a matrix: the weights into one unit, or a token's embedding. Each row of a normal draw is
    scaled to the norm of that row of `weights`. Vectors (biases, and the factors of layer norms) are not moved, as in
    the authors' code. The same seed draws the same numbers for every model of these shapes, before they are scaled.
    """
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, tensor in weights.items():
        if tensor.dim() < 2:
            found[name] = torch.zeros_like(tensor)
            continue
        drawn = torch.randn(tensor.shape, generator=generator)
        lengths = [one.flatten(1).norm(dim=1).clamp(min=1e-12) for one in (tensor, drawn)]
        found[name] = drawn * (lengths[0] / lengths[1]).view(-1, *[1] * (tensor.dim() - 1))
    return found


def set_back(
    end: Weights, start: Weights, layers: Collection[int], layer_of: Callable[[str], int | None]
) -> dict[str, Tensor]:
    """`end`, the weights of these layers those of `start`; `layer_of` tells a weight's layer by its name."""
    return {name: start[name] if layer_of(name) in layers else tensor for name, tensor in end.items()}
