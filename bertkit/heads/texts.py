"""What heads on one text or two share: their columns' checks, and features of a text or a pair.

R rows, F = R features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bertkit.heads import checks
from bertkit.heads.long import features_of

if TYPE_CHECKING:
    from bertkit.heads.features import Features, Ragged
    from bertkit.heads.window import Window

ROLES = ("text", "text_pair")
NO_LABEL = "no label: a split without labels can be predicted, not trained on or scored"


def checked_texts(where: str, values: Mapping[str, Any], pair: bool) -> dict[str, Any]:
    """The columns of one text or two, none of them empty. Raises DataError."""
    second = checks.text(where, "text_pair", values["text_pair"]) if pair else None
    return {"text": checks.text(where, "text", values["text"]), "text_pair": second}


def text_features(
    rows: Mapping[str, Sequence[Any]], pair: bool, tokenizer: Any, window: Window, targets: Ragged | None
) -> Features:
    """One feature per row, of a longer text what `window.long` says."""
    return replace(features_of([rows[role] for role in ROLES[: 1 + pair]], tokenizer, window), targets=targets)


def has_golds(rows: Mapping[str, Sequence[Any]]) -> bool:
    """Whether every row has a label."""
    golds = rows.get("label")
    return bool(golds) and all(gold is not None for gold in golds or ())
