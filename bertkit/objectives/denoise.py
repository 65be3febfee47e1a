"""Denoising: an encoder reads a corrupted text, and a decoder gives the text, or what is missing in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bertkit.errors import RequestError
from bertkit.objectives.base import Objective

if TYPE_CHECKING:
    from bertkit.heads.features import Features, Ragged
    from bertkit.objectives.choose import Spans
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows, Texts

Noise = Literal["mask", "delete", "infill", "permute", "rotate", "mass", "t5", "bart"]

RATIOS: dict[Noise, float] = {"mask": 0.15, "delete": 0.15, "infill": 0.3, "mass": 0.5, "t5": 0.15, "bart": 0.3}
"""The share of the tokens that noise affects, if nothing is asked for; the other noises have none.

`mask` is as BERT masks (Devlin et al. 2019, 3.1), and `delete` deletes as many; `mass` is half of a row (Song et al.
2019), `t5` 15 % (Raffel et al. 2020, 3.3.4); 30 % for `infill` and `bart` is a choice made here.
"""


@dataclass(frozen=True, kw_only=True)
class Denoise(Objective):
    """What the encoder reads is the text with this noise (Lewis et al. 2020; MASS: Song et al. 2019; T5: Raffel 2020).

    noise  mask     tokens become mask tokens
           delete   tokens are missing; a row keeps one at least
           infill   spans, their lengths Poisson of mean 3, become one mask token each; of no token they add one
           permute  the sentences of a document are in random order
           rotate   the row begins with one of its tokens; those before it follow at the end
           mass     half of the row, in one piece, becomes mask tokens, and the decoder gives that piece alone
           t5       spans of 3 tokens on average become a sentinel each, and the decoder gives each sentinel with its
                    span, and another sentinel
           bart     sentences are permuted, and then spans infilled
    ratio  the share of a row's tokens that are masked, deleted or in spans, rounded, at least one; special tokens do
           not count, but for mass; None is that of RATIOS

    Without start and end tokens, "the old man sat by the sea . he waited for a boat ." may become

    mask     the M man sat by the sea . he waited for a M .
    delete   the man sat by the sea . he waited for a .
    infill   the M the sea . he M waited for a boat .
    permute  he waited for a boat . the old man sat by the sea .
    rotate   sea . he waited for a boat . the old man sat by the
    mass     the old man sat M M M M M M M a boat .             and gives  by the sea . he waited for
    t5       the old X by the sea . he waited for a boat .      and gives  X man sat Y
    bart     he waited M boat . the M sat by the sea .

    where M is the mask token, X and Y are sentinels, and what the decoder gives is the text if nothing is said. In the
    example of `infill` the spans are "old man sat by", and one of no token.
    """

    kind: Literal["denoise"] = "denoise"
    noise: Noise = "bart"
    ratio: float | None = None

    def __post_init__(self) -> None:
        """Raise RequestError for a ratio out of range, or for a noise that has none."""
        if self.ratio is not None and self.noise not in RATIOS:
            raise RequestError(f"--noise-ratio {self.ratio:g}: --noise {self.noise} has none: leave it out")
        if self.ratio is not None and not 0 < self.ratio < 1:
            raise RequestError(f"--noise-ratio {self.ratio:g}: it must be above 0 and below 1")

    @property
    def auto_models(self) -> dict[str, str]:
        """T5 has the sentinels of its own noise; BART has a mask token, which the others need."""
        if self.noise == "t5":
            return {"t5": "T5ForConditionalGeneration"}
        return {"bart": "BartForConditionalGeneration"}

    @property
    def flag(self) -> str:
        """The noise decides which architectures it goes with."""
        return f"--noise {self.noise}"

    @property
    def share(self) -> float:
        """The share of the tokens that noise affects; all where it changes their order alone."""
        return RATIOS.get(self.noise, 1.0) if self.ratio is None else self.ratio

    @property
    def needs_mask(self) -> bool:
        """Whether this noise puts mask tokens in."""
        return self.noise in ("mask", "infill", "mass", "bart")

    def room(self, max_length: int, pieces: Pieces) -> int:
        """What the start and end token leave; no noise makes a row longer."""
        from bertkit.objectives.sequences import specials_of

        return max_length - specials_of(1, pieces)

    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The rows with noise, and what the decoder should give: both between a start and an end token.

        The piece that MASS's decoder gives has neither. Raises RequestError if a token is needed, of the mask or as a
        sentinel, that there is not.
        """
        import numpy as np

        from bertkit.heads.features import Features
        from bertkit.objectives.sequences import framed

        self.check_pieces(pieces)
        texts = rows.texts(which)
        inputs, targets = self._noisy(texts, draws, pieces)
        seen, given = framed([inputs], pieces)[0], framed([targets], pieces)[0]
        return Features(
            row=texts.row,
            inputs={"input_ids": seen},
            targets=targets if self.noise == "mass" else given,
            cut=np.zeros(len(texts.row), np.bool_),
        )

    def check_pieces(self, pieces: Pieces) -> None:
        """Raise RequestError if the vocabulary lacks a token that this noise needs."""
        if self.needs_mask and pieces.mask is None:
            raise RequestError(f"--noise {self.noise} needs a mask token, which the tokenizer does not have")
        if self.noise == "t5" and len(pieces.sentinels) < 2:
            raise RequestError("--noise t5 needs sentinels (<extra_id_0>, ...), which the tokenizer does not have")

    def _noisy(self, texts: Texts, draws: Draws, pieces: Pieces) -> tuple[Ragged, Ragged]:
        """What the encoder reads and what the decoder gives, both without start and end tokens."""
        from bertkit.objectives import noises

        tokens = noises.whole(texts.tokens)
        if self.noise == "rotate":
            return noises.rotated(tokens, texts.row, draws), tokens
        if self.noise in ("permute", "bart"):
            shuffled = noises.permuted(tokens, texts.sentences, pieces.end, texts.row, draws)
            return shuffled if self.noise == "permute" else self._infilled(shuffled, texts.row, draws, pieces), tokens
        if self.noise == "infill":
            return self._infilled(tokens, texts.row, draws, pieces), tokens
        spans = self._spans(tokens, texts.row, draws, pieces)
        if self.noise == "t5":
            return noises.with_sentinels(tokens, spans, pieces.sentinels)
        if self.noise == "delete":
            return noises.dropped(tokens, spans), tokens
        assert pieces.mask is not None
        target = noises.within(tokens, spans) if self.noise == "mass" else tokens
        return noises.filled(tokens, spans, pieces.mask), target

    def _infilled(self, tokens: Ragged, rows: Indices, draws: Draws, pieces: Pieces) -> Ragged:
        """Spans with lengths from a Poisson distribution become one mask token each."""
        from bertkit.objectives.choose import budgets, maskable
        from bertkit.objectives.noise_spans import poisson_spans
        from bertkit.objectives.noises import substituted

        free = maskable(tokens, pieces)
        assert pieces.mask is not None
        return substituted(tokens, poisson_spans(free, budgets(free, self.share), rows, draws), pieces.mask)

    def _spans(self, tokens: Ragged, rows: Indices, draws: Draws, pieces: Pieces) -> Spans:
        """What is masked, deleted or taken out: single tokens, T5's spans, or MASS's piece."""
        import numpy as np

        from bertkit.objectives.choose import budgets, maskable, tokens_within
        from bertkit.objectives.noise_spans import even_spans, fragments

        if self.noise == "mass":
            there = np.arange(tokens.lengths.max(initial=0)) < tokens.lengths[:, None]
            return fragments(tokens.lengths, budgets(there, self.share), rows, draws)
        free = maskable(tokens, pieces)
        budget = budgets(free, self.share)
        if self.noise == "t5":
            return even_spans(free, budget, len(pieces.sentinels) - 1, rows, draws)
        if self.noise == "delete":
            budget = np.minimum(budget, np.maximum(tokens.lengths - 1, 0))
        return tokens_within(free, budget, rows, draws)
