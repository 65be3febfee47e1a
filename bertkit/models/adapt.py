"""What of a loaded encoder is trained: layers drawn again, frozen layers, LoRA."""

from __future__ import annotations

from dataclasses import replace

from bertkit.encoders import check_layers
from bertkit.models.layers import draw_again, freeze, layers_of
from bertkit.models.load import Loaded
from bertkit.models.lora import add_lora
from bertkit.task import Recipe


def adapted(loaded: Loaded, recipe: Recipe, seed: int) -> Loaded:
    """The model, changed in place as `recipe` asks, with a note for the user of what is trained.

    Raises RequestError for layers that it does not have.
    """
    model, record = loaded.model, dict(loaded.record)
    if recipe.freeze is not None or recipe.reinit_layers or recipe.layer_decay < 1:
        layers = layers_of(model)
        check_layers(recipe, layers.count, layers.shared)
    if recipe.reinit_layers:
        draw_again(model, recipe.reinit_layers, seed)
    if recipe.freeze is not None:
        freeze(model, recipe.freeze)
    if recipe.lora:
        record["lora"] = add_lora(model, recipe.lora, recipe.lora_alpha, seed)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    every = sum(parameter.numel() for parameter in model.parameters())
    if trained == every:
        return loaded
    record["trained"] = trained
    return replace(loaded, record=record, notes=(*loaded.notes, f"{trained:,} of {every:,} weights are trained"))
