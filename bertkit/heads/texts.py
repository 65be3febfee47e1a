"""What heads on one text or two share: their columns' checks, and features of a text or a pair.

R rows, F = R features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bertkit.heads import checks

if TYPE_CHECKING:
    from bertkit.heads.base import Window
    from bertkit.heads.features import Features, Ragged

NO_LABEL = "no label: a split without labels can be predicted, not trained on or scored"


def checked_texts(where: str, values: Mapping[str, Any], pair: bool) -> dict[str, Any]:
    """The columns of one text or two, none of them empty. Raises DataError."""
    second = checks.text(where, "text_pair", values["text_pair"]) if pair else None
    return {"text": checks.text(where, "text", values["text"]), "text_pair": second}


def text_features(
    rows: Mapping[str, Sequence[Any]], pair: bool, tokenizer: Any, window: Window, targets: Ragged | None
) -> Features:
    """One feature per row; of two texts the longer is truncated first."""
    import numpy as np

    from bertkit.heads.features import Features, token_inputs

    texts = [list(rows["text"])] + ([list(rows["text_pair"])] if pair else [])
    full = tokenizer(*texts, add_special_tokens=True, return_attention_mask=False, verbose=False)
    long = np.array([len(ids) > window.max_length for ids in full["input_ids"]], bool)
    encoding = full
    if long.any():
        encoding = tokenizer(*texts, truncation=True, max_length=window.max_length, return_attention_mask=False)
    return Features(row=np.arange(len(long)), inputs=token_inputs(encoding), targets=targets, cut=long)


def has_golds(rows: Mapping[str, Sequence[Any]]) -> bool:
    """Whether every row has a label."""
    golds = rows.get("label")
    return bool(golds) and all(gold is not None for gold in golds or ())
