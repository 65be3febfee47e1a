"""Answer selection: a text, a question and answers to choose from -> which of them are right, or the best one.

R rows, N answers to choose from in a row, F features, one for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from bertkit.errors import DataError
from bertkit.heads import checks
from bertkit.heads.base import NO_SCORES, Answer, Head, Row
from bertkit.heads.degenerate import constant_details
from bertkit.heads.labels import read_label, write_names
from bertkit.heads.long import features_of
from bertkit.heads.simple import Simple
from bertkit.heads.texts import NO_LABEL

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged
    from bertkit.heads.window import Window

NAMES = ("false", "true")
"""What an answer to choose from is called that is wrong, and one that is right."""


@dataclass(frozen=True, kw_only=True)
class AnswerSelection(Head):
    """Which of a row's answers are right, each judged by itself: any number of them, or with `one` the likeliest.

    Wang et al. 2019 (SuperGLUE), section 5.1: the text is joined with each answer, and a logistic regression over the
    first token's vector says whether it is right. `placeholder` is what an answer replaces in the question; an answer
    follows a question without one.

    The gold is the places of the right answers, from "0" on; with `one` the texts that count as right.
    """

    one: bool = False
    placeholder: str = ""
    kind: Literal["answer-selection"] = "answer-selection"

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForSequenceClassification"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of a feature's two logits."""
        return NAMES

    @property
    def label_names(self) -> tuple[str, ...]:
        """(): answers are no labels."""
        return ()

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("text", "question", "candidates", "answers")

    @property
    def alike_by(self) -> tuple[str, ...]:
        """A text's questions stay on one side."""
        return ("text",)

    @property
    def is_windowed(self) -> bool:
        """A row gives a feature for each of its answers."""
        return True

    def schema(self) -> dict[str, Any]:
        """Text and question as strings; the answers to choose from and the gold as lists of strings."""
        import pyarrow as pa

        several = pa.list_(pa.string())
        return {"text": pa.string(), "question": pa.string(), "candidates": several, "answers": several}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """The texts, none of them empty, and the gold; an empty answer is taken as "-". Raises DataError."""
        row: dict[str, Any] = {role: checks.text(where, role, values[role]) for role in ("text", "question")}
        given = checks.listed(where, "answers to choose from", values["candidates"])
        if not given:
            raise DataError(f"{where}: there are no answers to choose from")
        row["candidates"] = [checks.text(where, "answer", "-" if one == "" else one) for one in given]
        row["answers"] = None
        if self.placeholder and self.placeholder not in row["question"]:
            raise DataError(f"{where}: the question has no {self.placeholder}")
        if "answers" in values:
            if values["answers"] is None:
                raise DataError(f"{where}: {NO_LABEL}")
            golds = checks.listed(where, "right answers", values["answers"])
            row["answers"] = self._texts(where, golds) if self.one else _right(where, golds, len(given), spellings)
            if self.one and not set(row["answers"]) & set(row["candidates"]):
                gold, first = row["answers"][0][:60], row["candidates"][0][:60]
                raise DataError(
                    f"{where}: the right answer '{gold}' is none of the {len(given)} to choose from, such as '{first}'"
                )
        return row

    def _texts(self, where: str, golds: list[Any]) -> list[str]:
        if not golds:
            raise DataError(f"{where}: {NO_LABEL}")
        return [checks.text(where, "right answer", gold) for gold in golds]

    def gold(self, row: Row) -> list[str]:
        """The places of the right answers; with `one` the texts that count as right."""
        return list(row["answers"])

    def read_together(self, rows: Mapping[str, Sequence[Any]]) -> list[Sequence[Any]]:
        """The texts, and each row's question with its longest answer."""
        longest = [max(given, key=len) for given in rows["candidates"]]
        return [rows["text"], [self._filled(*pair) for pair in zip(rows["question"], longest, strict=True)]]

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """A feature for each answer: the text, and the question with it. Of two long ones the longer is cut."""
        import numpy as np

        from bertkit.heads.features import Ragged

        counts = [len(given) for given in rows["candidates"]]
        row = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        asked = [
            self._filled(question, answer)
            for question, given in zip(rows["question"], rows["candidates"], strict=True)
            for answer in given
        ]
        golds = rows.get("answers")
        has_golds = bool(golds) and all(gold is not None for gold in golds or ())
        targets = self._targets(rows) if has_golds else None
        found = features_of([[rows["text"][k] for k in row.tolist()], asked], tokenizer, window)
        return replace(found, row=row, targets=None if targets is None else Ragged.of(targets, "int32"))

    def _filled(self, question: str, answer: str) -> str:
        return question.replace(self.placeholder, answer) if self.placeholder else f"{question} {answer}"

    def _targets(self, rows: Mapping[str, Sequence[Any]]) -> list[list[int]]:
        return [
            [int((answer if self.one else str(place)) in right)]
            for given, right in zip(rows["candidates"], map(set, rows["answers"]), strict=True)
            for place, answer in enumerate(given)
        ]

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with one run of (2,) a feature; its scores are the probabilities of "true"."""
        import numpy as np
        from scipy.special import softmax

        shares = softmax(np.asarray(logits.values, np.float64), axis=1)[:, 1]
        bounds = np.searchsorted(features.row, np.arange(len(rows["candidates"]) + 1)).tolist()
        return [
            self._answer(given, shares[first:end].tolist())
            for given, (first, end) in zip(rows["candidates"], pairwise(bounds), strict=True)
        ]

    def _answer(self, given: Sequence[str], shares: Sequence[float]) -> Answer:
        scores = {str(place): share for place, share in enumerate(shares)}
        if self.one:
            return Answer(value=given[max(range(len(given)), key=shares.__getitem__)], scores=scores)
        return Answer(value=[place for place, share in scores.items() if share >= 0.5], scores=scores)

    @property
    def simple(self) -> Simple:
        """Of a row's candidates the text of one, or the places of some."""
        return Simple(gives="candidate" if self.one else "places")

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """Whether golds or answers are all the same."""
        values = [answer.value for answer in answers]
        if self.one:
            return constant_details([gold[0] for gold in golds], values)
        return constant_details([", ".join(gold) for gold in golds], [", ".join(value) for value in values])

    def answer_columns(self, top: int | None) -> dict[str, Any]:
        """The answer, and the probability of each answer to choose from, in their order."""
        import pyarrow as pa

        return {"answer": pa.string() if self.one else pa.list_(pa.string()), "p": pa.list_(pa.float64())}

    def answer_cells(self, answer: Answer, top: int | None) -> list[Any]:
        """The values of `answer_columns`."""
        return [answer.value, list(answer.scores.values())]

    def compact(self, answer: Answer) -> Answer:
        """The answer without scores."""
        return Answer(value=answer.value, scores=NO_SCORES)

    def configure(self, config: Any) -> None:
        """Write the names of right and wrong."""
        write_names(config, NAMES)
        config.problem_type = "single_label_classification"

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Cross entropy of (B, 2) with 1 for a right answer and 0 for a wrong one, (B, 1), summed."""
        from torch.nn import functional

        return functional.cross_entropy(logits, targets[:, 0].long(), reduction="sum")


def _right(where: str, golds: list[Any], count: int, spellings: Mapping[str, str]) -> list[str]:
    """The places of the right answers of so many, from a label for each."""
    if len(golds) != count:
        raise DataError(f"{where}: {len(golds)} labels for {count} answers to choose from")
    known = {"0": "false", "1": "true", **spellings}
    labels = [read_label(gold, NAMES, known) for gold in golds]
    if None in labels:
        raise DataError(f"{where}: unknown label '{golds[labels.index(None)]}'; expected one of 0, 1, false, true")
    return [str(place) for place, label in enumerate(labels) if label == "true"]
