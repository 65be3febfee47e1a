"""The loss of language models: that of transformers on the same batch, whatever the layout, and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from torch.nn import functional

from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.kernels.cross_entropy import summed_cross_entropy
from bertkit.kernels.dense import NAME as DENSE
from bertkit.models.language_model import LanguageModel
from bertkit.models.layout import BatchLayout
from bertkit.objectives.base import PAIR

V = 60
LENGTHS, DECODED = (9, 13, 5), (7, 4, 10)
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": V}
DECODER = {"decoder_start_token_id": 2, "pad_token_id": 0}
MADE: dict[str, Callable[[], Any]] = {
    "BertForMaskedLM": lambda: transformers.BertConfig(**SIZES),
    "BertForPreTraining": lambda: transformers.BertConfig(**SIZES),
    "RobertaForMaskedLM": lambda: transformers.RobertaConfig(**SIZES),
    "AlbertForMaskedLM": lambda: transformers.AlbertConfig(**SIZES, embedding_size=16),
    "AlbertForPreTraining": lambda: transformers.AlbertConfig(**SIZES, embedding_size=16),
    "ModernBertForMaskedLM": lambda: transformers.ModernBertConfig(**SIZES, pad_token_id=0),
    "GPT2LMHeadModel": lambda: transformers.GPT2Config(vocab_size=V, n_embd=32, n_layer=2, n_head=2),
    "BartForConditionalGeneration": lambda: transformers.BartConfig(
        vocab_size=V, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, **DECODER,
    ),
    "T5ForConditionalGeneration": lambda: transformers.T5Config(
        vocab_size=V, d_model=32, d_kv=16, num_layers=2, num_heads=2, d_ff=64, **DECODER
    ),
}  # fmt: skip
UNPADDED = [name for name in MADE if name.startswith(("Bert", "Roberta", "Albert"))]
CASES = [*((name, "padded") for name in MADE), *((name, "unpadded") for name in UNPADDED)]


def model_of(name: str, layout: Any, dtype: torch.dtype = torch.float32) -> LanguageModel:
    torch.manual_seed(1)
    network = getattr(transformers, name)(MADE[name]()).eval().to(dtype)
    shifted = network.config.model_type == "roberta"
    loaded: Any = SimpleNamespace(model=network, pad=network.config.pad_token_id or 0, first_position=2 * shifted)
    how = BatchLayout(layout=layout, order="random")
    return LanguageModel(loaded=loaded, layout=how, accelerator=tiny.accelerator())


def features_of(model: LanguageModel) -> Features:
    """Three rows: some tokens are predicted, all but the last of a causal model, all that a decoder gives."""
    draws = np.random.default_rng(3)
    config, name = model.network.config, type(model.network).__name__
    ids = [draws.integers(5, V, length) for length in LENGTHS]
    inputs = {"input_ids": Ragged.of(ids, "int32")}
    places = {}
    if config.is_encoder_decoder:
        targets = [draws.integers(5, V, length) for length in DECODED]
    elif config.model_type == "gpt2":
        targets = [np.append(one[1:], IGNORED) for one in ids]
    else:
        targets = [np.where(draws.random(len(one)) < 0.6, IGNORED, draws.integers(5, V, len(one))) for one in ids]
    if name.endswith("PreTraining"):
        segments = [np.arange(length) >= 3 for length in LENGTHS]
        inputs["token_type_ids"] = Ragged.of(segments, "int8")
        places[PAIR] = Ragged.of([[1], [0], [1]], "int8")
    return Features(
        row=np.arange(3), inputs=inputs, targets=Ragged.of(targets, "int32"), cut=np.zeros(3, bool), places=places
    )


def padded(runs: Ragged, fill: int) -> torch.Tensor:
    found = torch.full((len(runs), int(runs.lengths.max())), fill)
    for row, run in zip(found, (runs[i] for i in range(len(runs))), strict=True):
        row[: len(run)] = torch.from_numpy(run.astype(np.int64))
    return found


def theirs(model: LanguageModel, features: Features) -> torch.Tensor:
    """The loss by transformers' own model, from its logits in their own precision."""
    assert features.targets
    config = model.network.config
    given = {
        name: padded(run, (config.pad_token_id or 0) * (name == "input_ids")) for name, run in features.inputs.items()
    }
    counted = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]
    labels = padded(features.targets, IGNORED)
    if config.is_encoder_decoder:
        output = model.network(**given, attention_mask=counted.long(), labels=labels)
    else:
        output = model.network(**given, attention_mask=counted.long())
    logits = output["prediction_logits"] if "prediction_logits" in output else output["logits"]
    loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
    for name in ("seq_relationship_logits", "sop_logits"):
        if name in output:
            loss = loss + functional.cross_entropy(output[name], torch.tensor([1, 0, 1]))
    return loss


@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize(("name", "layout"), CASES)
def test_the_loss_and_its_gradient_are_those_of_transformers(
    name: str, layout: str, dtype: torch.dtype, within: float
) -> None:
    model = model_of(name, layout, dtype)
    features = features_of(model)
    with model.in_training():
        loss = model.loss(features, model.total([features]), None, nullcontext())
        loss.backward()
    ours = {key: one.grad for key, one in model.network.named_parameters() if one.grad is not None}
    model.network.zero_grad()
    expected = theirs(model, features)
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=within)
    for key, one in model.network.named_parameters():
        if one.grad is not None:
            assert torch.allclose(ours[key], one.grad, rtol=within, atol=within), key


