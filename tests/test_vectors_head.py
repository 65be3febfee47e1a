"""Heads on vectors: features, the linear map into the encoder, their loss, and the saved model without bertkit.

T vectors of a row, D numbers of each, E the width of the token embeddings.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file

from bertkit.errors import DataError, EncoderError, RequestError
from bertkit.evaluation import inference
from bertkit.heads import Classification, Head, Number, Tagging, Window
from bertkit.heads.vectors import VECTOR, Vectors
from bertkit.kernels.unpadded import unpadded
from bertkit.models.layout import choose_layout
from bertkit.models.load import Loaded, load, load_trained, save
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.spec import Layout
from bertkit.task import Recipe

WIDTH = 3
LENGTHS = (1, 4, 2, 7, 5)
DRAWN = np.random.default_rng(7)
VECTORS = [(10 + 5 * DRAWN.normal(size=(length, WIDTH))).astype(np.float32).tolist() for length in LENGTHS]
FITTED = Vectors(width=WIDTH).fitted(VECTORS)
LABELS = ["up", "down", "up", "down", "up"]
TAGS = [[("a", "b", None)[k % 3] for k in range(length)] for length in LENGTHS]
HEADS: dict[str, Head] = {
    "classification": Classification(labels=("down", "up"), vectors=FITTED),
    "regression": Classification(labels=Number(), vectors=FITTED),
    "tagging": Tagging(labels=("a", "b"), vectors=FITTED),
}
ROWS: dict[str, dict[str, Any]] = {
    "classification": {"vectors": VECTORS, "label": LABELS},
    "regression": {"vectors": VECTORS, "label": [0.5, 2.0, -1.0, 3.0, 0.0]},
    "tagging": {"vectors": VECTORS, "tags": TAGS},
}
WINDOW = Window(max_length=64)
GPT2 = {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 64}


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("vectors")
    return {family: tiny.make(family, root / family) for family in tiny.FAMILIES}


def loaded_as(body: Path, kind: str) -> Loaded:
    return load(tiny.encoder(body), HEADS[kind], scratch=False, seed=1)


def model_of(loaded: Loaded, kind: str, layout: Layout) -> TaskModel:
    how = choose_layout(loaded.model, layout, Recipe(), tiny.CPU)
    return TaskModel(loaded=loaded, head=HEADS[kind], window=WINDOW, layout=how, accelerator=tiny.accelerator())


def by_hand(loaded: Loaded, rows: list[Any], **given: Any) -> Any:
    """transformers' output for padded `inputs_embeds`, made as the documentation says; in evaluation."""
    model, tokenizer = loaded.model.eval(), loaded.tokenizer
    state, words = model.state_dict(), model.get_input_embeddings()
    first, last = tokenizer("")["input_ids"]
    longest = max(map(len, rows)) + 2
    embeds = torch.zeros(len(rows), longest, words.weight.shape[1])
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for k, row in enumerate(rows):
        x = (torch.tensor(row) - state["vector_projection.mean"]) / state["vector_projection.deviation"]
        inner = x @ state["vector_projection.weight"].T + state["vector_projection.bias"]
        embeds[k, : len(row) + 2] = torch.cat([words.weight[[first]], inner, words.weight[[last]]])
        mask[k, : len(row) + 2] = 1
    return model(inputs_embeds=embeds, attention_mask=mask, **given)


def test_mean_and_deviation_are_those_of_all_vectors_of_the_train_rows() -> None:
    every = np.concatenate([np.asarray(row, np.float64) for row in VECTORS])
    assert FITTED.mean == pytest.approx(every.mean(axis=0))
    assert FITTED.deviation == pytest.approx(every.std(axis=0))
    far = Vectors(width=1).fitted([[[1e9 + 1]], [[1e9 + 2], [1e9 + 3]]])
    assert far.mean == (1e9 + 2,) and far.deviation == pytest.approx(((2 / 3) ** 0.5,))
    assert Vectors(width=2).fitted([[[4.0, 1.0]], [[4.0, 3.0]]]).deviation == (1.0, 1.0)  # the first never differs


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_vectors_stand_between_the_tokens_that_the_tokenizer_puts_around_a_text(family: str) -> None:
    tokenizer = tiny.tokenizer_of(family)
    features = HEADS["tagging"].encode(ROWS["tagging"], tokenizer, WINDOW)
    around = tokenizer("")["input_ids"]
    assert len(around) == 2
    assert features.inputs["input_ids"][2].tolist() == [around[0], VECTOR, VECTOR, around[1]]
    assert features.inputs["vectors"][2].tolist() == [[0.0] * WIDTH, *VECTORS[2], [0.0] * WIDTH]
    assert features.lengths.tolist() == [length + 2 for length in LENGTHS]
    assert features.targets is not None and features.targets[3].tolist() == [-100, 0, 1, -100, 0, 1, -100, 0, -100]


