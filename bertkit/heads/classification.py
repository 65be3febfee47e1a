"""One text or two -> a label, or a number.

R rows, F = R features, C labels (1 for a number).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bertkit.heads.base import Answer, Labels, Number, Row, Window

if TYPE_CHECKING:
    from bertkit.heads.features import Features, Ragged


@dataclass(frozen=True, kw_only=True)
class Classification:
    """A label, or a number, for a text (`pair=False`) or for two texts.

    Devlin et al. 2019, section 4.1: the first token's vector, pooled, through a linear layer.
    """

    labels: Labels
    pair: bool = False
    kind: Literal["classification"] = "classification"

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForSequenceClassification"

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("text", "text_pair", "label") if self.pair else ("text", "label")

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """One feature a row; the longer text is cut first. `rows` is a mapping of columns."""
        import numpy as np

        from bertkit.heads.features import Features, Ragged, token_inputs

        texts = [list(rows["text"])] + ([list(rows["text_pair"])] if self.pair else [])
        full = tokenizer(*texts, add_special_tokens=True, return_attention_mask=False, verbose=False)
        long = np.array([len(ids) > window.max_length for ids in full["input_ids"]], bool)
        encoding = full
        if long.any():
            encoding = tokenizer(*texts, truncation=True, max_length=window.max_length, return_attention_mask=False)
        return Features(
            row=np.arange(len(long)),
            inputs=token_inputs(encoding),
            targets=Ragged.of([[gold] for gold in self._golds(rows)], self._dtype) if self._has(rows) else None,
            cut=long,
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with one run of one (C,) vector a feature."""
        import numpy as np

        scores = np.asarray(logits.values, np.float64)
        if isinstance(self.labels, Number):
            low, high = self.labels.low, self.labels.high
            return [Answer(value=float(min(max(score, low), high))) for score in scores[:, 0]]
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares = shifted / shifted.sum(axis=1, keepdims=True)
        return [
            Answer(
                value=str(self.labels[int(best)]),
                scores={name: float(share) for name, share in zip(self.labels, row, strict=True)},
            )
            for best, row in zip(scores.argmax(axis=1), shares, strict=True)
        ]

    def gold(self, row: Row) -> Any:
        """The label's name, or the number."""
        return row["label"]

    def _has(self, rows: Mapping[str, Sequence[Any]]) -> bool:
        golds = rows.get("label")
        return bool(golds) and all(gold is not None for gold in golds or ())

    def _golds(self, rows: Mapping[str, Sequence[Any]]) -> list[float]:
        if isinstance(self.labels, Number):
            return [float(gold) for gold in rows["label"]]
        order = {name: i for i, name in enumerate(self.labels)}
        return [order[gold] for gold in rows["label"]]

    @property
    def _dtype(self) -> str:
        return "float32" if isinstance(self.labels, Number) else "int32"