@pytest.mark.parametrize("name", ["BertForPreTraining", "GPT2LMHeadModel"])
def test_the_losses_of_the_parts_of_an_update_add_up_to_that_of_the_whole(name: str) -> None:
    model = model_of(name, "padded")
    features = features_of(model)
    parts = [features.take(np.array(which)) for which in ([0], [1, 2])]
    with model.in_training(), torch.no_grad():
        total = model.total(parts)
        summed = sum(model.loss(part, total, None, nullcontext()).item() for part in parts)
        whole = model.loss(features, model.total([features]), None, nullcontext()).item()
    assert summed == pytest.approx(whole, rel=1e-6)


def test_transformers_own_loss_with_labels_is_the_same() -> None:
    model = model_of("BertForPreTraining", "padded")
    features = features_of(model)
    assert features.targets
    given = {name: padded(run, 0) for name, run in features.inputs.items()}
    mask = (torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]).long()
    labels = padded(features.targets, IGNORED)
    pairs = torch.tensor([1, 0, 1])
    expected = model.network(**given, attention_mask=mask, labels=labels, next_sentence_label=pairs).loss
    with model.in_training():
        loss = model.loss(features, model.total([features]), None, nullcontext())
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("name", ["BertForMaskedLM", "BertForPreTraining", "RobertaForMaskedLM", "AlbertForMaskedLM"])
def test_without_padding_the_loss_and_its_gradient_are_those_of_transformers_too(
    name: str, dtype: torch.dtype, within: float
) -> None:
    model = model_of(name, "padded", dtype)
    features = features_of(model).take(np.array([1, 1]))
    found = []
    for attention in ("eager", DENSE):
        model.network.set_attn_implementation(attention)
        model.network.zero_grad()
        with model.in_training():
            loss = model.loss(features, model.total([features]), None, nullcontext())
            loss.backward()
        slopes = {key: one.grad.clone() for key, one in model.network.named_parameters() if one.grad is not None}
        found.append((loss.item(), slopes))
    (plain, expected), (dense, ours) = found
    assert dense == pytest.approx(plain, rel=within)
    assert ours.keys() == expected.keys()
    for key, slope in expected.items():
        assert torch.allclose(ours[key], slope, rtol=within, atol=within), key


def test_in_bf16_it_is_as_near_to_fp32_as_transformers_is() -> None:
    model = model_of("BertForMaskedLM", "padded")
    features = features_of(model).take(np.array([1] * 8))
    found = []
    for attention, low in (("eager", False), ("eager", True), (DENSE, True)):
        model.network.set_attn_implementation(attention)
        model.network.zero_grad()
        with model.in_training():
            precision = torch.autocast("cpu", torch.bfloat16) if low else nullcontext()
            loss = model.loss(features, model.total([features]), None, precision)
            loss.backward()
        slopes = [one.grad.flatten() for one in model.network.parameters() if one.grad is not None]
        found.append((loss.item(), torch.cat(slopes)))
    (exact, slope), *low_ones = found
    (theirs_off, theirs_turned), (ours_off, ours_turned) = (
        (abs(loss - exact), float((one - slope).norm() / slope.norm())) for loss, one in low_ones
    )
    assert ours_off < 1e-3 * exact and theirs_off < 1e-3 * exact
    assert 0 < ours_turned < 2 * theirs_turned


def test_dense_attention_refuses_padding() -> None:
    model = model_of("BertForMaskedLM", "padded")
    model.network.set_attn_implementation(DENSE)
    features = features_of(model)
    with model.in_training(), pytest.raises(AssertionError):
        model.loss(features, model.total([features]), None, nullcontext())


def test_cross_entropy_by_blocks_is_that_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.kernels.cross_entropy.BLOCK", 3 * V)  # three rows a block
    torch.manual_seed(2)
    states, weight, bias = torch.randn(10, 8), torch.randn(V, 8), torch.randn(V)
    targets = torch.randint(V, (10,))
    leaves = [one.clone().requires_grad_() for one in (states, weight, bias)]
    (2 * summed_cross_entropy(*leaves, targets)).backward()
    peers = [one.clone().requires_grad_() for one in (states, weight, bias)]
    loss = functional.cross_entropy(functional.linear(peers[0], peers[1], peers[2]), targets, reduction="sum")
    (2 * loss).backward()
    assert summed_cross_entropy(*leaves, targets).item() == pytest.approx(loss.item(), rel=1e-6)
    for ours, torchs in zip(leaves, peers, strict=True):
        assert ours.grad is not None and torchs.grad is not None
        assert torch.allclose(ours.grad, torchs.grad, rtol=1e-5, atol=1e-6)


def test_a_model_in_training_computes_no_logits_of_tokens_that_are_not_predicted() -> None:
    model = model_of("BertForMaskedLM", "padded")
    features = features_of(model)
    assert features.targets
    with model.in_training(), torch.no_grad():
        logits = model.outputs(model.given(features)).logits
    assert logits.shape == (int((features.targets.values != IGNORED).sum()), V)
    assert model.network(torch.ones(1, 4, dtype=torch.long)).logits.shape == (1, 4, V)  # as before, outside
