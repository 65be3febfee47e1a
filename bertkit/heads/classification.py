"""Classification and regression: one text or two, or a sequence of vectors -> a label, or a number.

R rows, F = R features, C labels (1 for a number).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from bertkit.errors import DataError, EncoderError
from bertkit.heads import checks
from bertkit.heads.base import FROM_TRAIN, NO_SCORES, Answer, Head, Labels, Row
from bertkit.heads.degenerate import constant_details, loss_of_shares
from bertkit.heads.labels import as_written, match_names, read_label, write_names
from bertkit.heads.long import LONG_FLAGS, check_long
from bertkit.heads.losses import OF_ONE_LABEL, Loss
from bertkit.heads.numbers import Number, repr_without
from bertkit.heads.shown import Shown
from bertkit.heads.shown_labels import label_error, show_label, show_number
from bertkit.heads.simple import Simple
from bertkit.heads.texts import NO_LABEL, checked_texts, has_golds, text_features
from bertkit.heads.vectors import ROLE, WIDTH, Vectors, checked_vectors, schema_of, vector_features
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged

MATRIX = 200
"""Labels up to which a result has the confusion matrix: of 5,000 it would have 25 million numbers."""


@dataclass(frozen=True, kw_only=True)
class Classification(Head):
    """A label, or a number, for a text (`pair=False`), for two texts, or for a sequence of `vectors`.

    Devlin et al. 2019, section 4.1: the first token's vector, pooled, through a linear layer.
    """

    labels: Labels
    pair: bool = False
    vectors: Vectors | None = None
    kind: Literal["classification"] = "classification"
    criterion: Loss = field(default_factory=Loss, repr=False)  # features do not depend on it

    def __repr__(self) -> str:
        return repr_without(self, {"vectors": None})

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForSequenceClassification"

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        if self.vectors:
            return (ROLE, "label")
        return ("text", "text_pair", "label") if self.pair else ("text", "label")

    def strata(self, gold: Any) -> Sequence[str] | float:
        """The label, or the number."""
        return gold if isinstance(self.labels, Number) else (gold,)

    def schema(self) -> dict[str, Any]:
        """Texts as strings, vectors as lists of lists; the gold a string, or a number."""
        import pyarrow as pa

        label = pa.float64() if isinstance(self.labels, Number) else pa.string()
        if self.vectors:
            return {**schema_of(), "label": label}
        return {"text": pa.string(), "text_pair": pa.string(), "label": label}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """The texts, none of them empty, or the vectors, and the label by name. Raises DataError."""
        row: dict[str, Any] = {"label": None}
        if self.vectors:
            row[ROLE] = checked_vectors(where, values[ROLE], self.vectors.width)
        else:
            row |= checked_texts(where, values, self.pair)
        if values.get("label") is not None:
            row["label"] = self._label(where, values["label"], spellings)
        elif "label" in values:
            raise DataError(f"{where}: {NO_LABEL}")
        return row

    def _label(self, where: str, raw: Any, spellings: Mapping[str, str]) -> str | float:
        if isinstance(self.labels, Number):
            return checks.number(where, raw, self.labels.low, self.labels.high)
        label = read_label(raw, self.label_names, spellings)
        if label is None and self.labels == FROM_TRAIN:
            label = as_written(raw)
        if not label and str(raw).strip() in ("", "-1", "-1.0"):
            raise DataError(f"{where}: {NO_LABEL}")
        if label is None:
            shown = raw if isinstance(raw, str) else json.dumps(raw, default=str)
            known = ", ".join(dict.fromkeys([*spellings, *self.label_names]))
            raise DataError(f"{where}: unknown label '{str(shown)[:60]}'; expected one of {known}")
        return label

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """One feature per row; of a longer text what `window.long` says. `rows` is a mapping of columns."""
        from bertkit.heads.features import Ragged

        golds = [[gold] for gold in self._golds(rows)] if has_golds(rows) else None
        targets = None if golds is None else Ragged.of(golds, self._dtype)
        if self.vectors:
            return replace(vector_features(rows, self.vectors.width, tokenizer, window), targets=targets)
        return text_features(rows, self.pair, tokenizer, window, targets)

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with one run of one (C,) vector a feature."""
        import numpy as np
        from scipy.special import softmax

        scores = np.asarray(logits.values, np.float64)
        if isinstance(self.labels, Number):
            mean, sd = self.scale
            return [Answer(value=float(self.labels.within(score * sd + mean))) for score in scores[:, 0]]
        shares = softmax(scores, axis=1)
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

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """Whether golds or answers are constant; for labels the majority share, and of few the confusion matrix.

        For numbers the mean absolute error and the root of the mean squared one, in the golds' unit. "loss of shares"
        is what training's loss would be, did it answer all rows with the labels' shares, or with the mean.
        """
        from sklearn.metrics import confusion_matrix, mean_absolute_error, root_mean_squared_error

        values = [answer.value for answer in answers]
        same = constant_details(golds, values)
        if not (isinstance(self.labels, Number) and self.labels.scaled):  # whose training starts at the mean
            same["loss of shares"] = loss_of_shares(golds)
        if isinstance(self.labels, Number):
            errors = {"MAE": mean_absolute_error(golds, values), "RMSE": root_mean_squared_error(golds, values)}
            return {**same, **{name: float(error) for name, error in errors.items()}}
        names, common = self.label_names, Counter(golds).most_common(1)[0][1]
        details = {"majority": common / len(golds), **same}
        if len(names) <= MATRIX:
            details["confusion"] = confusion_matrix(golds, values, labels=list(names)).tolist()
        return details

    def label_pairs(self, golds: Sequence[Any], answers: Sequence[Answer]) -> tuple[list[Any], list[Any]] | None:
        """A pair a row; None of numbers."""
        return None if isinstance(self.labels, Number) else (list(golds), [answer.value for answer in answers])

    @property
    def simple(self) -> Simple:
        """A label, or a number within its bounds."""
        if isinstance(self.labels, Number):
            return Simple(gives="number", number=Number(low=self.labels.low, high=self.labels.high))
        return Simple(gives="label")

    def compact(self, answer: Answer) -> Answer:
        """The answer without scores."""
        return Answer(value=answer.value, scores=NO_SCORES)

    def error(self, gold: Any, answer: Answer) -> float:
        """The probability of a wrong label, or how far off a number is."""
        return abs(answer.value - gold) if isinstance(self.labels, Number) else label_error(gold, answer)

    def shown(self, row: Row, gold: Any, answer: Answer) -> Shown:
        """The texts, the gold and the answer, and how sure or how far off it is."""
        show = show_number if isinstance(self.labels, Number) else show_label
        return show(row, self.roles[:-1], gold, answer)

    def confusion_pairs(self, gold: Any, answer: Answer) -> list[tuple[str, str]]:
        """The label and the answer; [] for numbers."""
        return [] if isinstance(self.labels, Number) else [(gold, answer.value)]

    def number_pair(self, gold: Any, answer: Answer) -> tuple[float, float] | None:
        """The number and the answer; None for labels."""
        return (float(gold), float(answer.value)) if isinstance(self.labels, Number) else None

    def configure(self, config: Any) -> None:
        """Write label names, the problem type of a regression, and how many numbers a vector has."""
        number = isinstance(self.labels, Number)
        write_names(config, ["LABEL_0"] if number else self.label_names)
        config.problem_type = "regression" if number else "single_label_classification"
        if self.vectors:
            setattr(config, WIDTH, self.vectors.width)

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Cross entropy of (B, C) with class ids (B, 1), or squared errors of (B, 1) with numbers (B, 1), summed."""
        from torch.nn import functional

        if isinstance(self.labels, Number):
            return functional.mse_loss(logits[:, 0], targets[:, 0].float(), reduction="sum")
        return self.criterion.summed(logits, targets[:, 0])

    def count(self, features: Features) -> float:
        """The number of rows, or the sum of their labels' weights."""
        if isinstance(self.labels, Number):
            return len(features)
        assert features.targets is not None
        return self.criterion.count(features.targets.values)

    @property
    def loss_flags(self) -> frozenset[str]:
        """Those of the loss over labels and of their probabilities; a number has squared errors."""
        return frozenset() if isinstance(self.labels, Number) else OF_ONE_LABEL | {"calibrate"}

    @property
    def own_flags(self) -> frozenset[str]:
        """Those of long texts."""
        return frozenset() if self.vectors else LONG_FLAGS

    def check_window(self, window: Window) -> None:
        """Raise RequestError if the windows of a long text cannot share as many tokens, or if vectors have windows."""
        if self.vectors:
            super().check_window(window)
        else:
            check_long(window, self.pair)

    @property
    def is_resolved(self) -> bool:
        """Whether labels, or the scale of numbers, are known."""
        if isinstance(self.labels, Number):
            return not self.labels.scaled or self.labels.mean is not None
        return super().is_resolved

    def resolved(self, golds: Iterable[Any]) -> Self:
        """The head with the train rows' labels, or with the mean and standard deviation of their numbers."""
        if self.is_resolved or not isinstance(self.labels, Number):
            return super().resolved(golds)
        return replace(self, labels=self.labels.fitted(golds))

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the numbers that the model is trained on."""
        return self.labels.scale if isinstance(self.labels, Number) else super().scale

    def in_own_unit(self) -> Self:
        """The head of a model whose numbers are in the golds' unit."""
        return replace(self, labels=replace(self.labels, mean=0, sd=1)) if isinstance(self.labels, Number) else self

    def matched(self, names: Sequence[str], model: str) -> Self:
        """The labels in the checkpoint's order; a number needs a single output. Raises EncoderError."""
        if isinstance(self.labels, Number):
            if len(names) != 1:
                raise EncoderError(f"{model} has {len(names)} labels; the task asks for a number")
            return self
        return replace(
            self, labels=tuple(names) if self.labels == FROM_TRAIN else match_names(self.labels, names, model)
        )

    def _golds(self, rows: Mapping[str, Sequence[Any]]) -> list[float]:
        if isinstance(self.labels, Number):
            mean, sd = self.scale
            return [(float(gold) - mean) / sd for gold in rows["label"]]
        order = {name: i for i, name in enumerate(self.labels)}
        return [order[gold] for gold in rows["label"]]

    @property
    def _dtype(self) -> str:
        return "float32" if isinstance(self.labels, Number) else "int32"
