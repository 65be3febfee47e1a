"""Load an encoder with a head and its tokenizer, checked, in fp32; save it in the Hugging Face layout.

B features of a batch, T tokens, C labels.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from bertkit.encoders import Encoder, check_folder
from bertkit.errors import EncoderError, one_line
from bertkit.files import os_error
from bertkit.heads import Head
from bertkit.heads.temperature import TEMPERATURE
from bertkit.heads.vectors import WIDTH
from bertkit.models.digests import config_digest, digests_of, tokenizer_digest, weights_digest
from bertkit.models.end_of_text import use_end_of_text
from bertkit.models.forward import SHIFTED
from bertkit.models.kept_head import has_head, matched_head, without_head
from bertkit.models.lora import plain_state
from bertkit.models.output_layer import number_layer, reorder, rescale, set_bias
from bertkit.models.vectors import add_projection, check_width, trained_projection

KEPT = "the checkpoint's own head is kept (--keep-head)"
PROJECTED = "the checkpoint's own linear map of vectors is kept"
REPLACED = "the checkpoint's own head is replaced by a fresh one; --keep-head keeps it"

SPACED = ("roberta", "xlm-roberta", "longformer", "gpt2", "modernbert", "deberta", "bart", "camembert")
"""Model types whose tokenizer needs `add_prefix_space` for words that are already split."""


transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model with its tokenizer, a record of what was used, and what the user should be told of it."""

    model: Any
    tokenizer: Any
    record: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def pad(self) -> int:
        """The id of the padding token."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def first_position(self) -> int:
        """The position id of a feature's first token."""
        config = self.model.config
        return int(config.pad_token_id or 0) + 1 if config.model_type in SHIFTED else 0


def fetch(encoder: Encoder, weights: bool) -> tuple[Path, str | None]:
    """The encoder's folder on this machine, and the Hub's commit it is of."""
    if encoder.folder is not None:
        return encoder.folder, None
    from bertkit.hub.fetch import fetch_model

    folder, commit = fetch_model(encoder, weights)
    check_folder(folder, weights=weights)
    return folder, commit


