"""The vectors of spans of texts at every layer: a word in its sentence, or a whole sentence.

N texts, L layers (0 is the embeddings), H hidden size, T tokens of a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.data.cache import cached
from bertkit.data.sampler import Indices, by_length
from bertkit.errors import DataError, EncoderError
from bertkit.kernels.linear import fast_linear
from bertkit.progress import Progress

VERSION = 1
"""Of how vectors are made; increase it when that changes, so that they are made again."""
KIND = "vectors"
BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""
BLOCK = 4_096
"""Texts that are tokenised at once."""
SPACE = "▁Ġ"
"""What a piece consists of that stands for a space alone, and takes the place of the character behind it."""

Vectors = NDArray[np.float32]
Span = tuple[int, int]
"""Where a span begins and ends in its text, in characters, the end not counted."""


@dataclass(frozen=True, kw_only=True)
class EncodedSpans:
    """N texts as token ids, and of each the pieces of its span.

    ids      (T,) token ids of each text, special ones among them, cut to the window
    pieces   places in `ids` of each span's pieces; none where the window cuts the span off, or it has no token
    cut      (N,) whether the text is longer than the window
    partial  (N,) whether the window cuts off a part of the span, or all of it
    unknown  (N,) how many of the span's pieces are the unknown token
    """

    ids: list[NDArray[np.int32]]
    pieces: list[Indices]
    cut: NDArray[np.bool_]
    partial: NDArray[np.bool_]
    unknown: Indices

    @property
    def there(self) -> NDArray[np.bool_]:
        """(N,) which spans have a vector: at least one piece in the window."""
        return np.array([len(one) > 0 for one in self.pieces], np.bool_)

    @property
    def unknown_share(self) -> float:
        """Of the spans' pieces, which share is the unknown token, 0 to 1: a language that the tokenizer cannot read."""
        return float(self.unknown.sum() / max(1, sum(map(len, self.pieces))))


def encode_spans(
    body: Body, texts: Sequence[str], spans: Sequence[Span | None] | None = None, names: Sequence[str] | None = None
) -> EncodedSpans:
    """The texts as tokens, cut to the body's window, with the pieces of each span; a span of None is the whole text.

    A piece belongs to a span if they share a character. With `names`, one for each text ("words.csv, line 3"), a text
    that is longer than the window or a span without a token raises DataError, naming the first; without, they are
    counted (`cut`, `partial`, `there`).
    """
    found = EncodedSpans(
        ids=[], pieces=[], cut=np.zeros(len(texts), np.bool_), partial=np.zeros(len(texts), np.bool_),
        unknown=np.zeros(len(texts), np.int64),
    )  # fmt: skip
    fillers = {i for token, i in body.tokenizer.get_vocab().items() if token and not token.strip(SPACE)}
    for start in range(0, len(texts), BLOCK):
        part = list(texts[start : start + BLOCK])
        encoding = body.tokenizer(part, truncation=True, max_length=body.window, return_attention_mask=False)
        for k, text in enumerate(part):
            whole = spans is None or spans[start + k] is None
            span = (0, len(text)) if whole or spans is None else spans[start + k]
            assert span is not None
            _add(found, encoding.encodings[k], start + k, (span, set() if whole else fillers), body)
    if names is not None:
        _refuse_unread(found, names, body.window)
    return found


def _add(found: EncodedSpans, encoding: Any, row: int, wanted: tuple[Span, set[int]], body: Body) -> None:
    """Add one text's ids, and the pieces of its span."""
    span, fillers = wanted
    ids = np.array(encoding.ids, np.int32)
    pieces = _touching(encoding, span)
    if len(filled := [place for place in pieces if ids[place] not in fillers]):
        pieces = filled
    found.ids.append(ids)
    found.pieces.append(np.array(pieces, np.int64))
    found.cut[row] = bool(encoding.overflowing)
    found.partial[row] = any(_touching(one, span) for one in encoding.overflowing)
    unknown = body.tokenizer.unk_token_id
    found.unknown[row] = 0 if unknown is None else int((ids[found.pieces[-1]] == unknown).sum())


