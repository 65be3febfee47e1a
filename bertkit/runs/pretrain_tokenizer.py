"""The tokenizer of a pretraining run: learnt from its text and cached, or a model's own."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import transformers

from bertkit import __version__
from bertkit.data.cache import cached
from bertkit.data.corpus import CorpusText
from bertkit.data.vocabulary_text import vocabulary_text
from bertkit.encoders import locate_encoder
from bertkit.errors import EncoderError, RequestError, one_line
from bertkit.models.load import fetch, save_tokenizer
from bertkit.models.vocabularies import pieces_of, trained
from bertkit.objectives.base import Architecture
from bertkit.pretraining import PretrainSpec
from bertkit.progress import Progress

VERSION = 4
"""Of how a vocabulary is learnt; increase it when that changes."""
KIND = "tokenizers"

NEEDED: dict[Architecture, tuple[str, ...]] = {
    **dict.fromkeys(("bert", "roberta", "albert", "modernbert"), ("pad",)),
    "gpt2": ("end",),
    "bart": ("pad", "end"),
    "t5": ("pad", "end", "sentinels"),
}
"""The special tokens that an architecture cannot do without, by their names in Pieces."""


def tokenizer_for(text: CorpusText, spec: PretrainSpec, progress: Progress) -> Any:
    """The run's tokenizer. Raises RequestError or EncoderError where there can be none, or it lacks a special token."""
    named = spec.vocabulary.tokenizer
    found = _learnt(text, spec, progress) if named is None else _loaded(named)
    pieces = pieces_of(found)
    if spec.objective.needs_mask and pieces.mask is None:
        raise RequestError(
            f"--tokenizer {named}: it has no mask token, which --objective {spec.objective.kind} needs"
            if named
            else f"--architecture {spec.architecture} has no mask token, which --objective {spec.objective.kind} needs"
        )
    lacking = [role for role in NEEDED[spec.architecture] if getattr(pieces, role) in (None, ())]
    if lacking:
        token = {"pad": "padding token", "end": "end token"}.get(lacking[0], "sentinels (<extra_id_0>, ...)")
        raise RequestError(f"--tokenizer {named}: it has no {token}, which --architecture {spec.architecture} needs")
    spec.objective.check_pieces(pieces)
    return found


def _learnt(text: CorpusText, spec: PretrainSpec, progress: Progress) -> Any:
    made = [VERSION, __version__, version("tokenizers"), version("sentencepiece")]
    asked = [text.digest, repr(spec.vocabulary), spec.architecture, spec.max_length]
    key = hashlib.sha256(json.dumps([*made, *asked]).encode()).hexdigest()

    def make(folder: Path) -> None:
        progress.phase("learning the vocabulary", 1)
        documents = vocabulary_text(lambda: text.documents("train"), spec.vocabulary.kind_for(spec.architecture))
        save_tokenizer(trained(spec.vocabulary, spec.architecture, documents, spec.max_length), folder)

    return cached(KIND, key, make, lambda folder: transformers.AutoTokenizer.from_pretrained(folder))


def _loaded(named: str) -> Any:
    """A model's tokenizer. Raises EncoderError if it cannot be read."""
    encoder = locate_encoder(named, weights=False)
    folder, _ = fetch(encoder, weights=False)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # its parsers raise whatever they like, plain Exception among it
        raise EncoderError(f"--tokenizer {named}: it cannot be read: {one_line(error, lines=1)}") from error
    if not tokenizer.is_fast:
        raise EncoderError(f"--tokenizer {named}: only a slow tokenizer could be made")
    return tokenizer
