"""Where a BERT starts in pretraining: at the loss of word frequencies, with heads that look at their neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from bertkit.models.start import fast_start, frequencies, sinusoids, start_at_frequencies, start_with_neighbours

V = 40
LOG_SHARES = np.log(np.arange(1, V + 1) / (V * (V + 1) / 2))


def model_of(**changes: Any) -> Any:
    torch.manual_seed(3)
    sizes = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    return transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=V, **{**sizes, **changes})).eval()


def loss_of(model: Any) -> float:
    """The mean loss of tokens drawn from LOG_SHARES, at four positions of a text."""
    with torch.no_grad():
        logs = model(torch.tensor([[1, 4, 9, 4]])).logits.log_softmax(-1)
    return -float((torch.from_numpy(np.exp(LOG_SHARES)) * logs).sum(-1).mean())


def test_an_untrained_model_has_the_loss_of_the_frequencies_of_the_text() -> None:
    entropy = -float((np.exp(LOG_SHARES) * LOG_SHARES).sum())
    model = model_of()
    fast_start(model, LOG_SHARES)
    assert entropy <= loss_of(model) < entropy + 0.05


def test_without_the_bias_it_has_the_loss_of_guessing() -> None:
    model = model_of()
    start_with_neighbours(model)
    assert loss_of(model) == pytest.approx(math.log(V), abs=0.05)


def test_sinusoids_of_neighbours_are_orthogonal() -> None:
    table = sinusoids(20, 64)
    products = table @ table.T / 32
    assert torch.allclose(products, torch.eye(20), atol=1e-4)


def test_an_odd_hidden_size_has_a_sinusoid_less() -> None:
    assert torch.equal(sinusoids(9, 33)[:, :32], sinusoids(9, 32))
    model = model_of(hidden_size=33, num_attention_heads=3)
    fast_start(model, LOG_SHARES)
    assert not model.bert.embeddings.position_embeddings.weight[:, 32].any()


def test_the_frequencies_are_spread_evenly_from_0_to_pi() -> None:
    assert frequencies(8).tolist() == pytest.approx([math.pi * k / 8 for k in (1, 3, 5, 7)])


@pytest.mark.parametrize(("head", "shift"), [(0, -1), (1, 1)])
def test_a_head_looks_at_its_neighbour(head: int, shift: int) -> None:
    model = model_of()
    model.set_attn_implementation("eager")
    fast_start(model, LOG_SHARES)
    ids = torch.arange(4, 24)[None]
    with torch.no_grad():
        attentions = model(ids, output_attentions=True).attentions
    for layer in attentions:
        inner = layer[0, head, 1:-1]  # the first token has none before it, the last none behind it
        place = torch.arange(1, 19) + shift
        assert (inner.argmax(-1) == place).float().mean() > 0.75
        assert inner[torch.arange(18), place].mean() > 0.6


def test_without_neighbours_attention_is_nearly_uniform() -> None:
    model = model_of()
    model.set_attn_implementation("eager")
    start_at_frequencies(model, LOG_SHARES)
    with torch.no_grad():
        attentions = model(torch.arange(4, 24)[None], output_attentions=True).attentions
    assert attentions[0].max() < 0.3


def test_other_architectures_start_from_the_bias_alone() -> None:
    config = transformers.AlbertConfig(
        vocab_size=V,
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    model = transformers.AlbertForMaskedLM(config)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    fast_start(model, LOG_SHARES)
    changed = {name for name, one in model.state_dict().items() if not torch.equal(one, before[name])}
    assert changed == {"predictions.bias", "predictions.decoder.bias"}
