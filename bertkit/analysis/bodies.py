"""An encoder's body: found by its name, then loaded with its tokenizer, for its hidden states. Light at import.

L layers (0 is the embeddings), H hidden size.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.encoders import Encoder, check_folder, check_weights, locate_encoder
from bertkit.errors import EncoderError, one_line
from bertkit.hub import access
from bertkit.spec import Device

if TYPE_CHECKING:
    from bertkit.models.load import Loaded

LONGEST = 512
"""Tokens of a text, if neither --max-length nor the model's positions say how many."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """An encoder without a head, in evaluation mode on its device, and its tokenizer.

    model      gives `hidden_states`: (L+1) tensors (batch, tokens, H)
    layers     L: how many layers there are above the embeddings
    size       H
    window     tokens that it reads of a text at most, special ones counted
    digest     SHA-256 of weights, config and tokenizer: all that its vectors depend on, but for the device's rounding
    """

    name: str
    loaded: Loaded
    layers: int
    size: int
    window: int
    digest: str

    @property
    def model(self) -> Any:
        """The transformers model; of an encoder with a decoder, the encoder."""
        return self.loaded.model

    @property
    def tokenizer(self) -> Any:
        """Its fast tokenizer."""
        return self.loaded.tokenizer


def find_body(name: str, revision: str | None = None) -> Encoder:
    """The encoder of a Hub id, a folder, a run, or "sample"; nothing is loaded or downloaded yet.

    Raises EncoderError if there is none, its files are incomplete, or HubError if it cannot be fetched.
    """
    encoder = locate_encoder(name, revision, weights=False)
    if encoder.folder is not None:
        check_weights(encoder.folder)
        return encoder
    access.prepare([encoder], [], instead="give a model's folder")
    return encoder


def load_body(encoder: Encoder, device: Device, max_length: int | None = None, untrained: int | None = None) -> Body:
    """The encoder's body in fp32, on the device; with `untrained` one of its shape, its weights drawn from that seed.

    A language-model head, a task's head and a pooler are left out. Raises EncoderError for a model that reads from left
    to right only, or whose weights are incomplete, and RequestError for a --max-length beyond its positions.
    """
    from bertkit.heads import Window
    from bertkit.machine.devices import resolve_device
    from bertkit.models.digests import config_digest, tokenizer_digest, weights_digest
    from bertkit.models.forward import fit_window
    from bertkit.models.load import Loaded, fetch, read_config, read_tokenizer

    where = resolve_device(device)
    folder, commit = fetch(encoder, weights=untrained is None)
    check_folder(folder, weights=untrained is None)
    config = read_config(folder)
    _refuse_without_encoder(encoder.name, config)
    tokenizer = read_tokenizer(folder, config)
    window = fit_window(Window(max_length=max_length or LONGEST), config, typed=max_length is not None)
    model = _weights(folder, config, untrained)
    inner = model.get_encoder() if config.is_encoder_decoder else model
    weights = weights_digest(folder) if untrained is None else f"untrained {untrained}"
    digest = hashlib.sha256(f"{weights} {config_digest(config)} {tokenizer_digest(tokenizer)}".encode()).hexdigest()
    return Body(
        name=encoder.name,
        loaded=Loaded(model=inner.to(where).eval(), tokenizer=tokenizer, record={"commit": commit, "digest": digest}),
        layers=int(config.num_hidden_layers),
        size=int(config.hidden_size),
        window=window.max_length,
        digest=digest,
    )


def _refuse_without_encoder(name: str, config: Any) -> None:
    """Raise EncoderError for a model that is a decoder alone."""
    from transformers.models.auto import modeling_auto

    causal, masked = (
        kind in getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING_NAMES")
        for kind, task in ((config.model_type, "CAUSAL_LM"), (config.model_type, "MASKED_LM"))
    )
    if (causal and not masked and not config.is_encoder_decoder) or getattr(config, "is_decoder", False):
        raise EncoderError(
            f"{name} has no encoder: {config.model_type} reads from left to right only; name a model such as BERT"
        )


def _weights(folder: Path, config: Any, untrained: int | None) -> Any:
    """The body's weights from a folder, none of them random; or all of them, from a seed."""
    import copy

    import torch
    import transformers

    from bertkit.models.load import load_weights

    try:
        if untrained is not None:
            transformers.set_seed(untrained)
            return transformers.AutoModel.from_config(copy.deepcopy(config), dtype=torch.float32)
        model, found = load_weights(transformers.AutoModel, folder, config)
    except ValueError as error:
        raise EncoderError(f"{folder}: a {config.model_type} model has no body: {one_line(error, lines=1)}") from error
    broken = [key for key in found["missing_keys"] if "pooler." not in key]
    broken += [key for key, *_ in found["mismatched_keys"]]
    if broken:
        raise EncoderError(f"{folder}: its weights lack {len(broken)} of the body's tensors, such as {broken[0]}")
    return model
