"""Tokenizers learnt from a corpus in transformers' form, and what objectives know of any tokenizer.

V tokens of the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from bertkit.data.special_tokens import special_tokens
from bertkit.data.tokens import size_of
from bertkit.data.vocabularies import learnt
from bertkit.objectives.base import Architecture
from bertkit.objectives.rows import Pieces
from bertkit.pretraining import Vocabulary

SENTINEL = "<extra_id_"
"""How T5's sentinels begin; then comes their number."""

BEFORE_A_WORD = {"▁": ("▁",), "Ġ": ("Ġ", "Ċ", "ĉ", "č")}
"""How tokens that begin a word begin, by what stands for a space: in SentencePiece's vocabularies, and in byte-level
ones (a space, a line feed, a tab, a carriage return)."""


def trained(vocabulary: Vocabulary, architecture: Architecture, documents: Iterable[list[str]], max_length: int) -> Any:
    """A PreTrainedTokenizerFast learnt from documents, which are iterated over up to three times. Raises RequestError.

    It is of transformers' general class, which reads tokenizer.json as it is: an architecture's own class would build
    its own normalizer and pre-tokenizer around the vocabulary.
    """
    from transformers import PreTrainedTokenizerFast

    backend = learnt(vocabulary, architecture, documents)
    special = special_tokens(architecture, vocabulary.kind_for(architecture))
    added = [token for _, token in sorted(backend.get_added_tokens_decoder().items())]
    by_name = {token.content: token for token in added}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        model_input_names=list(special.inputs),
        extra_special_tokens=[token for token in added if token.content not in special.names],
        **{role: by_name[name] for role, name in special.roles.items()},
    )


def pieces_of(tokenizer: Any) -> Pieces:
    """What objectives know of a fast tokenizer in transformers' form, learnt here or published.

    A token continues a word if it begins with WordPiece's "##", or lacks at its beginning the sign for a space that the
    vocabulary has ("Ġ", "▁"): so a comma continues the word before it there, and is a word of its own in WordPiece's.
    """
    names = [name or "" for name in tokenizer.convert_ids_to_tokens(range(size_of(tokenizer.backend_tokenizer)))]
    sentinels = {name: number for number, name in enumerate(names) if name.startswith(SENTINEL)}
    special = np.array([not name for name in names])  # of an id that is not used
    special[[number for number in (*tokenizer.all_special_ids, *sentinels.values()) if number < len(names)]] = True
    return Pieces(
        special=special,
        continues=_continuing(json.loads(tokenizer.backend_tokenizer.to_str())["model"], names) & ~special,
        mask=tokenizer.mask_token_id,
        start=tokenizer.cls_token_id,
        end=tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
        sentinels=tuple(sentinels[name] for name in sorted(sentinels, key=lambda name: int(name[len(SENTINEL) : -1]))),
    )


def _continuing(model: dict[str, Any], names: list[str]) -> Any:
    """(V,) whether each token continues the word of the token before it."""
    if model["type"] == "WordPiece":
        sign = model["continuing_subword_prefix"]
        return np.array([name.startswith(sign) and name != sign for name in names])
    if model["type"] == "WordLevel":
        return np.zeros(len(names), np.bool_)
    space = max(BEFORE_A_WORD, key=lambda sign: sum(name.startswith(sign) for name in names))
    return np.array([not name.startswith(BEFORE_A_WORD[space]) for name in names])
