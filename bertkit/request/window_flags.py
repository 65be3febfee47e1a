"""The flags of what a model reads at once: the fields of Window. Light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bertkit.heads.window import Long
from bertkit.request.option import TRAINING, Option


@dataclass(frozen=True, kw_only=True)
class WindowFlags:
    """The flags of a Window, as given; None is the recipe's default."""

    max_length: Annotated[
        int | None,
        Option(
            "--max-length --max-seq-length", TRAINING, "Maximum tokens per input.", only="finetune eval compare check"
        ),
    ] = None
    long: Annotated[
        Long | None,
        Option(
            "--long",
            TRAINING,
            "Of a text longer than --max-length read its start, its head and tail, or all of it in overlapping windows "
            "whose logits are averaged. [default: truncate]",
            only="finetune eval compare check",
        ),
    ] = None
    max_windows: Annotated[
        int | None,
        Option(
            "--max-windows", TRAINING, "--long windows: maximum windows per row. [default: 32]", only="finetune eval"
        ),
    ] = None
    doc_stride: Annotated[
        int | None,
        Option(
            "--doc-stride",
            TRAINING,
            "QA, --long windows: overlap of two windows, in tokens. [default with --long: a quarter of --max-length]",
            only="finetune eval compare",
        ),
    ] = None
    max_answer_length: Annotated[
        int | None, Option("--max-answer-length", TRAINING, "QA: maximum tokens per answer.", only="finetune")
    ] = None
    null_threshold: Annotated[
        float | None,
        Option(
            "--null-threshold",
            TRAINING,
            "QA: predict no answer if its score exceeds the best span's by more than this (logits).",
            only="finetune eval",
        ),
    ] = None