def _touching(encoding: Any, span: Span) -> list[int]:
    """The places of the pieces that share a character with the span; special tokens share none."""
    low, high = span
    return [
        place
        for place, ((start, end), special) in enumerate(
            zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        )
        if not special and max(start, low) < min(end, high)
    ]


def _refuse_unread(found: EncodedSpans, names: Sequence[str], window: int) -> None:
    """Raise DataError for the first text that is longer than the window, or whose span has no token."""
    for cut, there, name in zip(found.cut, found.there, names, strict=True):
        if cut:
            raise DataError(f"{name}: longer than the {window} tokens that are read of a text: shorten it")
        if not there:
            raise DataError(f"{name}: the tokenizer makes no token of it")


def span_vectors(body: Body, encoded: EncodedSpans, progress: Progress, title: str = "vectors") -> Vectors:
    """(N, L+1, H) the mean vector of each span's pieces at every layer; zeros for a span that is not `there`.

    Layer 0 is what enters the first layer: of BERT the word embedding with position and segment, normalised. In fp32,
    mapped into memory and not to be written to; cached by the model's digest, ids and pieces.
    """
    key = hashlib.sha256(f"{VERSION} {body.digest} {len(encoded.ids)}".encode())
    for ids, pieces in zip(encoded.ids, encoded.pieces, strict=True):
        for one in (ids, pieces.astype(np.int32)):
            key.update(len(one).to_bytes(4, "little") + one.tobytes())
    shape = (len(encoded.ids), body.layers + 1, body.size)

    def make(folder: Path) -> None:
        table = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, shape)
        _fill(body, encoded, table, (progress, title))
        table.flush()

    return cached(KIND, key.hexdigest(), make, _mapped)


def _mapped(folder: Path) -> Vectors:
    found: Vectors = np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray)
    return found


def _fill(body: Body, encoded: EncodedSpans, table: Vectors, shown: tuple[Progress, str]) -> None:
    progress, title = shown
    device = next(body.model.parameters()).device
    lengths = np.array([len(ids) for ids in encoded.ids], np.int64)
    progress.phase(title, len(lengths))
    with torch.inference_mode(), fast_linear(body.model):
        for indices in by_length(lengths, BUDGET):
            states = hidden_states(body, [encoded.ids[i] for i in indices])
            owner, place = _owners([encoded.pieces[i] for i in indices])
            counts = torch.bincount(owner, minlength=len(indices)).clamp(min=1).to(device)
            for layer, state in enumerate(states):
                total = torch.zeros(len(indices), body.size, device=device)
                total.index_add_(0, owner.to(device), state[owner, place].float())
                table[indices, layer] = (total / counts[:, None]).cpu().numpy()
            progress.advance(len(indices))


def hidden_states(body: Body, runs: Sequence[NDArray[np.int32]]) -> tuple[torch.Tensor, ...]:
    """(L+1) tensors (texts, T, H) for token ids, padded to the longest, on the body's device. Raises EncoderError."""
    device = next(body.model.parameters()).device
    lengths = torch.tensor([len(run) for run in runs])
    ids = torch.full((len(runs), int(lengths.max())), body.loaded.pad)
    for row, run in zip(ids, runs, strict=True):
        row[: len(run)] = torch.from_numpy(run)
    mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()
    output = body.model(input_ids=ids.to(device), attention_mask=mask.to(device), output_hidden_states=True)
    states: tuple[torch.Tensor, ...] = tuple(output.hidden_states)
    if len(states) != body.layers + 1 or any(state.shape[1] != ids.shape[1] for state in states):
        raise EncoderError(f"{body.name}: its hidden states are not one for each layer and token: name another model")
    return states


def _owners(pieces: Sequence[Indices]) -> tuple[torch.Tensor, torch.Tensor]:
    """For every piece its text's row in the batch, and its place in that."""
    rows = np.repeat(np.arange(len(pieces)), [len(one) for one in pieces])
    return torch.from_numpy(rows), torch.from_numpy(np.concatenate(pieces))
