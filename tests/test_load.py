"""Encoders that fit a task and encoders that don't: weights, tokenizers, labels, inputs, positions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from bertkit.errors import EncoderError, RequestError
from bertkit.heads import FROM_TRAIN, Tagging, Window
from bertkit.models.forward import fit_window, positions, readable_inputs
from bertkit.models.load import load, load_trained, save

LONG = Window(max_length=512, doc_stride=128)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bodies")
    return {family: tiny.make(family, root / family) for family in tiny.FAMILIES}


@pytest.fixture
def bert(bodies: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the tiny BERT, to be changed."""
    return Path(shutil.copytree(bodies["bert"], tmp_path / "bert"))


def rewrite(folder: Path, change: Any) -> None:
    """Put the folder's tensors through `change`, a function from name and tensor to a tensor or None."""
    path = folder / "model.safetensors"
    kept = {name: new for name, old in load_file(path).items() if (new := change(name, old)) is not None}
    save_file(kept, path, metadata={"format": "pt"})


def configure(folder: Path, **settings: Any) -> None:
    """Change the folder's config."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **settings}), "utf-8")


def resize(folder: Path, tokens: int) -> None:
    """Give the model in `folder` a vocabulary of `tokens`."""
    configure(folder, vocab_size=tokens)
    rewrite(folder, lambda name, old: torch.zeros(tokens, 32) if "word_embeddings" in name else old)


@pytest.mark.parametrize("scratch", [False, True])
def test_a_checkpoint_in_bf16_is_loaded_in_fp32(bert: Path, scratch: bool) -> None:
    configure(bert, dtype="bfloat16")
    rewrite(bert, lambda name, old: old.bfloat16())
    model = load(tiny.encoder(bert), tiny.SIGNS, scratch=scratch, seed=1).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    kept = load_file(bert / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert torch.equal(_words(model), kept.float()) is not scratch


@pytest.mark.parametrize("tokens", [tiny.VOCABULARY - 1, 2 * tiny.VOCABULARY + 2])
def test_a_tokenizer_and_a_model_of_different_vocabularies_are_refused(bert: Path, tokens: int) -> None:
    resize(bert, tokens)
    with pytest.raises(
        EncoderError, match=rf"knows 600 tokens and the model {tokens:,}: .* does not belong to this model"
    ):
        load(tiny.encoder(bert), tiny.SIGNS, scratch=False, seed=1)


def test_a_model_may_have_a_few_tokens_more_than_its_tokenizer(bert: Path) -> None:
    resize(bert, tiny.VOCABULARY + 8)
    assert load(tiny.encoder(bert), tiny.SIGNS, scratch=False, seed=1).model.config.vocab_size == 608


def test_a_tokenizer_file_that_is_no_tokenizer_is_one_line(bert: Path) -> None:
    (bert / "tokenizer.json").write_text('{"model": {"type": "nonsense"}}', "utf-8")
    with pytest.raises(EncoderError, match=r"bert: its tokenizer cannot be read: .+$"):
        load(tiny.encoder(bert), tiny.SIGNS, scratch=False, seed=1)


@pytest.mark.parametrize(("kind", "labels"), [("classification", tiny.SIGNS), ("tagging", tiny.TAGS)])
def test_the_saved_config_names_the_labels_in_the_heads_order(
    bodies: dict[str, Path], tmp_path: Path, kind: str, labels: Any
) -> None:
    loaded = load(tiny.encoder(bodies["bert"]), tiny.HEADS[kind], scratch=False, seed=1)
    save(loaded, tmp_path / "model")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "model")
    assert config.id2label == dict(enumerate(labels.labels))
    assert config.label2id == {name: i for i, name in enumerate(labels.labels)}


def test_a_saved_regression_says_that_it_is_one(bodies: dict[str, Path], tmp_path: Path) -> None:
    loaded = load(tiny.encoder(bodies["bert"]), tiny.NUMBER, scratch=False, seed=1)
    save(loaded, tmp_path / "model")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "model")
    assert (config.problem_type, config.num_labels) == ("regression", 1)


def test_weights_that_lack_tensors_of_the_body_are_refused_by_name(bert: Path) -> None:
    rewrite(bert, lambda name, old: None if name.startswith("encoder.layer.1.output.dense") else old)
    with pytest.raises(EncoderError, match=r"lack 2 of the model's tensors, such as bert\.encoder\.layer\.1\.output"):
        load(tiny.encoder(bert), tiny.SIGNS, scratch=False, seed=1)


def test_a_tensor_of_the_body_of_another_shape_is_refused_by_name(bert: Path) -> None:
    rewrite(bert, lambda name, old: old[:-1] if "position_embeddings" in name else old)
    with pytest.raises(EncoderError, match=r"do not fit its config\.json: bert\..*position_embeddings"):
        load(tiny.encoder(bert), tiny.SIGNS, scratch=False, seed=1)


def test_a_body_without_a_pooler_is_taken_for_classification(bert: Path) -> None:
    rewrite(bert, lambda name, old: None if name.startswith("pooler.") else old)
    assert load(tiny.encoder(bert), tiny.SIGNS, scratch=False, seed=1).model.bert.pooler is not None


def test_a_trained_head_of_other_labels_is_replaced(bodies: dict[str, Path], tmp_path: Path) -> None:
    five = Tagging(labels=("A", "B", "C", "D", "E"))
    loaded = load(tiny.encoder(bodies["bert"]), five, scratch=False, seed=1)
    save(loaded, tmp_path / "five")
    again = load(tiny.encoder(tmp_path / "five"), tiny.TAGS, scratch=False, seed=1).model
    assert again.classifier.weight.shape == (9, 32)
    assert torch.equal(_words(again), _words(loaded.model))


def _words(model: Any) -> Tensor:
    return model.get_input_embeddings().weight


@pytest.mark.parametrize("kind", ["classification", "tagging", "span"])
def test_a_body_has_no_trained_head_and_finetune_is_named(bodies: dict[str, Path], kind: str) -> None:
    with pytest.raises(EncoderError, match=rf"no trained {kind} head \(BertModel\).*bertkit finetune TASK"):
        load_trained(bodies["bert"], tiny.HEADS[kind])


def test_a_model_trained_under_another_head_is_refused(bodies: dict[str, Path], tmp_path: Path) -> None:
    loaded = load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1)
    save(loaded, tmp_path / "model")
    with pytest.raises(EncoderError, match=r"no trained tagging head \(BertForSequenceClassification\)"):
        load_trained(tmp_path / "model", Tagging(labels=FROM_TRAIN))


def test_a_trained_model_whose_head_was_lost_is_refused(bodies: dict[str, Path], tmp_path: Path) -> None:
    loaded = load(tiny.encoder(bodies["bert"]), tiny.SIGNS, scratch=False, seed=1)
    save(loaded, tmp_path / "model")
    rewrite(tmp_path / "model", lambda name, old: None if name == "classifier.weight" else old)
    with pytest.raises(EncoderError, match=r"lack 1 of the model's tensors, such as classifier\.weight"):
        load_trained(tmp_path / "model", tiny.SIGNS)


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("bert", {"input_ids", "token_type_ids"}),
        ("electra", {"input_ids", "token_type_ids"}),
        ("albert", {"input_ids", "token_type_ids"}),
        ("roberta", {"input_ids"}),
        ("xlm-roberta", {"input_ids"}),
        ("distilbert", {"input_ids"}),
        ("mpnet", {"input_ids"}),
        ("deberta-v3", {"input_ids"}),
        ("modernbert", {"input_ids"}),
    ],
)
def test_a_model_is_given_segments_only_if_it_has_two_of_them(
    bodies: dict[str, Path], family: str, names: set[str]
) -> None:
    model = load(tiny.encoder(bodies[family]), tiny.SIGNS, scratch=False, seed=1).model
    assert readable_inputs(model) == names


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "mpnet", "distilbert", "albert", "electra"])
def test_a_model_has_positions_for_just_as_many_tokens_as_it_says(bodies: dict[str, Path], family: str) -> None:
    model = load(tiny.encoder(bodies[family]), tiny.SIGNS, scratch=False, seed=1).model.eval()
    most = positions(model.config)
    assert most == tiny.POSITIONS
    ids = torch.full((1, most + 1), 9)
    assert model(ids[:, :most]).logits.shape == (1, 2)
    with pytest.raises((IndexError, RuntimeError)):
        model(ids)


def test_a_config_without_a_limit_has_none() -> None:
    assert positions(transformers.XLNetConfig()) is None


def test_a_window_no_longer_than_the_model_sees_stays_as_it_is() -> None:
    config = SimpleNamespace(max_position_embeddings=512, model_type="bert", pad_token_id=0)
    assert fit_window(LONG, config, typed=False) == LONG


def test_a_recipes_window_is_cut_to_what_the_model_sees_and_its_stride_to_a_quarter() -> None:
    config = SimpleNamespace(max_position_embeddings=258, model_type="roberta", pad_token_id=1)
    assert fit_window(LONG, config, typed=False) == Window(max_length=256, doc_stride=64)


def test_a_window_that_was_typed_and_is_too_long_is_refused() -> None:
    config = SimpleNamespace(max_position_embeddings=514, model_type="roberta", pad_token_id=1)
    with pytest.raises(RequestError, match=r"--max-length 513: this model sees 512 tokens at most"):
        fit_window(Window(max_length=513), config, typed=True)


def test_a_sentencepiece_file_alone_is_a_tokenizer(bodies: dict[str, Path], tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = Path(shutil.copytree(bodies["deberta-v3"], tmp_path / "deberta"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    ids = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3}
    names = {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(tiny.texts()), model_prefix=str(folder / "spm"), vocab_size=tiny.VOCABULARY - 1,
        user_defined_symbols=["[MASK]"], minloglevel=2, **ids, **names,
    )  # fmt: skip
    tokenizer = load(tiny.encoder(folder), tiny.TAGS, scratch=False, seed=1).tokenizer
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    text = "They live in a small town by the sea"
    assert tokenizer(text).tokens()[1:-1] == theirs.encode(text, out_type=str)
    assert tokenizer(text)["input_ids"] == [1, *theirs.encode(text), 2]


def test_a_head_of_another_size_than_its_config_says_is_named_with_both_shapes(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    save(load(tiny.encoder(tiny.make("bert", tmp_path / "bert")), tiny.SIGNS, scratch=False, seed=1), folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    three = {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}
    (folder / "config.json").write_text(json.dumps({**config, **three}), "utf-8")
    with pytest.raises(EncoderError, match=r"config\.json: classifier\.\w+ has the shape \(2.*, not \(3"):
        load_trained(folder, tiny.SIGNS)


def test_a_saved_model_is_readable_by_whoever_may_read_its_config(tmp_path: Path) -> None:
    loaded = load(tiny.encoder(tiny.make("bert", tmp_path / "bert")), tiny.SIGNS, scratch=False, seed=1)
    save(loaded, tmp_path / "saved")
    modes = {path.name: path.stat().st_mode for path in (tmp_path / "saved").iterdir()}
    assert modes["model.safetensors"] == modes["config.json"]
