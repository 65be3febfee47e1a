"""Models of a shape: every architecture of every objective, by its own sizes and tokens, saved and read again."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from bertkit.errors import RequestError
from bertkit.models.shapes import config_of, fresh, with_dropout
from bertkit.models.vocabularies import trained
from bertkit.objectives import OBJECTIVES, Objective
from bertkit.objectives.denoise import Denoise
from bertkit.pretraining import Shape, Vocabulary, shape_of

TEXT = [["the old man of the sea, the sea", "she sold shells at the shore"] * 5]
TINY = Shape(layers=2, hidden=32, heads=2)
AUTO = {"mlm": "AutoModelForMaskedLM", "causal": "AutoModelForCausalLM", "denoise": "AutoModelForSeq2SeqLM"}
"""By what transformers opens a model of an objective; AutoModelForPreTraining those of pairs."""

ALL: list[tuple[Objective, str]] = [
    (objective, architecture)
    for objective in (*(made() for made in OBJECTIVES.values()), Denoise(noise="t5"))
    for architecture in objective.auto_models
]
ARCHITECTURES = tuple(dict.fromkeys(architecture for _, architecture in ALL))


@cache
def tokenizer_of(architecture: Any) -> Any:
    return trained(Vocabulary(kind="characters", size=60), architecture, TEXT, 64)


def config(architecture: Any, shape: Shape = TINY, max_length: int = 64) -> Any:
    return config_of(architecture, shape, tokenizer_of(architecture), max_length)


@pytest.mark.parametrize(
    ("objective", "architecture"), ALL, ids=[f"{objective.kind}-{architecture}" for objective, architecture in ALL]
)
def test_transformers_opens_a_saved_model_and_misses_no_weights(
    objective: Objective, architecture: str, tmp_path: Path
) -> None:
    name = objective.auto_models[architecture]
    model = fresh(name, config(architecture), seed=1)
    model.save_pretrained(tmp_path)
    auto = getattr(transformers, AUTO.get(objective.kind, "AutoModelForPreTraining"))
    found, told = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert type(found).__name__ == name
    assert not any(told.values())
    ours, theirs = model.state_dict(), found.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_special_tokens_of_a_config_are_those_of_its_tokenizer(architecture: str) -> None:
    made, tokenizer = config(architecture), tokenizer_of(architecture)
    assert made.vocab_size == len(tokenizer)
    assert made.pad_token_id == tokenizer.pad_token_id
    for name in ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id", "decoder_start_token_id"):
        number = getattr(made, name, None)
        assert number is None or 0 <= number < len(tokenizer)


def test_a_decoder_starts_with_bart_s_end_token_and_with_t5_s_padding_token() -> None:
    assert config("bart").decoder_start_token_id == tokenizer_of("bart").eos_token_id == 2
    assert config("t5").decoder_start_token_id == tokenizer_of("t5").pad_token_id == 0


def test_a_tokenizer_without_an_end_token_of_its_own_ends_texts_as_bert_does() -> None:
    """As when BART is given BERT's tokenizer: [CLS] is 2 and [SEP] 3."""
    made = config_of("bart", TINY, tokenizer_of("bert"), 64)
    assert (made.bos_token_id, made.eos_token_id, made.decoder_start_token_id) == (2, 3, 3)


def test_tiny_is_the_bert_of_turc_et_al() -> None:
    """Two layers of hidden size 128, whose feed-forward layers are 512 wide, with two heads; 512 positions."""
    made = config("bert", shape_of("tiny"))
    sizes = (made.num_hidden_layers, made.hidden_size, made.intermediate_size, made.num_attention_heads)
    assert (*sizes, made.max_position_embeddings) == (2, 128, 512, 2, 512)


def test_bart_and_t5_have_the_layers_in_either_half() -> None:
    bart, t5 = config("bart"), config("t5")
    assert (bart.encoder_layers, bart.decoder_layers, t5.num_layers, t5.num_decoder_layers) == (2, 2, 2, 2)


def test_albert_s_embeddings_are_narrower_than_a_wide_model() -> None:
    assert config("albert", Shape(layers=1, hidden=256, heads=4)).embedding_size == 128
    assert config("albert", Shape(layers=1, hidden=64, heads=4)).embedding_size == 64


@pytest.mark.parametrize("architecture", [one for one in ARCHITECTURES if one != "modernbert"])
def test_a_model_reads_the_longest_row_there_is(architecture: str) -> None:
    """Positions of RoBERTa begin behind its padding token's id."""
    name = next(objective.auto_models[architecture] for objective, one in ALL if one == architecture)
    model = fresh(name, config(architecture, max_length=600), seed=1).eval()
    ids = torch.full((1, 600), len(tokenizer_of(architecture)) - 1)
    given = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        assert model(input_ids=ids, **given).logits.shape[1] == 600


def test_weights_follow_from_the_seed_alone() -> None:
    torch.manual_seed(5)
    first = fresh("BertForMaskedLM", config("bert"), seed=1).state_dict()
    torch.manual_seed(6)
    again, other = (fresh("BertForMaskedLM", config("bert"), seed=seed).state_dict() for seed in (1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["bert.embeddings.word_embeddings.weight"],
                           other["bert.embeddings.word_embeddings.weight"])  # fmt: skip


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_without_dropout_a_model_in_training_gives_the_same_twice(architecture: str) -> None:
    name = next(objective.auto_models[architecture] for objective, one in ALL if one == architecture)
    ids = torch.tensor([[1, 3, 5, 7, 9, 11, 8, 6]])
    same = []
    for dropout in (0.0, 0.5):
        model = fresh(name, with_dropout(config(architecture), dropout), seed=1).train()
        given = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
        with torch.no_grad():
            same.append(torch.equal(model(input_ids=ids, **given).logits, model(input_ids=ids, **given).logits))
    assert same == [True, False]


def test_the_config_that_dropout_is_taken_from_keeps_its_own() -> None:
    made = config("bert")
    assert with_dropout(made, 0.0).hidden_dropout_prob == 0.0
    assert made.hidden_dropout_prob == 0.1


def test_modernbert_s_heads_must_have_an_even_size() -> None:
    """42 over 2 heads is 21."""
    with pytest.raises(RequestError, match="--shape L1/H42/A2: ModernBERT's heads have an even size, and 21 is odd"):
        config("modernbert", Shape(layers=1, hidden=42, heads=2))
