"""Frozen layers, learning rates by layer and layers drawn again, for every family of encoders.

L layers, counted from 1; 0 are the embeddings, None is the head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from door import Refused, refused, shape
from test_train import DRY

from bertkit.heads.features import Features
from bertkit.kernels.linear import fast_linear
from bertkit.models.adapt import adapted
from bertkit.models.layers import freeze, layer_of, layers_of, rate_factors
from bertkit.models.load import Loaded, load
from bertkit.task import Recipe
from bertkit.training import update
from bertkit.training.optimizer import optimizer_of

__all__ = ["refused"]

BASE = {"distilbert": "distilbert", "mpnet": "mpnet", "electra": "electra", "albert": "albert", "bert": "bert"}
BASE |= {"roberta": "roberta", "xlm-roberta": "roberta", "deberta-v2": "deberta", "deberta-v3": "deberta"}
BASE |= {"modernbert": "model"}
EMBEDDED = {"electra": ["embeddings_project.weight"], "albert": ["encoder.embedding_hidden_mapping_in.weight"]}
EMBEDDED |= {"mpnet": ["encoder.relative_attention_bias.weight"]}
EMBEDDED |= {
    name: ["encoder.rel_embeddings.weight", "encoder.LayerNorm.weight"] for name in ("deberta-v2", "deberta-v3")
}
RECIPE = Recipe(max_steps=3, batch_size=4, learning_rate=1e-3, warmup=0.0, weight_decay=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny encoder of a family."""
    made: dict[str, Path] = {}
    place = tmp_path_factory.mktemp("layers")

    def of(family: str) -> Path:
        if family not in made:
            made[family] = tiny.make(family, place / family)
        return made[family]

    return of


def fresh(folder: Path, kind: str = "classification", seed: int = 1) -> Loaded:
    return load(tiny.encoder(folder), tiny.HEADS[kind], scratch=False, seed=seed)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_every_weight_has_its_layer(family: str, folder: Callable[[str], Path]) -> None:
    model = fresh(folder(family)).model
    body, shared = BASE[family], family == "albert"
    layers = layers_of(model)
    assert (layers.body, layers.count, layers.shared) == (body, 1 if shared else 2, shared)
    found = {name: layer_of(model, name) for name, _ in model.named_parameters()}
    for name, layer in found.items():
        if ".0." in name and name.startswith(f"{body}.") and not shared:
            assert layer == 1, name
        elif ".1." in name and name.startswith(f"{body}."):
            assert layer == 2, name
        elif name.startswith(f"{body}.embeddings."):
            assert layer == 0, name
        elif not name.startswith(f"{body}.") or ".pooler." in name:
            assert layer is None, name
    assert {found[f"{body}.{name}"] for name in EMBEDDED.get(family, ())} <= {0}
    assert set(found.values()) == ({0, 1, None} if shared else {0, 1, 2, None})
    if family == "modernbert":
        assert found["model.final_norm.weight"] == 2
    if family == "deberta-v2":
        assert found["deberta.encoder.conv.conv.weight"] == 1


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize(("what", "last"), [("embeddings", 0), (1, 1), ("all", 2)])
def test_frozen_layers_do_not_move_and_all_others_do(
    family: str, what: Any, last: int, folder: Callable[[str], Path]
) -> None:
    if family == "albert" and what == 1:
        pytest.skip("its layers share their weights")
    loaded = adapted(fresh(folder(family)), replace(RECIPE, freeze=what), seed=1)
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    tiny.train_in_place(tiny.model_of("classification", loaded), tiny.encode("classification", loaded), RECIPE)
    for name, parameter in loaded.model.named_parameters():
        layer = layer_of(loaded.model, name)
        frozen = layer is not None and layer <= last
        assert parameter.requires_grad != frozen, name
        key_bias = name.endswith(("key.bias", "attn.k.bias"))  # has no gradient: softmax undoes a shift
        if frozen or not key_bias:
            assert torch.equal(parameter, before[name]) == frozen, name


