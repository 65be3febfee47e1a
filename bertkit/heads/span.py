"""Extractive QA: a document and a question -> a span of the document, or no answer.

R rows, F >= R windows, T tokens of a window, L = max_answer_length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from bertkit.errors import DataError, RequestError
from bertkit.heads import checks
from bertkit.heads.base import NO_SCORES, ODD_GOLDS, Answer, Head, Row
from bertkit.heads.gold_answers import check_impossible, placed, read_answers
from bertkit.heads.shown import Shown
from bertkit.heads.shown_span import answered_pairs, show_span, span_error
from bertkit.heads.simple import Simple
from bertkit.heads.span_answers import Document, shares, span_cells, span_columns, span_json
from bertkit.heads.span_golds import gold_targets
from bertkit.heads.span_offsets import document_chars, first_solid
from bertkit.heads.span_search import N_BEST, Candidates, candidates, most_context
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged

MAX_QUERY = 64
"""Tokens of a question at most, as in google-research/bert's run_squad.py."""

CUT_QUESTIONS = f"questions are cut at {MAX_QUERY} tokens"


@dataclass(frozen=True, kw_only=True)
class Span(Head):
    """An answer span, from a start to an end token.

    Devlin et al. 2019, sections 4.2 and 4.3: the best sum of a start and an end logit with start <= end
    inside the document; a token answers only in the window that shows the most around it. With
    `no_answer` the first token stands for "no answer", predicted where its score exceeds the best span's by
    more than the threshold.
    """

    no_answer: bool = False
    parts_by = "answer"
    kind: Literal["span"] = "span"

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForQuestionAnswering"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of a token's two logits."""
        return ("start", "end")

    @property
    def label_names(self) -> tuple[str, ...]:
        """(): a config has no label names for spans."""
        return ()

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("question", "context", "answers")

    @property
    def alike_by(self) -> tuple[str, ...]:
        """A document's questions stay on one side."""
        return ("context",)

    @property
    def per_token(self) -> bool:
        """A start and an end logit for every token."""
        return True

    @property
    def is_windowed(self) -> bool:
        """A long document gives several windows."""
        return True

    @property
    def own_flags(self) -> frozenset[str]:
        """All of Window's; the threshold only where a question may have no answer."""
        return frozenset({"doc_stride", "max_answer_length", *(["null_threshold"] if self.no_answer else [])})

    def check_window(self, window: Window) -> None:
        """Raise RequestError if an answer or a stride does not fit the windows of a document."""
        super().check_window(window)
        if window.max_answer_length > window.max_length:
            raise RequestError(
                f"--max-answer-length {window.max_answer_length}: a window has {window.max_length} tokens at most"
            )
        room = window.max_length - MAX_QUERY - 4
        if window.doc_stride >= room:
            raise RequestError(
                f"--doc-stride {window.doc_stride} does not fit --max-length {window.max_length}: with a question of "
                f"{MAX_QUERY} tokens a window shows {max(room, 0)} of the document, and must share fewer with the next"
            )

    def check_flag(self, name: str, task: str) -> None:
        """Raise RequestError for a threshold on "no answer" where every question has an answer."""
        if name == "null_threshold" and not self.no_answer:
            raise RequestError(f"--null-threshold does not apply to {task}: every question there has an answer")
        super().check_flag(name, task)

    @property
    def optional(self) -> tuple[str, ...]:
        """Whether a question is said to have no answer, in SQuAD 2.0's layout and in data converted from it."""
        return ("is_impossible",)

    def schema(self) -> dict[str, Any]:
        """Question and document as strings; answers as a list of texts with the character they start at."""
        import pyarrow as pa

        answers = pa.list_(pa.struct({"text": pa.string(), "start": pa.int64()}))
        return {"question": pa.string(), "context": pa.string(), "answers": answers}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """Question, document and answers, one answer at least at its offset. Raises DataError."""
        name = f"{where} ('{values['id']}')" if values.get("id") is not None else where
        context = checks.text(name, "context", values["context"])
        row: dict[str, Any] = {"question": checks.text(name, "question", values["question"]), "context": context}
        row["answers"] = None
        golds = None if values.get("answers") is None else read_answers(name, values["answers"])
        if "answers" in values and "is_impossible" in values:
            golds = check_impossible(name, values["is_impossible"], golds)
        if golds is None:
            return row
        if not golds and not self.no_answer:
            raise DataError(f"{name}: no answer; questions without one are for squad_v2")
        row["answers"] = placed(name, context, golds)
        if misplaced := sum(gold["start"] is None for gold in row["answers"]):
            row[ODD_GOLDS] = {"not at its offset: scored, not trained on": misplaced}
        return row

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """Windows of `max_length` tokens that share `doc_stride`, each with its question before it.

        `places["chars"]` has each token's (start, end) in the document, -1 outside it; `places["best"]`
        whether no other window shows more around that token. Targets are the first and last token of the
        gold answer, or (0, 0) where the window does not hold it whole: every character of it that has a token.
        """
        import numpy as np

        from bertkit.heads.features import Features, Ragged, token_inputs

        questions, cut = _cut_questions(rows["question"], tokenizer)
        encoding = tokenizer(
            questions,
            list(rows["context"]),
            truncation="only_second",
            max_length=window.max_length,
            stride=window.doc_stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_attention_mask=False,
        )
        row = np.asarray(encoding["overflow_to_sample_mapping"], np.int64)
        solid = [first_solid(context) for context in rows["context"]]
        chars = [
            document_chars(offsets, encoding.sequence_ids(i), solid[row[i]])
            for i, offsets in enumerate(encoding["offset_mapping"])
        ]
        golds = rows.get("answers")
        has_golds = bool(golds) and all(gold is not None for gold in golds or ())
        targets, counts = gold_targets(row, chars, golds if golds and has_golds else [], window.max_answer_length)
        first = np.diff(row, prepend=-1) > 0
        return Features(
            row=row,
            inputs=token_inputs(encoding),
            targets=Ragged.of(targets, "int32") if has_golds else None,
            cut=np.zeros(len(row), bool),
            places={
                "chars": Ragged.of(chars, "int32", width=2),
                "best": Ragged.of(most_context(row, chars, window.doc_stride), "bool"),
            },
            counts={CUT_QUESTIONS: (first & cut[row]).astype(np.int32), **counts},
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row from all its windows, from logits with a start and an end logit a token."""
        import numpy as np

        found = candidates(features, logits, window.max_answer_length)
        bounds = np.searchsorted(features.row, np.arange(len(rows["context"]) + 1)).tolist()
        return [
            self._answer(
                Document(context, [features.places["chars"][i] for i in range(first, end)]),
                found[first:end],
                window.null_threshold,
            )
            for context, (first, end) in zip(rows["context"], pairwise(bounds), strict=True)
        ]

    def gold(self, row: Row) -> list[str]:
        """All correct answers; none if the question has no answer."""
        return [answer["text"] for answer in row["answers"]]

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """SQuAD 2.0's: EM and F1 over questions with and without an answer, and with the best threshold.

        `constant` says whether all answers are the same, but not all golds.
        """
        from bertkit.heads.squad import no_answer_details

        return no_answer_details(golds, answers) if self.no_answer else {}

    def parts_of(self, gold: Any) -> Sequence[str]:
        """Whether the question has an answer, where it may have none."""
        return ("has an answer" if gold else "has none",) if self.no_answer else ()

    def answer_columns(self, top: int | None) -> dict[str, Any]:
        """The answer, its characters `start` to `end` in the document and its probability; and the best spans."""
        return span_columns()

    def answer_cells(self, answer: Answer, top: int | None) -> list[Any]:
        """The values of `answer_columns`; `start` to `p` are None where there is no answer."""
        return span_cells(answer, top)

    def answer_json(self, answer: Answer | None, top: int | None) -> dict[str, Any]:
        """The answer with its place in the document, and its scores with the best spans."""
        return span_json(answer, top)

    @property
    def simple(self) -> Simple:
        """A text of the document; "" where a question may have no answer."""
        return Simple(gives="span", no_answer=self.no_answer)

    def compact(self, answer: Answer) -> Answer:
        """The answer with its best span alone."""
        if not self.no_answer:
            return Answer(value=answer.value, scores=NO_SCORES)
        return Answer(value=answer.value, scores={**answer.scores, "n_best": answer.scores["n_best"][:1]})

    def error(self, gold: Any, answer: Answer) -> float:
        """What F1 lacks of 1, times how sure the answer is."""
        return span_error(gold, answer)

    def shown(self, row: Row, gold: Any, answer: Answer) -> Shown:
        """The question, and the document with the answer and the golds marked."""
        return show_span(row, gold, answer)

    def confusion_pairs(self, gold: Any, answer: Answer) -> list[tuple[str, str]]:
        """Whether there is an answer, where some questions have none."""
        return answered_pairs(gold, answer) if self.no_answer else []

    def logits_of(self, output: Any) -> Tensor:
        """(B, T, 2): a start and an end logit for every token."""
        import torch

        return torch.stack([output.start_logits, output.end_logits], dim=-1)

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """The mean of two cross entropies over the tokens of (B, T, 2), of start and end (B, 2), summed.

        Padding is masked.
        """
        import torch
        from torch.nn import functional

        inside = logits.masked_fill(~mask[:, :, None], torch.finfo(torch.float32).min)
        start = functional.cross_entropy(inside[:, :, 0], targets[:, 0], reduction="sum")
        end = functional.cross_entropy(inside[:, :, 1], targets[:, 1], reduction="sum")
        return (start + end) / 2

    def _answer(self, document: Document, windows: Sequence[Candidates], threshold: float) -> Answer:
        spans: dict[tuple[int, int], float] = {}
        for window in windows:
            for place, score in window.spans:
                spans[place] = max(score, spans.get(place, -float("inf")))
        best = sorted(spans.items(), key=lambda item: (-item[1], item[0]))[:N_BEST]
        n_best = shares(document, best)
        if not best:
            return Answer(value="", scores={"n_best": [], "no_answer": 0.0})
        margin = min(window.null for window in windows) - best[0][1]
        silent = self.no_answer and margin > threshold
        return Answer(value="" if silent else n_best[0]["text"], scores={"n_best": n_best, "no_answer": margin})


def _cut_questions(questions: Sequence[str], tokenizer: Any) -> tuple[list[str], NDArray[Any]]:
    """The questions, each ending with its MAX_QUERY-th token, and (R,) whether it was truncated."""
    import numpy as np

    tokens = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    cut = np.array([len(offsets) > MAX_QUERY for offsets in tokens["offset_mapping"]], bool)
    return [
        question[: offsets[MAX_QUERY - 1][1]] if long else question
        for question, offsets, long in zip(questions, tokens["offset_mapping"], cut, strict=True)
    ], cut
