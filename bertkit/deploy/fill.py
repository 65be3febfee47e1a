"""Fill the blanks of texts with a masked language model.

B texts of a batch, T tokens, M blanks of a text, V tokens of the vocabulary, K candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bertkit.deploy.blanks import BLANK, parts_of, put, word_in
from bertkit.deploy.language_models import FoundModel
from bertkit.deploy.pieces import piece_of, spaces_of
from bertkit.errors import DataError, EncoderError
from bertkit.machine.devices import resolve_device
from bertkit.models.forward import positions
from bertkit.models.language import load_language_model
from bertkit.spec import Device, Exactness

MOST_LOGITS, MOST_TEXTS = 1 << 26, 32
"""Numbers in the logits of a batch, and texts in it, at most."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A token for a blank.

    word         what it makes of the text: of "play[MASK]" and the token "##ing" it is "playing"
    token        as the vocabulary has it
    probability  the model's, over the whole vocabulary, with the other blanks masked
    """

    word: str
    token: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A text with its blanks filled.

    text    as it was given
    filled  with the best candidate in each blank; those of several blanks are chosen each with the others masked
    blanks  of each blank its candidates, the most probable first
    """

    text: str
    filled: str
    blanks: tuple[tuple[Candidate, ...], ...]

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        blanks = [[vars(one) for one in candidates] for candidates in self.blanks]
        return {"text": self.text, "filled": self.filled, "blanks": blanks}


@dataclass(frozen=True)
class _Read:
    """A text as the model reads it: its parts between blanks, and T token ids."""

    parts: tuple[str, ...]
    ids: list[int]


class Filler:
    """A masked language model, ready to fill blanks."""

    def __init__(
        self, found: FoundModel, top_k: int = 5, device: Device = "auto", precision: Exactness = "fp32"
    ) -> None:
        """Load the model. Raises EncoderError if it lacks a masked-language-model head or a mask token."""
        loaded = load_language_model(found.encoder, ("masked",))
        self.tokenizer = loaded.tokenizer
        if self.tokenizer.mask_token_id is None:
            raise EncoderError(f"{found.encoder.name}: its tokenizer has no mask token, which a blank is read as")
        self.device = torch.device(resolve_device(device))
        self.model = loaded.model.to(self.device, torch.bfloat16 if precision == "bf16" else torch.float32).eval()
        self.pad = loaded.pad
        self.top_k = top_k
        self.spaces = spaces_of(self.tokenizer)

    def answer(self, texts: Sequence[str]) -> list[Filled | DataError]:
        """Each text filled, in their order, or why it cannot be read: it has no blank, or is too long."""
        found: dict[int, Filled | DataError] = {}
        read: dict[int, _Read] = {}
        for index, text in enumerate(texts):
            try:
                read[index] = self._read(text)
            except DataError as error:
                found[index] = error
        for batch in self._batches(read):
            best = self._best([read[index] for index in batch])
            found |= {
                index: self._filled(texts[index], read[index].parts, *one)
                for index, one in zip(batch, best, strict=True)
            }
        return [found[index] for index in range(len(texts))]

    def _read(self, text: str) -> _Read:
        mask = self.tokenizer.mask_token
        parts = tuple(parts_of(text, re.escape(mask)))
        if len(parts) == 1:
            raise DataError(f"the text has no blank: write {mask} where a word is missing")
        ids = self.tokenizer(mask.join(parts))["input_ids"]
        most, masks = positions(self.model.config), ids.count(self.tokenizer.mask_token_id)
        if most is not None and len(ids) > most:
            raise DataError(f"the text has {len(ids):,} tokens, and the model reads {most:,} at most")
        if masks != len(parts) - 1:
            raise DataError(f"the tokenizer reads {masks} of {len(parts) - 1} blanks as {mask}")
        return _Read(parts, ids)

    def _batches(self, read: dict[int, _Read]) -> Iterator[list[int]]:
        """The texts' indices in batches, by length."""
        batch: list[int] = []
        for index in sorted(read, key=lambda one: len(read[one].ids)):
            logits = (len(batch) + 1) * len(read[index].ids) * self.model.config.vocab_size
            if batch and (logits > MOST_LOGITS or len(batch) == MOST_TEXTS):
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    @torch.inference_mode()
    def _best(self, read: list[_Read]) -> list[tuple[Tensor, Tensor]]:
        """For each of B texts the K best probabilities and their ids at its M blanks, (M, K) both."""
        rows = [torch.tensor(one.ids) for one in read]
        ids = pad_sequence(rows, batch_first=True, padding_value=self.pad).to(self.device)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).to(self.device)
        logits = self.model(input_ids=ids, attention_mask=mask).logits  # (B, T, V)
        found = []
        for one, row in zip(ids, logits, strict=True):
            shares = row[one == self.tokenizer.mask_token_id].float().softmax(-1)
            best = shares.topk(min(self.top_k, shares.shape[-1]))
            found.append((best.values.cpu(), best.indices.cpu()))
        return found

    def _filled(self, text: str, parts: tuple[str, ...], shares: Tensor, ids: Tensor) -> Filled:
        blanks = []
        filled, rest = parts[0], list(parts[1:])
        for blank, (values, tokens) in enumerate(zip(shares.tolist(), ids.tolist(), strict=True)):
            before, after = BLANK.join(parts[: blank + 1]), BLANK.join(parts[blank + 1 :])
            pieces = [piece_of(self.tokenizer, token) for token in tokens]
            names = self.tokenizer.convert_ids_to_tokens(tokens)
            words = [word_in(before, piece, after, self.spaces) for piece in pieces]
            blanks.append(
                tuple(
                    Candidate(word=word if word.strip() else name, token=name, probability=value)
                    for word, name, value in zip(words, names, values, strict=True)
                )
            )
            filled = "".join(put(filled, pieces[0], rest.pop(0), self.spaces))
        return Filled(text=text, filled=filled, blanks=tuple(blanks))
