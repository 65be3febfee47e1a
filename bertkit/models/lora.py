"""LoRA by peft: low-rank matrices that are trained in place of the encoder, and merged into plain weights.

r the rank, H_in and H_out the sizes of a layer: W + (alpha / r) B A, with A (r, H_in) and B (H_out, r) trained.
peft is imported late: only a run with --lora needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bertkit.errors import EncoderError
from bertkit.models.layers import layers_of

TARGETS = (
    ("query", "value"),
    ("q_lin", "v_lin"),
    ("query_proj", "value_proj"),
    ("attn.q", "attn.v"),
    ("q_proj", "v_proj"),
    ("Wqkv",),
)
"""What architectures call the projections of query and value, which LoRA changes (Hu et al. 2022, section 4.2)."""

NAME = "default"
"""peft's name of the one adapter."""


def add_lora(model: Any, rank: int, alpha: float | None, seed: int) -> dict[str, Any]:
    """Add LoRA to query and value of every layer, leave only it and the head to train; returns what was added.

    A is drawn from `seed`, B is zero. Raises EncoderError if the model has no such layers.
    """
    from peft import LoraConfig, inject_adapter_in_model

    alpha = 2.0 * rank if alpha is None else alpha
    layers = layers_of(model)
    heads = [name for name, _ in model.named_parameters() if layers.layer_of(name) is None]
    targets = targets_of(model)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), lora_dropout=0.0, bias="none")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2**32 + seed)  # no seed of a run, so that these draws are not those of the head
        inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        if name in heads:
            parameter.requires_grad_(True)
    return {"rank": rank, "alpha": alpha, "layers": list(targets), "peft": version("peft")}


def targets_of(model: Any) -> tuple[str, ...]:
    """The names of the layers that LoRA changes. Raises EncoderError if the architecture has none that is known."""
    linear = [name for name, module in model.base_model.named_modules() if isinstance(module, nn.Linear)]
    for names in TARGETS:
        if all(any(f".{one}".endswith(f".{name}") for one in linear) for name in names):
            return names
    raise EncoderError(f"--lora: the attention layers of a {model.config.model_type} model are not known to bertkit")


def adapted_layers(model: Any) -> dict[str, Any]:
    """peft's layers, by their names in the plain model; none without LoRA."""
    return {name: module for name, module in model.named_modules() if hasattr(module, "lora_A")}


def is_merged(model: Any) -> bool:
    """Whether it has LoRA, merged into its weights."""
    layers = adapted_layers(model).values()
    return bool(layers) and all(layer.merged for layer in layers)


def merge(model: Any) -> None:
    """Add LoRA's product to the weights it changes: from here on the model computes as the saved one will."""
    for layer in adapted_layers(model).values():
        if not layer.merged:
            layer.merge()


def unmerge(model: Any) -> None:
    """Have LoRA's product computed apart again; `changed_weights` are to be set to what they were."""
    for layer in adapted_layers(model).values():
        layer.merged_adapters.clear()


def changed_weights(model: Any) -> list[nn.Parameter]:
    """The weights that `merge` changes."""
    return [layer.get_base_layer().weight for layer in adapted_layers(model).values()]


def plain_state(model: Any) -> dict[str, Tensor] | None:
    """The weights under their names in a plain model, for a model that is merged; None without LoRA."""
    if not adapted_layers(model):
        return None
    assert is_merged(model)
    return {name.replace(".base_layer.", "."): one for name, one in model.state_dict().items() if ".lora_" not in name}


def save_adapter(model: Any, record: Mapping[str, Any], folder: Path) -> None:
    """Write LoRA's matrices and the trained head in peft's layout; `record` is the encoder's. Raises OSError."""
    from peft import LoraConfig
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    lora = record["lora"]
    trained = {name: one.detach().cpu().contiguous() for name, one in model.named_parameters() if one.requires_grad}
    heads = {name.rpartition(".")[0] for name in trained if ".lora_" not in name}
    config = LoraConfig(
        r=lora["rank"], lora_alpha=lora["alpha"], target_modules=lora["layers"], lora_dropout=0.0, bias="none",
        modules_to_save=sorted(heads), base_model_name_or_path=record["name"], inference_mode=True,
        task_type=None,
    )  # fmt: skip
    config.save_pretrained(folder)
    tensors = {f"base_model.model.{name.replace(f'.{NAME}.', '.')}": one for name, one in trained.items()}
    try:
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    except SafetensorError as error:  # which is what a full disk makes of it
        raise OSError(str(error)) from error
