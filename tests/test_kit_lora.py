"""LoRA against peft's own wrapper and adapter, merged into plain weights that transformers alone reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import tiny
import torch
import transformers
from door import Refused, refused
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as DEFAULTS
from test_train import DRY

from bertkit.cli import main
from bertkit.kernels.linear import fast_linear
from bertkit.models.adapt import adapted
from bertkit.models.finish import finished
from bertkit.models.layers import layer_of
from bertkit.models.load import Loaded, load, save
from bertkit.models.lora import targets_of
from bertkit.task import Recipe
from bertkit.training import update

__all__ = ["refused"]

RECIPE = Recipe(max_steps=3, batch_size=4, learning_rate=1e-2, warmup=0.0, lora=2)
peft_warns = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
"""peft's own wrapper asks transformers by an old name."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny encoder of a family, without dropout."""
    made: dict[str, Path] = {}
    place = tmp_path_factory.mktemp("lora")

    def of(family: str) -> Path:
        if family not in made:
            made[family] = tiny.make(family, place / family, **(DRY if family == "bert" else {}))
        return made[family]

    return of


def fresh(folder: Path, kind: str = "classification") -> Loaded:
    return load(tiny.encoder(folder), tiny.HEADS[kind], scratch=False, seed=1)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_query_and_value_get_matrices_and_only_they_and_the_head_are_trained(
    family: str, folder: Callable[[str], Path]
) -> None:
    plain = fresh(folder(family)).model
    kind = plain.config.model_type
    assert set(targets_of(plain)) == set(DEFAULTS.get(kind, targets_of(plain)))
    loaded = adapted(fresh(folder(family)), RECIPE, seed=1)
    trained = {name for name, one in loaded.model.named_parameters() if one.requires_grad}
    heads = {name for name, _ in plain.named_parameters() if layer_of(plain, name) is None}
    added = {name for name in trained if ".lora_A." in name or ".lora_B." in name}
    layers = 1 if family == "albert" else 2
    assert trained == added | heads
    assert len(added) == 2 * layers * len(targets_of(plain))
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    tiny.train_in_place(tiny.model_of("classification", loaded), tiny.encode("classification", loaded), RECIPE)
    after = loaded.model.state_dict()
    assert {name for name, tensor in after.items() if not torch.equal(tensor, before[name])} == trained


@peft_warns
def test_its_updates_are_those_of_a_peft_model(folder: Callable[[str], Path]) -> None:
    loaded = adapted(fresh(folder("bert")), replace(RECIPE, lora=4, lora_alpha=2.0), seed=1)
    theirs = fresh(folder("bert")).model
    config = peft.LoraConfig(r=4, lora_alpha=2.0, task_type="SEQ_CLS", modules_to_save=["pooler", "classifier"])
    wrapped = peft.get_peft_model(theirs, config)
    drawn = {name: one for name, one in loaded.model.state_dict().items() if ".lora_" in name}
    missing = wrapped.load_state_dict({f"base_model.model.{name}": one for name, one in drawn.items()}, strict=False)
    assert not missing.unexpected_keys
    features = tiny.encode("classification", loaded)
    recipe = replace(RECIPE, max_steps=2, batch_size=8, order="random", max_grad_norm=1e9, weight_decay=0.0)
    log = tiny.train_in_place(tiny.model_of("classification", loaded, "padded", recipe), features, recipe)
    batch = tiny.model_of("classification", loaded, "padded").batch(features)
    assert batch.targets is not None
    optimizer = torch.optim.AdamW([one for one in wrapped.parameters() if one.requires_grad], weight_decay=0.0)
    wrapped.train()
    for line in log:
        loss = wrapped(**batch.inputs, attention_mask=batch.mask.long(), labels=batch.targets[:, 0]).loss
        assert float(loss.detach()) == pytest.approx(line["loss"], rel=1e-4)
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = line["learning_rate"]
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("kernel", ["unpadded", "linear"])
def test_the_fast_paths_train_it_as_the_plain_ones(
    kernel: str, folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, order="random")

    def run(fast: bool) -> tuple[dict[str, torch.Tensor], list[float]]:
        with monkeypatch.context() as patched:
            known = fast and kernel == "linear"
            patched.setattr(update, "fast_linear", lambda model: fast_linear(model, lambda: known))
            loaded = adapted(fresh(folder("bert")), recipe, seed=1)
            layout: Any = "unpadded" if fast and kernel == "unpadded" else "padded"
            features = tiny.encode("classification", loaded)
            log = tiny.train_in_place(tiny.model_of("classification", loaded, layout, recipe), features, recipe)
            return dict(loaded.model.state_dict()), [line["loss"] for line in log]

    if kernel == "linear" and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch lacks oneDNN's matrix product")
    (weights, losses), (plain, wanted) = run(True), run(False)
    assert losses == pytest.approx(wanted, abs=1e-4)
    for name, tensor in plain.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-3, rtol=1e-2, msg=name)