def test_what_max_length_cuts_off_is_counted_and_wrong() -> None:
    tokenizer, narrow = tiny.tokenizer_of("bert"), Window(max_length=6)
    head = HEADS["tagging"]
    features = head.encode(ROWS["tagging"], tokenizer, narrow)
    assert features.lengths.tolist() == [3, 6, 4, 6, 6] and features.cut.tolist() == [False, False, False, True, True]
    logits = replace(features.inputs["vectors"], values=np.ones((len(features.inputs["vectors"].values), 2)))
    answers = head.decode(ROWS["tagging"], features, logits, narrow)
    assert answers[3].value == ["a", "a", "a", "a", None, None, None]
    assert len(answers[4].value) == 5
    with pytest.raises(RequestError, match="--long windows: a classification head does not read it"):
        HEADS["classification"].check_window(Window(long="windows"))


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_loss_of_every_layout_is_transformers_own_of_embeddings_made_by_hand(
    bodies: dict[str, Path], family: str, kind: str
) -> None:
    loaded = loaded_as(bodies[family], kind)
    head, rows = HEADS[kind], ROWS[kind]
    features = head.encode(rows, loaded.tokenizer, WINDOW)
    assert features.targets is not None
    longest = int(features.lengths.max())
    if kind == "tagging":
        labels = torch.full((len(VECTORS), longest), -100)
        for k in range(len(VECTORS)):
            labels[k, : features.lengths[k]] = torch.tensor(features.targets[k].tolist())
    else:
        labels = torch.tensor(features.targets.values.tolist())
    with torch.no_grad():
        theirs = float(by_hand(loaded, VECTORS, labels=labels).loss)
    layouts: tuple[Layout, ...] = ("padded", "unpadded") if family in UNPADDED else ("padded",)
    for layout in layouts:
        model = model_of(loaded, kind, layout)
        loaded.model.eval()
        inside = unpadded(loaded.model, head.per_token) if layout == "unpadded" else nullcontext()
        with torch.no_grad(), inside:
            ours = float(model.loss(features, model.total([features]), None, nullcontext()))
        assert ours == pytest.approx(theirs, rel=2e-5)


UNPADDED = ("bert", "roberta", "xlm-roberta", "electra", "distilbert", "albert")


