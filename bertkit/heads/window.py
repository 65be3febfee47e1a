"""How much of a text a model reads at once, and what it reads of a longer one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Long = Literal["truncate", "head-tail", "windows"]
"""What is read of a text that does not fit: its start, its head and tail, or all of it in overlapping windows."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How many tokens a model reads at once.

    max_length         tokens of a feature at most, special ones counted
    doc_stride         tokens that two windows of one document share (Hugging Face's sense)
    max_answer_length  tokens of an answer at most
    null_threshold     "no answer" if its score exceeds the best span's by more than this (in logits)
    long               what is read of a text that does not fit: see heads/long.py
    max_windows        windows of a row at most, where `long` is "windows"
    """

    max_length: int = 128
    doc_stride: int = 128
    max_answer_length: int = 30
    null_threshold: float = 0.0
    long: Long = "truncate"
    max_windows: int = 32
