"""Log-likelihoods of answers after prompts, by a causal language model.

R prompts, C answers, K continuations that are read, T tokens of a prompt, S tokens that all prompts begin with, V
tokens of the vocabulary.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bertkit.progress import Progress

MOST_TOKENS = 8_192
"""Tokens of a batch, with those that its prompts begin with."""
MOST_LOGITS = 2**25
"""Logits of a batch: 256 MB in fp64."""

Ids = Sequence[int]


def likelihoods(
    model: Any, shared: Ids, prompts: Sequence[Ids], answers: Sequence[Ids], progress: Progress | None = None
) -> NDArray[np.float64]:
    """(R, C) the natural log of the probability of each answer's tokens, together, after each prompt.

    model    with a causal head, in evaluation mode; its logits are taken as they are, the softmax in fp64
    shared   what all prompts begin with: it is read once, and its keys and values are kept
    prompts  each has a token at least, as has each answer

    Prompts of the same length are a batch, so that none is padded.
    """
    read, places = _continuations(answers)
    found = np.empty((len(prompts), len(answers)))
    with torch.inference_mode():
        kept = _keys_and_values(model, shared)
        steps = len(read) * (1 + max(map(len, read)))
        most = MOST_LOGITS // (steps * int(model.config.vocab_size))
        for rows in _batches(prompts, len(shared), len(read), most):
            logs = _log_probabilities(model, kept, [prompts[row] for row in rows], read)
            for column, (answer, place) in enumerate(zip(answers, places, strict=True)):
                tokens = logs[:, place, torch.arange(len(answer)), torch.tensor(answer)]
                found[rows, column] = tokens.sum(1).cpu().numpy()
            if progress:
                progress.advance(len(rows))
    return found


def _continuations(answers: Sequence[Ids]) -> tuple[list[Ids], list[int]]:
    """What is read after a prompt, each answer without its last token, and for each answer which of these has it.

    One that begins another is not read by itself.

    >>> _continuations([[5], [6, 7], [6, 8], [9, 2, 3]])
    ([[6], [9, 2]], [0, 0, 0, 1])
    """
    heads = [list(answer[:-1]) for answer in answers]
    longest: list[Ids] = []
    for head in sorted(heads, key=lambda one: (-len(one), one)):
        if not any(one[: len(head)] == head for one in longest):
            longest.append(head)
    longest.reverse()
    places = [next(k for k, one in enumerate(longest) if one[: len(head)] == head) for head in heads]
    return longest, places


def _batches(prompts: Sequence[Ids], shared: int, continuations: int, most: int) -> Iterator[list[int]]:
    """Prompts of the same length, at most `most`, and as many as MOST_TOKENS lets be read at once; one at least."""
    lengths = np.array([len(one) for one in prompts])
    for length in sorted(set(lengths.tolist())):
        rows = np.flatnonzero(lengths == length)
        size = max(1, min(most, MOST_TOKENS // ((shared + length) * continuations)))
        for start in range(0, len(rows), size):
            yield rows[start : start + size].tolist()


def _log_probabilities(model: Any, kept: Any, prompts: Sequence[Ids], read: Sequence[Ids]) -> torch.Tensor:
    """(R, K, steps, V) of the token after each prompt, and of those after each token of a continuation."""
    longest = max(map(len, read))
    rows = [[*one, *more, *[0] * (longest - len(more))] for one in prompts for more in read]  # causal: none looks ahead
    inputs: dict[str, Any] = {"input_ids": torch.tensor(rows, device=model.device)}
    if kept is not None:
        copied = copy.deepcopy(kept)  # a forward pass lengthens it
        copied.batch_repeat_interleave(len(rows))
        inputs[_cache_name(model)] = copied
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        inputs["logits_to_keep"] = longest + 1
    logits: torch.Tensor = model(**inputs).logits[:, -(longest + 1) :]
    return logits.double().log_softmax(-1).reshape(len(prompts), len(read), longest + 1, -1)


def _keys_and_values(model: Any, shared: Ids) -> Any:
    """Those of the tokens that all prompts begin with; None without any."""
    if not shared:
        return None
    from transformers import DynamicCache

    kept = DynamicCache(config=model.config)
    model(torch.tensor([list(shared)], device=model.device), **{_cache_name(model): kept}, use_cache=True)
    return kept


def _cache_name(model: Any) -> str:
    """What transformers calls keys and values: older versions `past_key_values`, newer ones `cache`."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
