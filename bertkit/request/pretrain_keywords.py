"""The flags of pretraining as keywords of Python functions, for type checkers. Light."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from bertkit.errors import RequestError
from bertkit.objectives.base import Architecture
from bertkit.objectives.denoise import Noise
from bertkit.objectives.masked import Replacement, Unit
from bertkit.pretraining import DocumentKind, Keep, Start, VocabularyKind
from bertkit.request.keywords import Target, named
from bertkit.request.pretrain_flags import ObjectiveName
from bertkit.spec import Device, Precision


class PairOptions(TypedDict, total=False):
    """The options of `bertkit compare nsp-vs-sop` as keywords; a test compares them with the flags."""

    documents: DocumentKind
    text_column: str | None
    encoding: str | None
    subset: str | None
    split: str
    held_out: str
    mlm_probability: float | None
    masking: Unit | None
    mask_replacement: Replacement | None
    static_masking: bool
    vocabulary: VocabularyKind | None
    vocab_size: int | None
    cased: bool
    tokenizer: str | None
    architecture: Architecture | None
    shape: str
    max_length: int
    start: Start
    budget: str
    batch_size: int | None
    gradient_accumulation: int | None
    learning_rate: float | None
    warmup: float | None
    weight_decay: float | None
    max_grad_norm: float | None
    dropout: float | None
    eval_every: int | None
    seed: int
    keep: Keep
    device: Device
    precision: Precision
    fast_dropout: bool
    processes: int
    max_memory: str | None
    offline: bool
    save_every: int | None
    out: Path | Target
    force: bool


class PretrainOptions(PairOptions, total=False):
    """The options of `bertkit pretrain` as keywords, for type checkers; a test compares them with the flags."""

    objective: ObjectiveName
    noise: Noise | None
    noise_ratio: float | None


def corpora_named(corpus: Target | Iterable[Target]) -> list[str]:
    """The files or folders of text that are named by keyword. Raises RequestError."""
    if not isinstance(corpus, str | os.PathLike | Iterable):
        raise RequestError(f"corpus={corpus!r}: name files or folders of text")
    listed = [corpus] if isinstance(corpus, str | os.PathLike) else list(corpus)
    return [named("corpus", one) for one in listed]
