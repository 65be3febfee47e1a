"""An encoder's layers: which layer a weight belongs to, freezing, learning rates by layer, drawing layers again.

L layers, counted from 1; 0 stands for the embeddings and what is computed with them, None for the head. A pooler counts
as part of the head: it reads the last layer's output and is trained with the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bertkit.errors import EncoderError

LAST = ("final_norm", "final_layer_norm")
"""Modules of the body that are applied after the last layer, and count as part of it (ModernBERT)."""

FIRST = "encoder.conv."
"""DeBERTa-v2's convolution, whose output is added to that of the first layer."""


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Where a model's layers are.

    body    the prefix of the names of the encoder's own weights
    stack   the name of the list of layers, within the body
    count   L; 1 where all layers share one set of weights
    shared  whether they do (ALBERT)
    """

    body: str
    stack: str
    count: int
    shared: bool

    def layer_of(self, name: str) -> int | None:
        """The layer of the weight called `name`: 0 for the embeddings, 1 to L, None for the head."""
        inner = name.removeprefix(f"{self.body}.")
        if inner == name or "pooler" in inner.split("."):
            return None
        if inner.startswith(f"{self.stack}."):
            return 1 if self.shared else int(inner.removeprefix(f"{self.stack}.").split(".")[0]) + 1
        if inner.split(".")[0] in LAST:
            return self.count
        return 1 if inner.startswith(FIRST) else 0


def layers_of(model: Any) -> Layers:
    """The layers of a transformers encoder. Raises EncoderError if they cannot be told apart."""
    body, count = model.base_model_prefix, getattr(model.config, "num_hidden_layers", None)
    for name, module in model.base_model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return Layers(body=body, stack=name, count=len(module), shared=False)
    if model.config.model_type == "albert":
        return Layers(body=body, stack="encoder.albert_layer_groups", count=1, shared=True)
    raise EncoderError(f"the layers of a {model.config.model_type} model are not known to bertkit")


def layer_of(model: Any, name: str) -> int | None:
    """The layer of one of the model's weights, by its name: see `Layers.layer_of`."""
    return layers_of(model).layer_of(name)


def freeze(model: Any, what: str | int) -> None:
    """Stop the training of "embeddings", of them and the first so many layers, or of "all" below the head."""
    layers = layers_of(model)
    last = {"embeddings": 0, "all": layers.count}.get(str(what), what)
    for name, parameter in model.named_parameters():
        layer = layers.layer_of(name)
        if layer is not None and layer <= int(last):
            parameter.requires_grad_(False)


def rate_factors(model: Any, decay: float) -> dict[str, float]:
    """By what each weight's learning rate is multiplied: layer l of L by decay^(L + 1 - l), the head by 1.

    The layer below the head has one factor of `decay`, and the embeddings (l = 0) have L + 1 of them: discriminative
    fine-tuning (Howard and Ruder 2018, section 3.2; Sun et al. 2019, section 5.3.3). ELECTRA's code has one factor more
    below the head.
    """
    names = [name for name, _ in model.named_parameters()]
    if decay == 1:
        return dict.fromkeys(names, 1.0)
    layers = layers_of(model)
    found = {name: layers.layer_of(name) for name in names}
    return {name: 1.0 if layer is None else decay ** (layers.count + 1 - layer) for name, layer in found.items()}


def draw_again(model: Any, count: int, seed: int) -> None:
    """Draw the top `count` layers, and the pooler if there is one, as the model itself would (Zhang et al. 2021)."""
    body, layers = model.base_model, layers_of(model)
    again = [*body.get_submodule(layers.stack)[layers.count - count :], getattr(body, "pooler", None)]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2**32 + seed)  # no seed of a run, so that these draws are not those of the head
        for part in again:
            for tensor in () if part is None else part.parameters():
                tensor._is_hf_initialized = False  # else transformers leaves it as it is
            if part is not None:
                part.apply(model._init_weights)
