"""Weights that a run starts from in place of an encoder's own: word embeddings drawn again, or a fast start."""

from __future__ import annotations

from dataclasses import replace

import torch

from bertkit.errors import EncoderError
from bertkit.models.load import Loaded
from bertkit.models.start import start_with_neighbours
from bertkit.spec import Spec

STARTS_FAST = ("bert", "roberta")
"""Architectures with a fast start of positions and attention."""


def redrawn(loaded: Loaded, spec: Spec) -> Loaded:
    """The model, changed in place as `spec` asks. Raises EncoderError for a fast start that it does not have."""
    if spec.redraw == "words":
        draw_words(loaded, spec.seed)
    elif spec.fast_start:
        check_fast_start(loaded.model.config)
        start_with_neighbours(loaded.model)
    else:
        return loaded
    how = "word embeddings drawn again" if spec.redraw else "positions and attention of a fast start"
    return replace(loaded, notes=(*loaded.notes, how))


def draw_words(loaded: Loaded, seed: int) -> None:
    """Draw the word embeddings as the model itself would (BERT: normal, its `initializer_range`; 0 for padding).

    "re-emb" of Kao and Lee (2021): the body is pretrained, and knows no word.
    """
    words = loaded.model.get_input_embeddings()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2**33 + seed)  # no seed of a run, so that these draws are not those of the head
        words.weight._is_hf_initialized = False  # else transformers leaves it as it is
        words.apply(loaded.model._init_weights)


def check_fast_start(config: object) -> None:
    """Raise EncoderError if a model of this config has no fast start of positions and attention."""
    kind = getattr(config, "model_type", "")
    if kind not in STARTS_FAST:
        raise EncoderError(f"a {kind} model has no fast start: leave the arm out, or take a BERT or RoBERTa model")
