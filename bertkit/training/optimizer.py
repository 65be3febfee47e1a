"""AdamW and its learning-rate schedule."""

from __future__ import annotations

import torch

from bertkit.task import Recipe


def optimizer_of(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with bias correction; no decay on biases and norms (Devlin et al. 2019, appendix A.2)."""
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        bare = parameter.ndim < 2 or name.endswith("bias")
        (plain if bare else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def rate_of(step: int, updates: int, warmup: float) -> float:
    """The share of the peak rate at an update counted from 0: linear warmup, then linear decay to 0."""
    rise = warmup * updates
    if step < rise:
        return (step + 1) / (rise + 1)
    return (updates - step) / max(1.0, updates - rise)
