"""Linear layers in fp32 by oneDNN, on processors where MKL uses half of the vector width.

N tokens, K input features, M output features.

torch multiplies fp32 matrices by MKL, which uses AVX2 only on AMD processors; oneDNN, which torch uses for bf16, uses
AVX-512 there too. Results differ by rounding only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@cache
def pays() -> bool:
    """Whether MKL is slow on this processor, and this torch offers oneDNN's matrix product."""
    cpu = Path("/proc/cpuinfo")
    amd = cpu.is_file() and "AuthenticAMD" in cpu.read_text()
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    mkl = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]  # torch has no types for it
    return amd and wide and mkl and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(N, K) by (M, K) as (N, M), in fp32, by oneDNN."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        given = gradients[0].flatten(0, -2)
        for_x, for_weight, for_bias = ctx.needs_input_grad
        to_x = product(given, weight.T).view(x.shape) if for_x else None
        to_weight = product(given.T, x.flatten(0, -2).T) if for_weight else None
        return to_x, to_weight, given.sum(0) if for_bias else None


def _forward(layer: nn.Linear, x: Tensor) -> Tensor:
    plain = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if not plain or not x.numel():
        return functional.linear(x, layer.weight, layer.bias)
    if not torch.is_grad_enabled():
        return product(x, layer.weight, layer.bias)
    found: Tensor = _Linear.apply(x, layer.weight, layer.bias)  # type: ignore[no-untyped-call]  # torch's apply has no types
    return found


@contextmanager
def fast_linear(model: nn.Module, known: Callable[[], bool] = pays) -> Iterator[None]:
    """Inside the block, every nn.Linear of the model computes fp32 by oneDNN, if that `pays` here."""
    layers = [m for m in model.modules() if type(m) is nn.Linear and "forward" not in vars(m)] if known() else []
    for layer in layers:
        layer.forward = partial(_forward, layer)  # type: ignore[method-assign]  # one instance's, for a while
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
