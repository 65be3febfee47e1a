"""The linear map of vectors into an encoder, and a model's embeddings of vectors between its own tokens.

B features of a batch, T tokens, D numbers of a vector, E the width of the encoder's token embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from bertkit.errors import EncoderError
from bertkit.heads import Head
from bertkit.heads.vectors import ROLE, WIDTH, Vectors

NAME = "vector_projection"
"""The module's name in a model, with which its tensors in model.safetensors begin."""

REFUSED = ("gpt2",)
"""Model types whose classifier finds a feature's last token by its id, which vectors have not."""


class VectorProjection(nn.Module):
    """(..., D) vectors -> (..., E): a linear map of (x - mean) / deviation.

    As patches of an image enter a Transformer (Dosovitskiy et al. 2021, section 3.1, equation 1), but between the
    encoder's own [CLS] and [SEP], with its own position embeddings and normalisation.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size, width))
        self.bias = nn.Parameter(torch.zeros(size))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    def forward(self, vectors: Tensor) -> Tensor:
        """The embeddings, in the type of the weights, or of autocast."""
        read = (vectors - self.mean) / self.deviation
        return functional.linear(read.to(self.weight.dtype), self.weight, self.bias)


def add_projection(model: Any, vectors: Vectors, seed: int, folder: Path | None) -> bool:
    """Give the model a projection: that of the checkpoint in `folder`, if it has one of D numbers, else a fresh one.

    Fresh weights are normal, with the spread that makes the embeddings of normalised vectors as wide as those of the
    encoder's tokens, and a bias of 0. Returns whether it is the checkpoint's. Raises EncoderError for an architecture
    that cannot read vectors.
    """
    if model.config.model_type in REFUSED:
        raise EncoderError(f"a {model.config.model_type} model cannot read vectors: take an encoder, such as BERT")
    words = model.get_input_embeddings().weight
    projection = VectorProjection(vectors.width, words.shape[1])
    model.add_module(NAME, projection)
    theirs = _tensors(folder) if folder else {}
    if theirs and theirs[f"{NAME}.mean"].numel() == vectors.width:
        projection.load_state_dict({name.removeprefix(f"{NAME}."): one for name, one in theirs.items()})
        return True
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        projection.weight.normal_(0, float(words.std()) / vectors.width**0.5, generator=drawn)
        if vectors.mean:
            projection.mean.copy_(torch.tensor(vectors.mean, dtype=torch.float64))
            projection.deviation.copy_(torch.tensor(vectors.deviation, dtype=torch.float64))
    return False


def check_width(config: Any, head: Head, name: str) -> None:
    """Raise EncoderError if the trained model called `name` reads other vectors than the head's rows are, or none."""
    theirs, ours = getattr(config, WIDTH, None), head.of_vectors.width if head.of_vectors else None
    if theirs == ours:
        return
    said = {width: f"vectors of {width} numbers" if width else "texts" for width in (theirs, ours)}
    raise EncoderError(f"{name} was trained on {said[theirs]}, and these rows are {said[ours]}")


def trained_projection(model: Any, vectors: Vectors, folder: Path) -> None:
    """Give the model the projection in its folder. Raises EncoderError if that has none."""
    if not add_projection(model, vectors, 0, folder):
        raise EncoderError(f"{folder}: its weights lack {NAME}.weight, the linear map of vectors")


def _tensors(folder: Path) -> dict[str, Tensor]:
    """The projection's tensors in a checkpoint; {} if it has none."""
    found: dict[str, Tensor] = {}
    for path in sorted(folder.glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            found |= {name: file.get_tensor(name) for name in file.keys() if name.startswith(f"{NAME}.")}  # noqa: SIM118
    return found


def embedded(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """(B, T, E) what the encoder reads in place of ids: vectors through the projection, tokens as it embeds them."""
    ids = inputs["input_ids"]
    tokens = model.get_input_embeddings()(ids.clamp(min=0))
    vectors = getattr(model, NAME)(inputs[ROLE])
    return torch.where((ids < 0)[..., None], vectors.to(tokens.dtype), tokens)