def load(
    encoder: Encoder,
    head: Head,
    scratch: bool,
    seed: int,
    keep_head: bool = False,
    label_map: Mapping[str, str] | None = None,
) -> Loaded:
    """The encoder under a fresh head (or one of its shape at random), drawn from `seed`; weights in fp32.

    With `keep_head` it is the checkpoint's own head, its labels put in the task's order by name, or by `label_map`.
    Raises EncoderError where its files do not fit each other, or its head does not fit the task.
    """
    folder, commit = fetch(encoder, weights=not scratch)
    config = read_config(folder)
    theirs = matched_head(config, head, encoder.name, label_map) if keep_head else None
    architectures = config.architectures
    tokenizer = load_tokenizer(folder, head, config)
    for name in (TEMPERATURE, WIDTH):  # of the checkpoint's own answers, and rows
        vars(config).pop(name, None)
    head.configure(config)
    digests = {"tokenizer": tokenizer_digest(tokenizer), "config": config_digest(config)}
    transformers.set_seed(seed)
    auto = getattr(transformers, head.auto_model)
    notes: tuple[str, ...] = ()
    try:
        if scratch:
            model = auto.from_config(copy.deepcopy(config), dtype=torch.float32)
        elif theirs is not None:
            model, _ = load_weights(auto, folder, config, fresh=False)
            reorder(model, theirs.label_names, head.label_names)
            mean, sd = head.scale
            rescale(model, -mean / sd, 1 / sd)
            notes = (KEPT,)
        else:
            model, found = load_weights(auto, folder, config)
            fresh = without_head(model, found, architectures, seed)
            model, notes = (model, ()) if fresh is None else (fresh, (REPLACED,))
        if theirs is None:
            set_bias(model, head.first_bias)
    except ValueError as error:
        raise EncoderError(
            f"{encoder.name}: a {config.model_type} model cannot take a {head.kind} head: {one_line(error, lines=1)}"
        ) from error
    if head.scale != (0.0, 1.0):
        number_layer(model)
    if head.of_vectors and add_projection(model, head.of_vectors, seed, None if scratch else folder):
        notes = (*notes, PROJECTED)
    record = {"name": encoder.name, "model_type": config.model_type, "scratch": scratch, "commit": commit}
    record |= {"head": "kept" if keep_head else "fresh", **digests, **digests_of(folder, scratch)}
    record["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    return Loaded(model=model, tokenizer=tokenizer, record=record, notes=notes)


def load_trained(folder: Path, head: Head) -> Loaded:
    """A model whose head was trained before. Raises EncoderError if it has none of this kind."""
    check_folder(folder)
    config = read_config(folder)
    if not has_head(config, head):
        have = ", ".join(config.architectures or ("no head",))
        raise EncoderError(
            f"{folder} has no trained {head.kind} head ({have}): train one: `bertkit finetune TASK --model {folder}`"
        )
    check_width(config, head, str(folder))
    tokenizer = load_tokenizer(folder, head, config)
    auto = getattr(transformers, head.auto_model)
    model, _ = load_weights(auto, folder, config, fresh=False)
    if head.of_vectors:
        trained_projection(model, head.of_vectors, folder)
    record = {"name": str(folder), "model_type": config.model_type, "weights": weights_digest(folder)}
    record["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    record["tokenizer"] = tokenizer_digest(tokenizer)
    return Loaded(model=model, tokenizer=tokenizer, record=record)


def read_config(folder: Path) -> Any:
    """The model's config. Raises EncoderError."""
    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise EncoderError(f"{folder}: its config.json cannot be read: {one_line(error, lines=1)}") from error


def load_tokenizer(folder: Path, head: Head, config: Any) -> Any:
    """The tokenizer, checked against the model's vocabulary, with a padding token. Raises EncoderError."""
    spaced = head.reads_words and config.model_type in SPACED
    tokenizer = read_tokenizer(folder, config, **({"add_prefix_space": True} if spaced else {}))
    if spaced:
        _space_before_words(tokenizer)
    use_end_of_text(tokenizer, config)
    return tokenizer


def read_tokenizer(folder: Path, config: Any, **options: Any) -> Any:
    """The tokenizer as it is saved, checked against the model's vocabulary. Raises EncoderError."""
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **options)
    except Exception as error:  # its parsers raise whatever they like, plain Exception among it
        raise EncoderError(f"{folder}: its tokenizer cannot be read: {one_line(error, lines=1)}") from error
    if not tokenizer.is_fast:
        raise EncoderError(f"{folder}: only a slow tokenizer could be made, and a fast one is needed")
    if len(tokenizer) > config.vocab_size or len(tokenizer) < min(1_000, config.vocab_size // 2):
        raise EncoderError(
            f"{folder}: the tokenizer knows {len(tokenizer):,} tokens and the model {config.vocab_size:,}: "
            "the tokenizer does not belong to this model"
        )
    return tokenizer


def _space_before_words(tokenizer: Any) -> None:
    """Have a byte-level tokenizer read every word as one after a space: some classes ignore `add_prefix_space`."""
    from tokenizers.pre_tokenizers import ByteLevel

    backend = tokenizer.backend_tokenizer if tokenizer.is_fast else None
    if backend is not None and isinstance(backend.pre_tokenizer, ByteLevel):
        backend.pre_tokenizer.add_prefix_space = True


def load_weights(auto: Any, folder: Path, config: Any, fresh: bool = True) -> tuple[Any, dict[str, Any]]:
    """The model and transformers' loading info; without `fresh`, every tensor must come from the folder."""
    from safetensors import SafetensorError

    try:
        model, found = auto.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EncoderError(f"{folder}: its weights cannot be read: {one_line(error, lines=1)}") from error
    body = f"{model.base_model_prefix}."
    lacking = list(found["missing_keys"])
    if fresh:
        lacking = [name for name in lacking if name.startswith(body) and ".pooler." not in name]
    if lacking:
        raise EncoderError(f"{folder}: its weights lack {len(lacking)} of the model's tensors, such as {lacking[0]}")
    for name, theirs, ours in found["mismatched_keys"]:
        if not fresh or name.startswith(body):
            raise EncoderError(
                f"{folder}: its weights do not fit its config.json: {name} has the shape {tuple(theirs)}, "
                f"not {tuple(ours)}"
            )
    return model, found


def save(loaded: Loaded, folder: Path) -> None:
    """Write the model in the plain Hugging Face layout, safetensors only. Raises OSError."""
    from safetensors import SafetensorError

    try:
        loaded.model.save_pretrained(folder, state_dict=plain_state(loaded.model))
    except SafetensorError as error:  # which is what a full disk makes of it
        raise OSError(one_line(error, lines=1)) from error
    for file in folder.glob("*.safetensors"):  # the library makes them the user's alone
        shutil.copymode(folder / "config.json", file)
    save_tokenizer(_as_it_came(loaded.tokenizer), folder)


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write a tokenizer's files. Raises OSError."""
    try:
        tokenizer.save_pretrained(folder)
    except OSError:
        raise
    except Exception as error:  # which is what `tokenizers` makes of a full disk
        raise os_error(error, folder) from error


def _as_it_came(tokenizer: Any) -> Any:
    """A copy without the truncation and padding of the last call, which readers of tokenizer.json would follow."""
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer
