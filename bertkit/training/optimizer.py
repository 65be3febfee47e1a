"""AdamW and its learning-rate schedule."""

from __future__ import annotations

import torch

from bertkit.models.layers import rate_factors
from bertkit.task import Recipe


def optimizer_of(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with bias correction; no decay on biases and norms (Devlin et al. 2019, appendix A.2).

    Only weights that require a gradient are in it. A group's `factor` multiplies its learning rate.
    """
    factors = rate_factors(model, recipe.layer_decay)
    decayed: dict[float, list[torch.nn.Parameter]] = {}
    plain: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        bare = parameter.ndim < 2 or name.endswith("bias")
        if parameter.requires_grad:
            (plain if bare else decayed).setdefault(factors[name], []).append(parameter)
    groups = [
        {"params": parameters, "weight_decay": decay, "factor": factor}
        for some, decay in ((decayed, recipe.weight_decay), (plain, 0.0))
        for factor, parameters in some.items()
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def rate_of(step: int, updates: int, warmup: float) -> float:
    """The share of the peak rate at an update counted from 0: linear warmup, then linear decay to 0."""
    rise = warmup * updates
    if step < rise:
        return (step + 1) / (rise + 1)
    return (updates - step) / max(1.0, updates - rise)
