"""Multiple choice: a text, maybe with a question, and 2 to 10 choices -> the place of one of them.

R rows, F = R features, B features of a batch, C choices of a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bertkit.errors import DataError
from bertkit.heads import checks
from bertkit.heads.base import Answer, Head, Row
from bertkit.heads.choice_rows import listed_choices, place_of
from bertkit.heads.choice_windows import check_rows, choice_features, seconds_of
from bertkit.heads.degenerate import constant_details
from bertkit.heads.long import LONG_FLAGS, check_long
from bertkit.heads.shown import Shown
from bertkit.heads.shown_choice import show_choice
from bertkit.heads.shown_labels import label_error
from bertkit.heads.simple import Simple
from bertkit.heads.texts import NO_LABEL, has_golds
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged


@dataclass(frozen=True, kw_only=True)
class MultipleChoice(Head):
    """One of a row's choices, as many as it has: a score for each beside the text, and a softmax over the row's.

    Devlin et al. 2019, section 4.4 (SWAG): a vector's product with the first token's of each choice. Of a text that
    does not fit, every choice is read beside the same windows, and its scores are averaged.

    question  whether rows have a question; then their text may be empty
    by_text   whether the data spells a gold as the choice's text, and not by its place
    """

    question: bool = False
    by_text: bool = False
    parts_by = "gold choice"
    kind: Literal["multiple-choice"] = "multiple-choice"

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForMultipleChoice"

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of a choice's one logit."""
        return ("score",)

    @property
    def label_names(self) -> tuple[str, ...]:
        """(): a config has no names for choices."""
        return ()

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("text", "question", "choices", "label") if self.question else ("text", "choices", "label")

    @property
    def alike_by(self) -> tuple[str, ...]:
        """A text's questions stay on one side."""
        return ("text", "question") if self.question else ("text",)

    def strata(self, gold: Any) -> Sequence[str]:
        """The gold's place."""
        return (gold,)

    def schema(self) -> dict[str, Any]:
        """Texts as strings, choices as a list of them; the gold's place as a string, "0" the first."""
        import pyarrow as pa

        texts = {"text": pa.string(), "question": pa.string()}
        return {**texts, "choices": pa.list_(pa.string()), "label": pa.string()}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """The texts, the choices, none of them empty, and the gold's place. Raises DataError.

        spellings  of a gold -> the place it stands for: {"A": "0", "B": "1"}
        """
        question = checks.text(where, "question", values["question"]) if self.question else None
        text = values["text"]
        if self.question and (text is None or (isinstance(text, str) and not text.strip())):
            text = ""
        else:
            text = checks.text(where, "text", text)
        choices = listed_choices(where, values["choices"])
        row: dict[str, Any] = {"text": text, "question": question, "choices": choices, "label": None}
        if "label" in values:
            raw = values["label"]
            given = "" if raw is None else str(raw).strip()
            is_text = self.by_text and given in (choice.strip() for choice in choices)
            if given in ("", "-1", "-1.0") and not is_text:
                raise DataError(f"{where}: {NO_LABEL}")
            row["label"] = place_of(where, raw, choices, spellings, self.by_text)
        return row

    def gold(self, row: Row) -> str:
        """The place of the right choice, "0" the first."""
        return str(row["label"])

    def read_together(self, rows: Mapping[str, Sequence[Any]]) -> list[Sequence[Any]]:
        """The texts, if any has one, and each row's longest choice with its question."""
        seconds = [max(seconds_of(rows, place, " "), key=len) for place in range(len(rows["choices"]))]
        return [rows["text"], seconds] if any(rows["text"]) else [seconds]

    def check_fit(self, blocks: Iterable[Mapping[str, Sequence[Any]]], tokenizer: Any, window: Window) -> None:
        """Raise DataError for a question and a choice that leave no room for the text: neither is ever cut."""
        for rows in blocks:
            check_rows(rows, tokenizer, window)

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """One feature a row, of a sequence for each choice and window. A target is the gold's place."""
        from bertkit.heads.features import Ragged

        targets = Ragged.of([[int(gold)] for gold in rows["label"]], "int32") if has_golds(rows) else None
        return choice_features(rows, tokenizer, window, targets)

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with a run of C vectors of one number a feature; the first of equal ones."""
        import numpy as np
        from scipy.special import softmax

        found = []
        for place in range(len(logits)):
            shares = softmax(np.asarray(logits[place], np.float64)[:, 0])
            scores = {str(k): float(share) for k, share in enumerate(shares)}
            found.append(Answer(value=str(int(shares.argmax())), scores=scores))
        return found

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """Whether golds or answers are constant, the commonest place's share, and the choices of a row, on average.

        "loss of shares" is the training loss of a model that takes all choices of a row for equally probable.
        """
        import numpy as np

        counts = np.array([len(answer.scores) for answer in answers], np.float64)
        return {
            "majority": Counter(golds).most_common(1)[0][1] / len(golds),
            **constant_details(golds, [answer.value for answer in answers]),
            "choices a row": float(counts.mean()),
            "loss of shares": float(np.log(np.maximum(counts, 1)).mean()),
        }

    def answer_columns(self, top: int | None) -> dict[str, Any]:
        """The answer's place, its probability, and those of all choices."""
        import pyarrow as pa

        return {"answer": pa.string(), "p": pa.float64(), "scores": pa.list_(pa.float64())}

    def answer_cells(self, answer: Answer, top: int | None) -> list[Any]:
        """The values of `answer_columns`."""
        return [answer.value, answer.scores[answer.value], list(answer.scores.values())]

    def answer_json(self, answer: Answer | None, top: int | None) -> dict[str, Any]:
        """The answer's place, and the probability of every choice."""
        answer = answer or Answer(value=None)
        return {"answer": answer.value, "scores": dict(answer.scores)}

    @property
    def simple(self) -> Simple:
        """One of a row's choices."""
        return Simple(gives="choice")

    def error(self, gold: Any, answer: Answer) -> float:
        """The probability of a wrong choice."""
        return label_error(gold, answer)

    def shown(self, row: Row, gold: Any, answer: Answer) -> Shown:
        """The texts, and the choices with the answer and the gold marked."""
        return show_choice(row, self.roles[:-2], gold, answer)

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Cross entropy over each row's own choices, of (B, C) with their places (B, 1), summed.

        A row with fewer choices than C ends with the least fp32 there is, which a softmax gives a probability of 0.
        """
        from torch.nn import functional

        return functional.cross_entropy(logits, targets[:, 0], reduction="sum")

    @property
    def own_flags(self) -> frozenset[str]:
        """Those of long texts."""
        return LONG_FLAGS

    def check_window(self, window: Window) -> None:
        """Raise RequestError if the windows of a long text cannot share as many tokens."""
        check_long(window, pair=True)
