"""Multi-label classification: one text or two -> any number of labels, none of them included.

R rows, F = R features, B features of a batch, C labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import TYPE_CHECKING, Any, Literal, Self

from bertkit.errors import DataError, RequestError
from bertkit.heads.base import FROM_TRAIN, NO_SCORES, Answer, FromTrain, Head, Row
from bertkit.heads.labels import exact_label, match_names, write_names
from bertkit.heads.long import LONG_FLAGS, check_long
from bertkit.heads.losses import Loss
from bertkit.heads.shown import Shown
from bertkit.heads.shown_labels import set_error, set_pairs, show_set
from bertkit.heads.simple import Simple
from bertkit.heads.texts import NO_LABEL, checked_texts, has_golds, text_features
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged


@dataclass(frozen=True, kw_only=True)
class MultiLabel(Head):
    """Labels for a text (`pair=False`) or for two texts: for each label yes or no, from a logistic regression.

    threshold  the probability from which a label is given
    shares     the share of train rows that has each label, for C labels; () before they are counted

    A fresh output layer starts with the log-odds of the shares as its biases, after Lin et al. 2017 ("Focal Loss for
    Dense Object Detection", 4.1, which has one share for all). With biases of 0 the first updates make every label
    rare whatever the text is, and small encoders get no further.
    """

    labels: tuple[str, ...] | FromTrain = FROM_TRAIN
    pair: bool = False
    threshold: float = 0.5
    kind: Literal["multi-label"] = "multi-label"
    shares: tuple[float, ...] = field(default=(), repr=False)
    criterion: Loss = field(default_factory=Loss, repr=False)  # features do not depend on it

    def __post_init__(self) -> None:
        """Raise RequestError for a threshold that is no probability between 0 and 1."""
        if not 0 < self.threshold < 1:
            raise RequestError(f"--threshold {self.threshold:g}: it must be above 0 and below 1")

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForSequenceClassification"

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("text", "text_pair", "label") if self.pair else ("text", "label")

    def strata(self, gold: Any) -> Sequence[str]:
        """The labels."""
        return list(gold)

    @property
    def scores_unknown(self) -> bool:
        """A label that no train row has counts as one that the model missed."""
        return True

    def schema(self) -> dict[str, Any]:
        """Texts as strings; the gold a list of strings."""
        import pyarrow as pa

        return {"text": pa.string(), "text_pair": pa.string(), "label": pa.list_(pa.string())}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """The texts, none of them empty, and the labels by name, each once; a row may have none. Raises DataError."""
        row: dict[str, Any] = {**checked_texts(where, values, self.pair), "label": None}
        if "label" in values:
            given = values["label"]
            if given is None:
                raise DataError(f"{where}: {NO_LABEL}")
            several = given if isinstance(given, list) else [given]
            row["label"] = list(dict.fromkeys(self._label(where, one, spellings) for one in several))
        return row

    def _label(self, where: str, raw: Any, spellings: Mapping[str, str]) -> str:
        nested = raw is None or isinstance(raw, list | dict)
        label = None if nested else exact_label(raw, self.label_names, spellings)
        if label is None:
            shown = raw if isinstance(raw, str) else json.dumps(raw, default=str)
            known = ", ".join(dict.fromkeys([*spellings, *self.label_names]))
            expected = f"; expected some of {known}" if known else ""
            raise DataError(f"{where}: unknown label '{str(shown)[:60]}'{expected}")
        return label

    def gold(self, row: Row) -> list[str]:
        """The labels' names."""
        return list(row["label"])

    def oddities(self, row: Row) -> list[tuple[str, int | None]]:
        """A row without any label, which an empty cell may not have meant."""
        return [] if row["label"] else [("no label at all, which is learnt and scored as such", None)]

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """One feature per row; of a longer text what `window.long` says. A target is the class ids of a row."""
        from bertkit.heads.features import Ragged

        targets = None
        if has_golds(rows):
            order = {name: i for i, name in enumerate(self.label_names)}
            targets = Ragged.of([[order[name] for name in gold if name in order] for gold in rows["label"]], "int32")
        return text_features(rows, self.pair, tokenizer, window, targets)

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with one run of one (C,) vector a feature."""
        import numpy as np
        from scipy.special import expit

        shares = expit(np.asarray(logits.values, np.float64))
        return [
            Answer(
                value=[name for name, given in zip(self.label_names, chosen, strict=True) if given],
                scores={name: float(share) for name, share in zip(self.label_names, row, strict=True)},
            )
            for chosen, row in zip(shares >= self.threshold, shares, strict=True)
        ]

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """F1 of each label that occurs, whether all answers or golds are the same, and the share of empty answers."""
        from bertkit.heads.degenerate import constant_details
        from bertkit.heads.label_sets import counts_of

        values = [answer.value for answer in answers]
        names, counts = counts_of(golds, values, self.label_names)
        right, given, there = counts.sum(axis=0, dtype=float)
        f1 = {name: 2 * float(right[i]) / float(given[i] + there[i]) for i, name in enumerate(names)}
        return {
            **constant_details([", ".join(sorted(gold)) for gold in golds], [", ".join(sorted(v)) for v in values]),
            "rows without a label": sum(not gold for gold in golds) / len(golds),
            "answers without a label": sum(not value for value in values) / len(values),
            "F1 by label": f1,
        }

    @property
    def simple(self) -> Simple:
        """A set of labels."""
        return Simple(gives="labels")

    def compact(self, answer: Answer) -> Answer:
        """The answer without scores."""
        return Answer(value=answer.value, scores=NO_SCORES)

    def error(self, gold: Any, answer: Answer) -> float:
        """How far the probabilities of wrong and missed labels are off, summed."""
        return set_error(gold, answer)

    def shown(self, row: Row, gold: Any, answer: Answer) -> Shown:
        """The texts, both sets of labels, and what is wrong or missed."""
        return show_set(row, self.roles[:-1], gold, answer)

    def confusion_pairs(self, gold: Any, answer: Answer) -> list[tuple[str, str]]:
        """Each label that was given or is gold."""
        return set_pairs(gold, answer)

    def configure(self, config: Any) -> None:
        """Write label names and the problem type, by which transformers' pipelines use the sigmoid."""
        write_names(config, self.label_names)
        config.problem_type = "multi_label_classification"
        config.label_threshold = self.threshold

    def with_config(self, config: Any) -> Self:
        """The head with the threshold of a trained model's config, if it has one."""
        found = getattr(config, "label_threshold", None)
        return replace(self, threshold=float(found)) if isinstance(found, int | float) and 0 < found < 1 else self

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Binary cross entropy of (B, C) with the class ids (B, W) that rows have, summed over rows and labels."""
        import torch

        from bertkit.heads.features import IGNORED

        hot = torch.zeros_like(logits)
        rows, places = (targets != IGNORED).nonzero(as_tuple=True)
        hot[rows, targets[rows, places]] = 1.0
        return self.criterion.summed_apart(logits, hot)

    def count(self, features: Features) -> int:
        """Rows times labels."""
        return len(features) * len(self.label_names)

    @property
    def own_flags(self) -> frozenset[str]:
        """Those of long texts."""
        return LONG_FLAGS

    def check_window(self, window: Window) -> None:
        """Raise RequestError if the windows of a long text cannot share as many tokens."""
        check_long(window, self.pair)

    @property
    def loss_flags(self) -> frozenset[str]:
        """Each label has a loss of its own, so that weights and smoothing are not for it."""
        return frozenset({"loss", "threshold"})

    def tuned(self, golds: Sequence[Any], answers: Sequence[Answer]) -> Self:
        """The head with the threshold that gives these rows the highest micro-F1."""
        import numpy as np

        from bertkit.heads.label_sets import best_threshold

        there = np.array([[name in gold for name in self.label_names] for gold in golds], bool)
        shares = np.array([[answer.scores[name] for name in self.label_names] for answer in answers], np.float64)
        return replace(self, threshold=best_threshold(there, shares))

    def resolved(self, golds: Iterable[Any]) -> Self:
        """The head with the train rows' labels, sorted. Raises DataError if no row has one."""
        found = super().resolved(golds)
        if not found.label_names:
            raise DataError("no train row has a label")
        return found

    @property
    def starts_from_counts(self) -> bool:
        """For the shares."""
        return True

    def with_counts(self, counts: Mapping[str, int], rows: int) -> Self:
        """The head with the labels' shares: none is 0 or 1, as if half a row more had the label, and half had not."""
        return replace(self, shares=tuple((counts.get(name, 0) + 0.5) / (rows + 1) for name in self.label_names))

    @property
    def first_bias(self) -> tuple[float, ...]:
        """The log-odds of the shares."""
        return tuple(log(share / (1 - share)) for share in self.shares)

    def matched(self, names: Sequence[str], model: str) -> Self:
        """The labels in the checkpoint's order. Raises EncoderError."""
        labels = tuple(names) if self.labels == FROM_TRAIN else match_names(self.label_names, names, model)
        return replace(self, labels=labels, shares=())