@pytest.mark.parametrize("kind", tiny.HEADS)
@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_the_saved_model_is_a_plain_one_with_the_same_answers(
    kind: str, family: str, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    loaded = adapted(fresh(folder(family), kind), RECIPE, seed=1)
    features = tiny.encode(kind, loaded)
    model = tiny.model_of(kind, loaded)
    tiny.train_in_place(model, features, RECIPE)
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    apart = tiny.predict(kind, loaded, features).values
    with finished(model) as done:
        save(done.loaded, tmp_path)
        merged = tiny.predict(kind, loaded, features).values
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name  # it can be trained further
    assert np.array_equal(tiny.predict(kind, loaded, features).values, apart)
    assert not np.array_equal(apart, tiny.predict(kind, fresh(folder(family), kind), features).values)
    np.testing.assert_allclose(merged, apart, atol=1e-4)
    read, told = getattr(transformers, tiny.HEADS[kind].auto_model).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(told[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    again = tiny.predict(kind, replace(loaded, model=read), features).values
    assert np.array_equal(again, merged)


def finetuned(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], *typed: str) -> Path:
    """The folder of a run that is finished."""
    data = tiny.write_reviews(tmp_path / "rows", tiny.REVIEWS, tiny.REVIEWS)
    flags = f"finetune sst2 --data {data} --model {model} --device cpu --max-steps 6 --batch-size 4 --lr 1e-2 --json"
    with pytest.raises(SystemExit) as left:
        main([*flags.split(), *typed, "--out", str(tmp_path / "runs")])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    return Path(json.loads(printed.out)["folder"])


@peft_warns
def test_a_kept_adapter_gives_the_answers_of_the_saved_model_in_peft(
    tmp_path: Path, folder: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = finetuned(tmp_path, folder("bert"), capsys, "--lora", "2", "--keep-adapter")
    assert sorted(path.name for path in (run / "adapter").iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors",
    ]  # fmt: skip
    base = transformers.AutoModelForSequenceClassification.from_pretrained(folder("bert"), num_labels=2)
    wrapped = peft.PeftModel.from_pretrained(base, run / "adapter").eval()
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    batch = tokenizer([text for text, _ in tiny.REVIEWS], padding=True, return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(wrapped(**batch).logits, plain(**batch).logits, atol=1e-5, rtol=1e-4)


def test_scores_predictions_and_saved_model_agree(
    tmp_path: Path, folder: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = finetuned(tmp_path, folder("bert"), capsys, "--lora", "2")
    assert not (run / "adapter").exists()
    result = json.loads((run / "result.json").read_text("utf-8"))
    assert result["encoder"]["lora"]["rank"] == 2 and result["encoder"]["lora"]["alpha"] == 4.0
    with pytest.raises(SystemExit):
        main(["eval", str(run), "--json"])
    again = json.loads(capsys.readouterr().out)
    assert again["evaluations"][0]["metrics"] == result["evaluations"][0]["metrics"]
    lines = [json.loads(line) for line in (run / "predictions.jsonl").read_text("utf-8").splitlines()]
    pipe = transformers.pipeline("text-classification", model=str(run / "model"), top_k=None)
    for line, (text, _) in zip(lines, tiny.REVIEWS, strict=True):
        scores = {one["label"]: one["score"] for one in pipe([text])[0]}
        assert scores == pytest.approx(line["scores"], abs=1e-5)


def test_its_best_model_is_kept_beside_the_last_one(
    tmp_path: Path, folder: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = finetuned(tmp_path, folder("bert"), capsys, "--lora", "2", "--keep-best", "--eval-every", "3")
    for name in ("best", "model"):
        _, told = transformers.AutoModelForSequenceClassification.from_pretrained(run / name, output_loading_info=True)
        assert not any(told[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--lora 0", "--lora 0: it must be at least 1"),
        ("--lora 2 --lora-alpha 0", "--lora-alpha 0: it must be a number above 0"),
        ("--lora-alpha 4", "--lora-alpha needs --lora"),
        ("--lora 2 --freeze all", "--lora and --freeze: give one of them"),
        ("--lora 2 --reinit-layers 1", "--lora and --reinit-layers: give one of them"),
        ("--lora 2 --layer-decay 0.9", "--lora and --layer-decay: give one of them"),
        ("--lora 2 --scratch", "--lora and --scratch: give one of them"),
        ("--keep-adapter", "--keep-adapter needs --lora"),
    ],
)
def test_lora_with_what_contradicts_it_is_refused(refused: Refused, typed: str, said: str) -> None:
    assert said in refused("finetune", "sst2", "--sample", *typed.split())
