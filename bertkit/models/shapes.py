"""Configs and fresh models of a shape, in each architecture, from transformers' own classes."""

from __future__ import annotations

import copy
from typing import Any

import torch
import transformers

from bertkit.data.tokens import size_of
from bertkit.errors import RequestError
from bertkit.objectives.base import Architecture
from bertkit.pretraining import Shape

LEAST = 512
"""Positions of a model at least: they cost little, and a task may need more than pretraining read."""
FACTORIZED = 128
"""The size of ALBERT's word embeddings (Lan et al. 2020, section 3.1)."""


def config_of(architecture: Architecture, shape: Shape, tokenizer: Any, max_length: int) -> Any:
    """The transformers config of a model of this shape; BART and T5 have as many layers in either half.

    Raises RequestError for a shape that the architecture cannot have.
    """
    size_of_head = shape.hidden // shape.heads
    if architecture == "modernbert" and size_of_head % 2:
        raise RequestError(f"--shape {shape.name}: ModernBERT's heads have an even size, and {size_of_head} is odd")
    ids = _ids(tokenizer)
    size, positions, wide = size_of(tokenizer.backend_tokenizer), max(LEAST, max_length), 4 * shape.hidden
    if architecture == "gpt2":
        return transformers.GPT2Config(
            vocab_size=size, n_embd=shape.hidden, n_layer=shape.layers, n_head=shape.heads, n_positions=positions, **ids
        )
    if architecture == "bart":
        return transformers.BartConfig(
            vocab_size=size, d_model=shape.hidden, max_position_embeddings=positions,
            encoder_layers=shape.layers, decoder_layers=shape.layers, encoder_attention_heads=shape.heads,
            decoder_attention_heads=shape.heads, encoder_ffn_dim=wide, decoder_ffn_dim=wide,
            decoder_start_token_id=ids["eos_token_id"], forced_eos_token_id=ids["eos_token_id"], **ids,
        )  # fmt: skip
    if architecture == "t5":
        return transformers.T5Config(
            vocab_size=size, d_model=shape.hidden, d_kv=shape.hidden // shape.heads, d_ff=wide, num_layers=shape.layers,
            num_heads=shape.heads, decoder_start_token_id=ids["pad_token_id"], **ids,
        )  # fmt: skip
    common = {
        "vocab_size": size, "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "intermediate_size": wide,
    }  # fmt: skip
    if architecture == "roberta":  # whose positions are counted from behind the padding token's id
        shifted = positions + ids["pad_token_id"] + 1
        return transformers.RobertaConfig(**common, max_position_embeddings=shifted, type_vocab_size=1, **ids)
    if architecture == "albert":
        narrow = min(FACTORIZED, shape.hidden)
        return transformers.AlbertConfig(**common, embedding_size=narrow, max_position_embeddings=positions, **ids)
    if architecture == "modernbert":
        return transformers.ModernBertConfig(**common, max_position_embeddings=max(8_192, positions), **ids)
    return transformers.BertConfig(**common, max_position_embeddings=positions, **ids)


def _ids(tokenizer: Any) -> dict[str, int]:
    """Of its special tokens, by their names in configs; a text begins and ends with [CLS] and [SEP] where it may."""
    names = ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")
    found = {name: getattr(tokenizer, name) for name in names}
    for name, other in (("bos_token_id", "cls_token_id"), ("eos_token_id", "sep_token_id")):
        found[name] = found[other] if found[name] is None else found[name]
    return {name: number for name, number in found.items() if number is not None}


def with_dropout(config: Any, dropout: float) -> Any:
    """A copy of a config in which every dropout is this one."""
    config = copy.deepcopy(config)
    for name, value in config.to_dict().items():
        if isinstance(value, float) and ("dropout" in name or name.endswith("_pdrop")):
            setattr(config, name, dropout)
    return config


def fresh(auto_model: str, config: Any, seed: int) -> Any:
    """A model of that transformers class with weights drawn as it draws them, from the seed alone, in fp32."""
    transformers.set_seed(seed)
    return getattr(transformers, auto_model)(copy.deepcopy(config)).to(torch.float32)
