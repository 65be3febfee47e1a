"""Tokenizers as transformers has them: learnt from a corpus, or a model's own, and what objectives know of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import transformers

from bertkit.data.special_tokens import special_tokens
from bertkit.data.vocabularies import learnt
from bertkit.data.vocabulary_text import vocabulary_text
from bertkit.encoders import locate_encoder
from bertkit.errors import RequestError
from bertkit.models.load import fetch, read_tokenizer
from bertkit.objectives.base import Architecture
from bertkit.objectives.rows import Pieces
from bertkit.pretraining import VOCABULARIES, PretrainSpec, Vocabulary
from bertkit.progress import Progress

if TYPE_CHECKING:
    from bertkit.data.corpus import CorpusText

NEEDED: dict[Architecture, tuple[str, ...]] = {
    "bert": ("mask", "start", "end", "pad"),
    "roberta": ("mask", "start", "end", "pad"),
    "albert": ("mask", "start", "end", "pad"),
    "modernbert": ("mask", "start", "end", "pad"),
    "gpt2": ("end",),
    "bart": ("mask", "start", "end", "pad"),
    "t5": ("sentinels", "end", "pad"),
}
"""The special tokens that a model and its objectives cannot do without."""

BEFORE_A_WORD = {"▁": ("▁",), "Ġ": ("Ġ", "Ċ", "ĉ", "č")}
"""How tokens that begin a word begin, by what stands for a space: in SentencePiece's vocabularies, and in byte-level
ones (a space, a line feed, a tab, a carriage return)."""


def tokenizer_for(text: CorpusText, spec: PretrainSpec, progress: Progress) -> Any:
    """The tokenizer of a run: learnt from its train text, or a model's own. Raises RequestError or EncoderError."""
    if spec.vocabulary.tokenizer is not None:
        return published(spec.vocabulary.tokenizer, spec.architecture, spec.max_length)
    kind = spec.vocabulary.kind or VOCABULARIES[spec.architecture]
    progress.phase("learning the vocabulary", 1)
    documents = vocabulary_text(lambda: text.documents("train"), kind)
    found = trained(spec.vocabulary, spec.architecture, documents, spec.max_length)
    progress.advance()
    return found


def trained(
    vocabulary: Vocabulary, architecture: Architecture, documents: Iterable[list[str]], max_length: int
) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer learnt from documents, which are iterated over up to three times. Raises RequestError.

    Its class is transformers' general one, which reads it from tokenizer.json as it is: an architecture's own class
    would build its own normalizer and pre-tokenizer around the vocabulary.
    """
    backend = learnt(vocabulary, architecture, documents)
    special = special_tokens(architecture, vocabulary.kind or VOCABULARIES[architecture])
    added = [token for _, token in sorted(backend.get_added_tokens_decoder().items())]
    roles = {role: next(token for token in added if token.content == name) for role, name in special.roles.items()}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        model_input_names=list(special.inputs),
        extra_special_tokens=[token for token in added if token.content not in special.names],
        **roles,
    )


def published(name: str, architecture: Architecture, max_length: int) -> Any:
    """The tokenizer of a model: a Hub id, a folder, which needs no weights, or "sample".

    Raises EncoderError if it cannot be read, RequestError if it lacks a special token.
    """
    folder, _ = fetch(locate_encoder(name, weights=False), weights=False)
    tokenizer = read_tokenizer(folder)
    pieces = pieces_of(tokenizer)
    lacking = [role for role in NEEDED[architecture] if getattr(pieces, role) in (None, ())]
    if lacking:
        kinds = " and no ".join(f"{role.removesuffix('s')} token" for role in lacking)
        raise RequestError(f"--tokenizer {name}: it has no {kinds}, which --architecture {architecture} needs")
    tokenizer.model_max_length = max_length
    return tokenizer


def pieces_of(tokenizer: Any) -> Pieces:
    """What objectives know of a fast tokenizer of transformers, learnt here or published.

    A token continues a word if it begins with WordPiece's "##", or without the sign for a space that the vocabulary
    has ("Ġ", "▁"): so a comma continues the word before it in a byte-level vocabulary, and is a word in WordPiece's.
    """
    names = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = np.zeros(len(names), np.bool_)
    special[[i for i, token in tokenizer.added_tokens_decoder.items() if token.special]] = True
    special[tokenizer.all_special_ids] = True
    continues = _continues(json.loads(tokenizer.backend_tokenizer.to_str())["model"], names) & ~special
    sentinels = {name: i for i, name in enumerate(names) if name.startswith("<extra_id_")}
    return Pieces(
        special=special,
        continues=continues,
        mask=tokenizer.mask_token_id,
        start=_first(tokenizer.cls_token_id, tokenizer.bos_token_id),
        end=_first(tokenizer.sep_token_id, tokenizer.eos_token_id),
        pad=tokenizer.pad_token_id,
        sentinels=tuple(sentinels[name] for name in sorted(sentinels, key=lambda name: int(name[10:-1]))),
    )


def _continues(model: dict[str, Any], names: list[str]) -> Any:
    """(V,) whether each token continues a word."""
    if model["type"] == "WordPiece":
        return np.array([name.startswith(model["continuing_subword_prefix"]) for name in names])
    if model["type"] == "WordLevel":
        return np.zeros(len(names), np.bool_)
    space = max(BEFORE_A_WORD, key=lambda sign: sum(name.startswith(sign) for name in names))
    return np.array([not name.startswith(BEFORE_A_WORD[space]) for name in names])


def _first(*ids: int | None) -> int | None:
    return next((i for i in ids if i is not None), None)