@pytest.mark.parametrize("layout", ["padded", "unpadded"])
def test_answers_do_not_depend_on_the_rows_beside_them(bodies: dict[str, Path], layout: Layout) -> None:
    loaded = loaded_as(bodies["bert"], "classification")
    model = model_of(loaded, "classification", layout)
    features = model.head.encode(ROWS["classification"], loaded.tokenizer, WINDOW)
    whole = inference.predict(model, features, Progress())
    for k in range(len(VECTORS)):
        one = inference.predict(model, features.take(np.array([k])), Progress())
        assert one[0] == pytest.approx(whole[k], abs=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_the_saved_model_answers_in_transformers_alone_with_four_tensors_of_its_file(
    bodies: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    loaded = loaded_as(bodies["bert"], kind)
    save(loaded, tmp_path / "saved")
    assert not list((tmp_path / "saved").glob("*.bin"))
    auto = getattr(transformers, HEADS[kind].auto_model)
    plain = auto.from_pretrained(tmp_path / "saved").eval()
    tensors = load_file(tmp_path / "saved" / "model.safetensors")
    linear = {name.removeprefix("vector_projection."): tensors[name] for name in tensors if "vector_projection" in name}
    assert sorted(linear) == ["bias", "deviation", "mean", "weight"] and plain.config.vector_width == WIDTH
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    tokens = plain.get_input_embeddings()(torch.tensor(tokenizer("")["input_ids"]))
    x = (torch.tensor(VECTORS[3]) - linear["mean"]) / linear["deviation"]
    inner = torch.nn.functional.linear(x, linear["weight"], linear["bias"])
    with torch.no_grad():
        theirs = plain(inputs_embeds=torch.cat([tokens[:1], inner, tokens[1:]])[None]).logits[0]
    again = load_trained(tmp_path / "saved", HEADS[kind])
    model = model_of(again, kind, "auto")
    features = model.head.encode({"vectors": [VECTORS[3]]}, again.tokenizer, WINDOW)
    ours = inference.predict(model, features, Progress())[0]
    assert np.asarray(ours).reshape(theirs.shape) == pytest.approx(theirs.numpy(), abs=1e-5)


def test_fresh_embeddings_of_normalised_vectors_are_as_wide_as_those_of_tokens(bodies: dict[str, Path]) -> None:
    head = Classification(labels=("a", "b"), vectors=Vectors(width=400))
    one, same, other = (load(tiny.encoder(bodies["bert"]), head, scratch=False, seed=seed) for seed in (1, 1, 2))
    with torch.no_grad():
        inner = one.model.vector_projection(torch.randn(500, 400, generator=torch.Generator().manual_seed(7)))
    words = one.model.get_input_embeddings().weight.detach()
    assert float(inner.std()) == pytest.approx(float(words.std()), rel=0.05)
    weights = [loaded.model.vector_projection.weight for loaded in (one, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_a_model_of_other_vectors_or_of_texts_is_refused(bodies: dict[str, Path], tmp_path: Path) -> None:
    save(loaded_as(bodies["bert"], "classification"), tmp_path / "saved")
    wider = replace(HEADS["classification"], vectors=Vectors(width=4))  # type: ignore[type-var]
    with pytest.raises(EncoderError, match="was trained on vectors of 3 numbers, and these rows are vectors of 4 num"):
        load_trained(tmp_path / "saved", wider)
    with pytest.raises(EncoderError, match="was trained on vectors of 3 numbers, and these rows are texts"):
        load_trained(tmp_path / "saved", tiny.SIGNS)
    save(load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1), tmp_path / "texts")
    with pytest.raises(EncoderError, match="was trained on texts, and these rows are vectors of 3 numbers"):
        load_trained(tmp_path / "texts", HEADS["classification"])


def test_fine_tuning_goes_on_from_a_checkpoint_s_own_map_or_draws_one_of_another_width(
    bodies: dict[str, Path], tmp_path: Path
) -> None:
    first = loaded_as(bodies["bert"], "classification")
    save(first, tmp_path / "saved")
    kept = load(tiny.encoder(tmp_path / "saved"), HEADS["tagging"], scratch=False, seed=9)
    assert torch.equal(kept.model.vector_projection.weight, first.model.vector_projection.weight)
    assert "the checkpoint's own linear map of vectors is kept" in kept.notes
    wider = Tagging(labels=("a", "b"), vectors=Vectors(width=5))
    fresh = load(tiny.encoder(tmp_path / "saved"), wider, scratch=False, seed=9)
    assert fresh.model.vector_projection.weight.shape[1] == 5
    assert "the checkpoint's own linear map of vectors is kept" not in fresh.notes
    texts = load(tiny.encoder(tmp_path / "saved"), tiny.TAGS, scratch=False, seed=9)
    assert not hasattr(texts.model, "vector_projection") and not hasattr(texts.model.config, "vector_width")


def test_a_causal_model_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny.tokenizer_of("roberta")
    config = transformers.GPT2Config(vocab_size=len(tokenizer), **GPT2, eos_token_id=2, bos_token_id=0)
    transformers.GPT2Model(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="a gpt2 model cannot read vectors"):
        load(tiny.encoder(tmp_path), HEADS["classification"], scratch=False, seed=1)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([], "an empty sequence, without a vector"),
        (None, "the vectors are empty, not a list of lists of numbers"),
        ("[[1, 2, 3]]", "the vectors are '[[1, 2, 3]]', not a list of lists of numbers"),
        ([1, 2, 3], "vector 1 is 1, not a list of numbers"),
        ([[1, 2, 3], [1, 2]], "vector 2 has 2 numbers, and 3 are read"),
        ([[1, 2], [1, 2]], "vector 1 has 2 numbers, and 3 are read"),
        ([[1, 2, 3], []], "vector 2 has 0 numbers, and 3 are read"),
        ([[1, 2, "x"]], "vector 1, number 3 is 'x', not a number"),
        ([[1, "2", 3]], "vector 1, number 2 is '2', not a number"),
        ([[1, None, 3]], "vector 1, number 2 is empty, not a number"),
        ([[True, False, True]], "vector 1, number 1 is True, not a number"),
        ([[[1], [2], [3]]], "vector 1, number 1 is [1], not a number"),
        ([[1, 2, 3], [1, float("nan"), 3]], "vector 2, number 2 is nan, not finite in fp32"),
        ([[1, 2, float("-inf")]], "vector 1, number 3 is -inf, not finite in fp32"),
        ([[1, 2, 1e39]], "vector 1, number 3 is 1e+39, not finite in fp32"),
    ],
)
def test_a_bad_row_is_an_error_that_says_what_is_wrong(vectors: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        HEADS["classification"].check("a, row 1", {"vectors": vectors, "label": "up"}, {})
    assert str(refused.value) == f"a, row 1: {said}"


def test_each_vector_has_a_tag_which_may_be_a_number() -> None:
    head = Tagging(vectors=Vectors(width=1))
    row = head.check("a", {"vectors": [[1.0], [2.0], [3.0]], "tags": [0, 1, None]}, {})
    assert row == {"vectors": [[1.0], [2.0], [3.0]], "tags": ["0", "1", None]}
    with pytest.raises(DataError, match="a: 3 vectors but 2 tags"):
        head.check("a", {"vectors": [[1.0], [2.0], [3.0]], "tags": [0, 1]}, {})
