"""Load a language model with its own head and its tokenizer, checked, in fp32."""

from __future__ import annotations

from pathlib import Path

import transformers

from bertkit.encoders import Encoder, LanguageKind, check_folder, language_kind
from bertkit.errors import EncoderError, one_line
from bertkit.models.load import Loaded, fetch, load_weights, read_config, read_tokenizer

AUTO_MODELS: dict[LanguageKind, str] = {
    "masked": "AutoModelForMaskedLM",
    "causal": "AutoModelForCausalLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
}


def load_pretrained(folder: Path, auto_model: str) -> Loaded:
    """The model of a pretraining run, with all of its heads. Raises EncoderError if a part of it is missing."""
    check_folder(folder)
    config = read_config(folder)
    tokenizer = read_tokenizer(folder, config)
    model, _ = load_weights(getattr(transformers, auto_model), folder, config, fresh=False)
    return Loaded(model=model, tokenizer=tokenizer, record={})


def load_language_model(encoder: Encoder, wanted: tuple[LanguageKind, ...]) -> Loaded:
    """The model with its language-model head, of whose tensors none is random.

    Raises EncoderError if it is none that is `wanted`, or its weights lack a tensor; a tied decoder is in them once.
    """
    folder, commit = fetch(encoder, weights=True)
    kind = language_kind(encoder.name, folder, wanted)
    config = read_config(folder)
    tokenizer = read_tokenizer(folder, config)
    try:
        model, _ = load_weights(getattr(transformers, AUTO_MODELS[kind]), folder, config, fresh=False)
    except ValueError as error:
        raise EncoderError(
            f"{encoder.name}: a {config.model_type} model has no {kind} head: {one_line(error, lines=1)}"
        ) from error
    record = {"name": encoder.name, "model_type": config.model_type, "commit": commit, "kind": kind}
    return Loaded(model=model, tokenizer=tokenizer, record=record)
