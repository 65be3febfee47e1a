"""Continue texts with a causal language model, or repair them with an encoder and decoder (BART, T5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bertkit.deploy.blanks import parts_of
from bertkit.deploy.language_models import FoundModel
from bertkit.deploy.pieces import continued, decoded
from bertkit.errors import DataError, EncoderError, one_line
from bertkit.machine.devices import resolve_device
from bertkit.models.forward import positions
from bertkit.models.language import load_language_model
from bertkit.request.text_flags import GenerateFlags

NEW, MORE = 50, 20
"""New tokens at most of a continued text, and those of a repaired one beyond its own number."""
SENTINEL = r"<extra_id_\d+>"
"""T5's token for a blank; its answer has the same tokens, each before what belongs there."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A text, and what a model makes of it.

    text       as it was given
    generated  of a causal model the text with its continuation, else the repaired text; several if several were asked
    """

    text: str
    generated: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        return {"text": self.text, "generated": list(self.generated)}


class Generator:
    """A causal or sequence-to-sequence language model, ready to generate."""

    def __init__(self, found: FoundModel, flags: GenerateFlags | None = None) -> None:
        """Load the model. Raises EncoderError if it lacks a head that generates."""
        self.flags = flags or GenerateFlags()
        loaded = load_language_model(found.encoder, ("causal", "seq2seq"))
        self.kind, self.tokenizer = found.kind, loaded.tokenizer
        self.device = torch.device(resolve_device(self.flags.device))
        dtype = torch.bfloat16 if self.flags.precision == "bf16" else torch.float32
        self.model = loaded.model.to(self.device, dtype).eval()
        self.most = positions(self.model.config)
        names = self.tokenizer.get_vocab() if "t5" in self.model.config.model_type else {}
        self.sentinels = sum(re.fullmatch(SENTINEL, name) is not None for name in names)

    def answer(self, texts: Sequence[str]) -> list[Generated | DataError]:
        """What is generated for each text, in their order, or why it cannot be read: it is too long."""
        return [self._answered(text) for text in texts]

    def _answered(self, text: str) -> Generated | DataError:
        try:
            return Generated(
                text=text, generated=self._continued(text) if self.kind == "causal" else self._repaired(text)
            )
        except DataError as error:
            return error

    def _continued(self, text: str) -> tuple[str, ...]:
        ids = self._prompt(text)
        room = None if self.most is None else self.most - len(ids)
        outputs = self._outputs(ids, self._new(ids, NEW, room))
        return tuple(text + continued(self.tokenizer, ids, row[len(ids) :]) for row in outputs)

    def _prompt(self, text: str) -> list[int]:
        """The text's tokens without those that the tokenizer puts at its end, behind which nothing would follow."""
        ids = self._ids(text)
        while ids and ids[-1] in self.tokenizer.all_special_ids:
            ids.pop()
        if not ids:
            raise DataError("the tokenizer reads no token in the text")
        return ids

    def _repaired(self, text: str) -> tuple[str, ...]:
        parts = parts_of(text, SENTINEL) if self.sentinels else parts_of(text)
        blank = self.tokenizer.mask_token
        if self.sentinels and len(parts) - 1 > self.sentinels:
            raise DataError(
                f"the text has {len(parts) - 1} blanks, and the vocabulary {self.sentinels} tokens for them"
            )
        if self.sentinels:
            ids = self._ids("".join(f"<extra_id_{n - 1}>" * bool(n) + part for n, part in enumerate(parts)))
        else:
            ids = self._ids(text if blank is None else blank.join(parts))
        room = None if self.most is None else self.most - 1  # the decoder's first token
        outputs = self._outputs(ids, self._new(ids, len(ids) + MORE, room))
        return tuple(
            self._spans_in(parts, row) if self.sentinels else decoded(self.tokenizer, row).strip() for row in outputs
        )

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text)["input_ids"]
        if self.most is not None and len(ids) > self.most:
            raise DataError(f"the text has {len(ids):,} tokens, and the model reads {self.most:,} at most")
        return ids

    def _new(self, ids: list[int], default: int, room: int | None) -> int:
        """How many tokens to generate at most. Raises DataError if the model has too few positions."""
        asked = self.flags.max_new_tokens
        if room is not None and room < (asked or 1):
            raise DataError(
                f"the text has {len(ids):,} tokens, and the model {self.most:,} positions: "
                + (f"--max-new-tokens {room} at most" if room > 0 else "nothing can follow")
            )
        return asked or min(default, default if room is None else room)

    def _outputs(self, ids: list[int], new: int) -> list[list[int]]:
        """The tokens of each generated text; of a causal model with those of the text before them."""
        flags, inputs = self.flags, torch.tensor([ids], device=self.device)
        pad = self.tokenizer.pad_token_id
        given = {"temperature": flags.temperature, "top_k": flags.top_k, "top_p": flags.top_p}
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(flags.seed)
            try:
                rows = self.model.generate(
                    input_ids=inputs,
                    attention_mask=torch.ones_like(inputs),
                    max_new_tokens=new,
                    do_sample=flags.draws,
                    num_beams=flags.beams or 1,
                    num_return_sequences=flags.samples,
                    pad_token_id=self.tokenizer.eos_token_id if pad is None else pad,
                    **{name: value for name, value in given.items() if value is not None},
                )
            except ValueError as error:
                raise EncoderError(f"this model's generation settings do not fit: {one_line(error)}") from error
        return [list(map(int, row)) for row in rows]

    def _spans_in(self, parts: list[str], row: list[int]) -> str:
        """The text with the spans in its blanks that stand behind their sentinels; all of it if there are none."""
        special = {self.tokenizer.pad_token_id, self.tokenizer.eos_token_id}
        written = str(self.tokenizer.decode([one for one in row if one not in special]))
        spans = re.split(SENTINEL, written)[1:]
        if not spans:
            return written.strip()
        filled = parts[0]
        for number, part in enumerate(parts[1:]):
            filled += (spans[number].strip() if number < len(spans) else "") + part
        return filled
