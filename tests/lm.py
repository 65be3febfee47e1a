"""Tiny language models with random weights, a folder for each kind, whose probabilities differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny
import torch
import transformers

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
TWO_SIDED = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "init_std": 0.3,
}
END = "<|endoftext|>"
CHARACTERS = "台湾大学的人在山上看海北京"


def masked(family: str, folder: Path, auto_model: str = "AutoModelForMaskedLM") -> Path:
    """`folder`, holding a masked language model of a family of `tiny`, or another class of that body."""
    kind, shape = tiny.CONFIGS[family]
    tokenizer = tiny.tokenizer_of(family)
    fixed = {"vocab_size": len(tokenizer), "max_position_embeddings": tiny.POSITIONS, "initializer_range": 0.3}
    return _saved(auto_model, transformers.AutoConfig.for_model(kind, **{**fixed, **shape}), tokenizer, folder)


def wordpieces(names: list[str]) -> Any:
    """A cased WordPiece tokenizer whose vocabulary has these names after BERT's special ones."""
    vocabulary = {name: place for place, name in enumerate([*tiny.BERT_NAMES, *names])}
    return transformers.BertTokenizer(vocab=vocabulary, do_lower_case=False)


def words(folder: Path, names: list[str]) -> Path:
    """`folder`, holding a BERT whose WordPiece vocabulary has these names after BERT's special ones."""
    tokenizer = wordpieces(names)
    fixed = {"vocab_size": len(tokenizer), "max_position_embeddings": 40, "initializer_range": 0.3}
    return _saved("AutoModelForMaskedLM", transformers.BertConfig(**{**SHAPE, **fixed}), tokenizer, folder)


def answering(folder: Path, *names: str) -> Path:
    """The masked language model in `folder`, changed so that its candidates are always these, in this order."""
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        bias = model.get_output_embeddings().bias
        for place, token in enumerate(tokenizer.convert_tokens_to_ids(list(names))):
            assert token != tokenizer.unk_token_id, names[place]
            bias[token] += 200.0 - 2 * place
        model.get_output_embeddings().weight.zero_()
    model.save_pretrained(folder)
    return folder


def causal(folder: Path, tokenizer: Any = None, **settings: Any) -> Path:
    """`folder`, holding a GPT-2 of 64 positions."""
    tokenizer = tokenizer or transformers.GPT2Tokenizer(**tiny._bytes([END]), unk_token=END)
    shape = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "bos_token_id": 0, "eos_token_id": 0}
    fixed = {"vocab_size": len(tokenizer), "initializer_range": 0.3}
    config = transformers.GPT2Config(**{**shape, **fixed, **settings})
    return _saved("AutoModelForCausalLM", config, tokenizer, folder)


def bart(folder: Path, auto_model: str = "AutoModelForSeq2SeqLM") -> Path:
    """`folder`, holding a BART of 64 positions."""
    tokenizer = tiny.tokenizer_of("roberta")
    return _saved(auto_model, transformers.BartConfig(vocab_size=len(tokenizer), **TWO_SIDED), tokenizer, folder)


def t5(folder: Path) -> Path:
    """`folder`, holding a T5 with three sentinels."""
    scored = tiny._unigram(["<pad>", "</s>", "<unk>", *(f"<extra_id_{k}>" for k in range(3))], "<unk>")
    tokenizer = transformers.T5Tokenizer(vocab=scored, extra_ids=3)
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4, "decoder_start_token_id": 0}
    config = transformers.T5Config(vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, **shape)
    return _saved("AutoModelForSeq2SeqLM", config, tokenizer, folder)


def _saved(auto_model: str, config: Any, tokenizer: Any, folder: Path) -> Path:
    transformers.set_seed(1)
    getattr(transformers, auto_model).from_config(config, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
