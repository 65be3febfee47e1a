"""The recipe for a user's own file: more epochs for few rows, and room for nearly all texts. Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertkit.data.profile import Column
from bertkit.heads import Window
from bertkit.request.own_flags import HeadName
from bertkit.task import Recipe

EPOCHS = ((500, 20.0), (2_000, 10.0), (10_000, 5.0))
"""Passes for up to so many train rows; few rows need more updates than three passes give (Mosbach et al. 2021)."""
LENGTHS = (64, 128, 256, 512)
SHARE = 0.95
"""Of the rows, that the length is chosen for."""
LATIN, WIDE = 3.0, 1.0
"""Characters of a token, at a low estimate; Chinese has one."""

METRICS: Mapping[HeadName, tuple[str, ...]] = {
    "classification": ("accuracy", "f1_macro"),
    "multi-label": ("multilabel_f1_micro", "multilabel_f1_macro", "multilabel_exact"),
    "regression": ("pearson", "spearman"),
    "tagging": ("tag_accuracy",),
    "chunk-tagging": ("entity_f1", "entity_f1_strict"),
    "qa": ("squad_v1_f1", "squad_v1_em"),
    "multiple-choice": ("accuracy",),
}

ALLOWED: Mapping[str, tuple[str, ...]] = {
    **{str(head): metrics for head, metrics in METRICS.items()},
    "classification": (*METRICS["classification"], "f1", "matthews"),
    "regression": (*METRICS["regression"], "r2"),
    "chunk-tagging": (*METRICS["chunk-tagging"], "tag_accuracy"),
    "qa": (*METRICS["qa"], "squad_f1", "squad_em", "squad_chars_f1", "squad_chars_em"),
}
"""Every metric that fits a head."""


def metrics_of(head: HeadName, labels: int, no_answer: bool, by_chars: bool = False) -> tuple[str, ...]:
    """The metrics of a head, the headline first; of two labels F1 is that of the second."""
    if head == "classification" and labels == 2:
        return ("accuracy", "f1")
    if head == "qa" and no_answer:
        return ("squad_f1", "squad_em")
    if head == "qa" and by_chars:
        return ("squad_chars_f1", "squad_chars_em", *METRICS["qa"])
    return METRICS[head]


def recipe_of(head: HeadName, rows: int, texts: Sequence[Column]) -> Recipe:
    """The recipe for so many train rows with these columns of text."""
    epochs = next((passes for most, passes in EPOCHS if rows <= most), 3.0)
    if head == "qa":
        window = Window(max_length=384, doc_stride=128)
        return Recipe(epochs=max(2.0, epochs / 2), batch_size=16, learning_rate=3e-5, window=window)
    return Recipe(
        epochs=epochs,
        batch_size=16 if rows <= 10_000 else 32,
        learning_rate=5e-5,
        window=_windows(length_for(texts)) if head == "multiple-choice" else Window(max_length=length_for(texts)),
    )


def vector_recipe(rows: int, longest: int) -> Recipe:
    """The recipe for so many train rows of vectors, the longest of so many: there is room for all of them up to 512.

    A linear map is learnt from nothing, so that there are at least so many passes and so high a rate.
    """
    length = next((length for length in LENGTHS if length >= longest + 2), LENGTHS[-1])
    epochs = next((passes for most, passes in EPOCHS if rows <= most), 3.0)
    return Recipe(epochs=2 * epochs, batch_size=16, learning_rate=1e-4, window=Window(max_length=length))


def _windows(length: int) -> Window:
    return Window(max_length=length, long="windows", doc_stride=length // 4)


def length_for(texts: Sequence[Column]) -> int:
    """Tokens that hold SHARE of the rows, as far as their characters tell: a step of LENGTHS."""
    tokens = sum(_tokens(one) for one in texts)
    return next((length for length in LENGTHS if length >= tokens), LENGTHS[-1])


def _tokens(column: Column) -> float:
    latin = all(char < "\u2e80" for char in column.first)
    return column.most_characters(SHARE) / (LATIN if latin else WIDE) + 2
