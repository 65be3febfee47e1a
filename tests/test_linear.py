"""Linear layers by oneDNN against torch's own: values, gradients, and where they are not used."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch
from torch import Tensor, nn

from bertkit.kernels import linear
from bertkit.kernels.linear import fast_linear
from bertkit.models.load import load

pytestmark = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="this build of torch has no oneDNN"
)


def always() -> bool:
    return True


def both(layer: nn.Linear, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The output of a layer, and the gradients of its input, weight and bias: ours, and torch's."""
    found = []
    for ours in (True, False):
        given = x.clone().requires_grad_()
        layer.zero_grad()
        with fast_linear(layer, lambda ours=ours: ours):
            y = layer(given)
        (y * torch.arange(y.numel()).view(y.shape).cos()).sum().backward()
        assert given.grad is not None
        found.append([y, given.grad, *(parameter.grad.clone() for parameter in layer.parameters())])
    return found[0], found[1]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 24), (1, 24), (2, 5, 24), (0, 24)])
def test_values_and_gradients_are_torchs(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(1)
    ours, torchs = both(nn.Linear(24, 40, bias=bias), torch.randn(shape))
    assert len(ours) == 4 - (not bias)
    torch.testing.assert_close(ours, torchs, atol=1e-5, rtol=1e-5)


def test_it_is_onednn_that_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = nn.Linear(3, 2), torch.ones(1, 3)
    monkeypatch.setattr(linear, "product", lambda *given: torch.full((1, 2), 7.0))
    with torch.inference_mode(), fast_linear(layer, always):
        assert layer(x).tolist() == [[7, 7]]
        with fast_linear(layer, always):  # scoring on the way
            pass
        assert layer(x).tolist() == [[7, 7]]
    assert "forward" not in vars(layer) and layer(x).tolist() != [[7, 7]]


def test_other_types_and_autocast_stay_with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "product", lambda *given: pytest.fail("oneDNN was asked"))
    layer = nn.Linear(3, 2)
    with fast_linear(layer, always):
        assert layer.bfloat16()(torch.ones(1, 3, dtype=torch.bfloat16)).dtype == torch.bfloat16
        assert layer.double()(torch.ones(1, 3, dtype=torch.float64)).dtype == torch.float64
        with torch.autocast("cpu", torch.bfloat16):
            assert layer.float()(torch.ones(1, 3)).dtype == torch.bfloat16


@pytest.mark.parametrize("family", ["bert", "albert", "deberta-v2"])
def test_a_model_gives_the_same_answers(tmp_path: Path, family: str) -> None:
    model = load(tiny.encoder(tiny.make(family, tmp_path / family)), tiny.SIGNS, scratch=False, seed=1).model.eval()
    ids = torch.arange(5, 17).view(2, 6)
    with torch.inference_mode():
        expected = model(input_ids=ids).logits
        with fast_linear(model, always):
            found = model(input_ids=ids).logits
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert not any("forward" in vars(module) for module in model.modules())


def test_only_where_mkl_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert linear.pays.__wrapped__() is False