def trained(loaded: Loaded, recipe: Recipe, layout: Any = "auto") -> tuple[dict[str, torch.Tensor], list[float]]:
    """The weights after training, and the losses."""
    features: Features = tiny.encode("classification", loaded)
    log = tiny.train_in_place(tiny.model_of("classification", loaded, layout, recipe), features, recipe)
    return dict(loaded.model.state_dict()), [line["loss"] for line in log]


@pytest.mark.parametrize("change", [{"freeze": "embeddings"}, {"freeze": 1}, {"freeze": "all"}, {"layer_decay": 0.5}])
@pytest.mark.parametrize("kernel", ["unpadded", "linear", "embedding"])
def test_the_fast_paths_train_as_the_plain_ones(
    change: dict[str, Any], kernel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dry = tiny.make("bert", tmp_path / "dry", **DRY)
    recipe = replace(RECIPE, order="random", max_grad_norm=1e9, **change)  # a norm depends on the order of its parts

    def run(fast: bool) -> tuple[dict[str, torch.Tensor], list[float]]:
        with monkeypatch.context() as patched:
            patched.setattr(
                update, "fast_linear", lambda model: fast_linear(model, lambda: fast and kernel == "linear")
            )
            if not (fast and kernel == "embedding"):
                patched.setattr(update, "fits", lambda model: False)
            loaded = adapted(fresh(dry), recipe, seed=1)
            return trained(loaded, recipe, "unpadded" if fast and kernel == "unpadded" else "padded")

    if kernel == "linear" and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch lacks oneDNN's matrix product")
    (weights, losses), (plain, wanted) = run(True), run(False)
    assert losses == pytest.approx(wanted, abs=1e-5)
    for name, tensor in plain.items():
        torch.testing.assert_close(weights[name], tensor, atol=2e-4, rtol=1e-3, msg=name)
    if kernel == "embedding":
        assert all(torch.equal(weights[name], plain[name]) for name in plain)


def test_a_frozen_layer_gets_no_gradient(folder: Callable[[str], Path]) -> None:
    model = fresh(folder("bert")).model
    freeze(model, "all")
    ids = torch.tensor([[2, 7, 3]])
    hidden = model.bert(ids).last_hidden_state
    assert not hidden.requires_grad
    model(ids).logits.sum().backward()
    assert {name for name, one in model.named_parameters() if one.grad is not None} == {
        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
    }  # fmt: skip


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_learning_rate_falls_from_layer_to_layer(family: str, folder: Callable[[str], Path]) -> None:
    if family == "albert":
        pytest.skip("its layers share their weights")
    model = fresh(folder(family)).model
    factors = rate_factors(model, 0.5)
    wanted = {None: 1.0, 2: 0.5, 1: 0.25, 0: 0.125}  # of two layers: 0.5^(3 - l)
    assert {name: wanted[layer_of(model, name)] for name in factors} == factors


def test_an_update_is_as_large_as_its_layers_learning_rate(tmp_path: Path) -> None:
    loaded = fresh(tiny.make("bert", tmp_path / "dry", **DRY))
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    trained(loaded, replace(RECIPE, max_steps=1, weight_decay=0.0, max_grad_norm=1e9, layer_decay=0.5))
    moved = {
        name: float((tensor - before[name]).detach().abs().max()) for name, tensor in loaded.model.named_parameters()
    }
    # AdamW's first update is the sign of the gradient times the learning rate, 1e-3 * factor
    body = "bert.encoder.layer.{}.output.dense.weight"
    assert moved["classifier.weight"] == pytest.approx(1e-3, rel=1e-2)
    assert moved[body.format(1)] == pytest.approx(0.5e-3, rel=1e-2)
    assert moved[body.format(0)] == pytest.approx(0.25e-3, rel=1e-2)
    assert moved["bert.embeddings.word_embeddings.weight"] == pytest.approx(0.125e-3, rel=1e-2)


def test_without_decay_the_optimizer_has_the_two_groups_it_had(folder: Callable[[str], Path]) -> None:
    model = fresh(folder("bert")).model
    groups = optimizer_of(model, RECIPE).param_groups
    assert [(group["weight_decay"], group["factor"]) for group in groups] == [(0.1, 1.0), (0.0, 1.0)]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_top_layers_are_drawn_again_as_the_model_draws_them(family: str, folder: Callable[[str], Path]) -> None:
    if family == "albert":
        pytest.skip("its layers share their weights")
    plain = fresh(folder(family)).model
    again = adapted(fresh(folder(family)), replace(RECIPE, reinit_layers=1), seed=7).model
    other = adapted(fresh(folder(family)), replace(RECIPE, reinit_layers=1), seed=8).model
    same = adapted(fresh(folder(family)), replace(RECIPE, reinit_layers=1), seed=7).model
    stack = f"{layers_of(plain).body}.{layers_of(plain).stack}.1."
    for name, parameter in again.named_parameters():
        tensor = parameter.detach()
        assert torch.equal(tensor, same.get_parameter(name))
        redrawn = name.startswith(stack) or ".pooler." in name
        redrawn = redrawn and tensor.ndim > 1 and name.startswith(f"{layers_of(plain).body}.")
        assert torch.equal(tensor, plain.get_parameter(name)) != redrawn or not float(tensor.std()), name
        if redrawn:
            assert not torch.equal(tensor, other.get_parameter(name))
            assert 0.02 < float(tensor.std()) < 0.15, name  # initializer_range is 0.1; ModernBERT's outputs have half
    for name, tensor in again.named_parameters():
        if name.startswith(stack) and tensor.ndim == 1:
            assert set(tensor.tolist()) == ({1.0} if name.endswith("weight") else {0.0}), name


def test_layers_drawn_again_leave_the_other_random_numbers_alone(folder: Callable[[str], Path]) -> None:
    loaded = fresh(folder("bert"))
    state = torch.get_rng_state()
    adapted(loaded, replace(RECIPE, reinit_layers=2), seed=1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--freeze 3", "--freeze 3: the encoder has 1 layer"),
        ("--reinit-layers 2", "--reinit-layers 2: the encoder has 1 layer"),
        ("--freeze 0", "--freeze 0: it must be at least 1"),
        ("--freeze half", "--freeze half: it must be embeddings, all, or a number of layers"),
        ("--freeze 1 --reinit-layers 1", "--freeze 1 and --reinit-layers 1: the encoder has 1 layer"),
        ("--freeze all --reinit-layers 1", "--freeze all and --reinit-layers: give one of them"),
        ("--freeze all --layer-decay 0.9", "--freeze all and --layer-decay: give one of them"),
        ("--reinit-layers -1", "--reinit-layers -1: it cannot be negative"),
        ("--layer-decay 0", "--layer-decay 0: it must be above 0 and at most 1"),
        ("--llrd 1.1", "--layer-decay 1.1: it must be above 0 and at most 1"),
        ("--reinit-layers 1 --scratch", "--reinit-layers and --scratch: give one of them"),
    ],
)
def test_layers_that_are_not_there_are_refused(refused: Refused, tmp_path: Path, typed: str, said: str) -> None:
    data = tiny.write_reviews(tmp_path / "rows", tiny.REVIEWS, tiny.REVIEWS)
    model = shape(tmp_path / "shape")
    save_weights(tmp_path / "shape")
    assert said in refused("finetune", "sst2", "--data", str(data), "--model", model, "--device", "cpu", *typed.split())


def save_weights(folder: Path) -> None:
    """Weights for the shape, at random."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    transformers.AutoModel.from_config(config).save_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"freeze": 1}, "--freeze 1: the layers of this encoder share their weights"),
        ({"reinit_layers": 1}, "--reinit-layers 1: the layers of this encoder share their weights"),
        ({"layer_decay": 0.9}, "--layer-decay 0.9: the layers of this encoder share their weights"),
    ],
)
def test_shared_layers_cannot_be_told_apart(change: dict[str, Any], said: str, folder: Callable[[str], Path]) -> None:
    with pytest.raises(Exception, match=said):
        adapted(fresh(folder("albert")), replace(RECIPE, **change), seed=1)
