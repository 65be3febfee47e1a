"""Which words a masked language model fills in, and which it gives back unmasked (Chiang, Huang and Lee 2020).

W words, P predicted tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from bertkit.analysis.word_tokens import Asked, WordTokens, right_words
from bertkit.data.sampler import Indices, by_length
from bertkit.encoders import Encoder
from bertkit.errors import EncoderError
from bertkit.heads import Head
from bertkit.heads.features import IGNORED
from bertkit.kernels.linear import fast_linear
from bertkit.models.language import load_language_model
from bertkit.models.language_model import LanguageModel
from bertkit.models.layout import choose_layout
from bertkit.models.load import Loaded, load_tokenizer
from bertkit.progress import Progress
from bertkit.task import Recipe

BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""


def load_masked(folder: Path, head: Head) -> Loaded:
    """The masked language model in `folder`, in fp32, and its tokenizer for words. Raises EncoderError."""
    loaded = load_language_model(Encoder(name=str(folder), place=str(folder), kind="folder"), ("masked",))
    tokenizer = load_tokenizer(folder, head, loaded.model.config)
    if tokenizer.mask_token_id is None:
        raise EncoderError(f"{folder}: its tokenizer has no mask token")
    return replace(loaded, tokenizer=tokenizer)


@contextmanager
def scoring(loaded: Loaded, accelerator: Accelerator) -> Iterator[LanguageModel]:
    """The model on its device, reading the predicted positions alone."""
    loaded.model.to(accelerator.device).eval()
    layout = choose_layout(loaded.model, "auto", Recipe(), accelerator.device)
    model = LanguageModel(loaded=loaded, layout=layout, accelerator=accelerator)
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(model.in_training())
        stack.enter_context(fast_linear(loaded.model))  # behind it: layers that are computed otherwise stay so
        yield model


def predicted(model: LanguageModel, asked: Asked, progress: Progress) -> Indices:
    """(P,) the most probable token at each position that is asked for, in their order; inside of `scoring`."""
    features = asked.features
    assert features.targets is not None
    wanted = features.targets.values != IGNORED
    counts = np.add.reduceat(wanted.astype(np.int64), features.targets.offsets[:-1])
    starts = np.cumsum(counts) - counts
    found = np.full(int(counts.sum()), -1)
    for indices in by_length(features.lengths, BUDGET):
        best = model.outputs(model.given(features.take(indices))).logits.argmax(-1).cpu().numpy()
        ends = np.cumsum(counts[indices])
        found[
            np.arange(len(best))
            - np.repeat(ends - counts[indices], counts[indices])
            + np.repeat(starts[indices], counts[indices])
        ] = best
        progress.advance(len(indices))
    return found


def measure_words(loaded: Loaded, tokens: WordTokens, accelerator: Accelerator, progress: Progress) -> dict[str, Any]:
    """Which of W words a model fills in and gives back, as a digit each, and its commonest answer to a mask.

    `said` is that answer, and the share of the masked tokens it is given for.
    """
    words = len(tokens.only)
    with scoring(loaded, accelerator) as model:
        filled, whole = (predicted(model, asked, progress) for asked in (tokens.masked, tokens.whole))
    common = np.bincount(filled).argmax() if len(filled) else -1
    return {
        "fill": _digits(right_words(tokens.masked, filled, words)),
        "whole": _digits(right_words(tokens.whole, whole, words)),
        "said": {"token": int(common), "share": float((filled == common).mean()) if len(filled) else 0.0},
    }


def _digits(right: Any) -> str:
    return "".join("1" if one else "0" for one in right)


def from_digits(digits: str) -> Any:
    """(W,) what `measure_words` wrote."""
    return np.frombuffer(digits.encode(), np.uint8) == ord("1")
