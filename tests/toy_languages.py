"""A masked language model of two languages: a word's embedding is its concept and its language's code."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from bertkit.models.load import Loaded

CONCEPTS = 6
"""Words of each of the two languages: a0 to a5, and b0 to b5."""


def toy(folder: Path) -> Loaded:
    """The model, saved in a folder.

    Its layers add nothing to the states, so that the head sees what is put in: the nearest word's embedding.
    """
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"{lang}{k}" for lang in "ab" for k in range(CONCEPTS))]
    shape = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "hidden_act": "linear",
    }
    config = transformers.BertConfig(vocab_size=len(names), max_position_embeddings=32, **shape)
    model = transformers.BertForMaskedLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(1)
        words = model.bert.embeddings.word_embeddings.weight
        for k in range(CONCEPTS):  # a 1 and a -1 sum to 0, so that a layer norm moves no mean
            for lang in (0, 1):
                row = words[5 + lang * CONCEPTS + k]
                row[2 * k], row[2 * k + 1] = 1, -1
                row[12 + 2 * lang], row[13 + 2 * lang] = 1, -1
        model.cls.predictions.transform.dense.weight.copy_(torch.eye(16))
    model.save_pretrained(folder)
    vocabulary = {name: k for k, name in enumerate(names)}
    tokenizer = transformers.BertTokenizer(vocab=vocabulary)
    tokenizer.save_pretrained(folder)
    return Loaded(model=model, tokenizer=tokenizer, record={})
