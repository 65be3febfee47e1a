"""A document and a question -> a stretch of the document, or no answer.

R rows, F >= R windows, T tokens of a window, L = max_answer_length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bertkit.heads.base import Answer, Row, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bertkit.features import Features, Ragged

N_BEST = 20
MAX_QUERY = 64
"""Tokens of a question at most, and stretches kept: as in google-research/bert's run_squad.py."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """The stretch from a start to an end token.

    Devlin et al. 2019, sections 4.2 and 4.3: the best sum of a start and an end logit with start <= end
    inside the document; a token answers only in the window that shows the most around it. With
    `no_answer` the first token stands for "no answer", taken where its score beats the best span's by
    more than the threshold.
    """

    no_answer: bool = False
    kind: Literal["span"] = "span"

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForQuestionAnswering"

    @property
    def labels(self) -> tuple[str, ...]:
        """What the two logits of a token are for."""
        return ("start", "end")

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("question", "context", "answers")

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """Windows of `max_length` tokens that share `doc_stride`, each with its question before it.

        `places["chars"]` has each token's (start, end) in the document, -1 outside it; `places["best"]`
        whether no other window shows more around that token. Targets are the first and last token of the
        first gold answer, or (0, 0) where the window does not hold it whole.
        """
        import numpy as np

        from bertkit.features import Features, Ragged, token_inputs

        encoding = tokenizer(
            _cut_questions(rows["question"], tokenizer),
            list(rows["context"]),
            truncation="only_second",
            max_length=window.max_length,
            stride=window.doc_stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_attention_mask=False,
        )
        row = np.asarray(encoding["overflow_to_sample_mapping"], np.int64)
        chars = [
            _document_chars(offsets, encoding.sequence_ids(i), rows["context"][row[i]])
            for i, offsets in enumerate(encoding["offset_mapping"])
        ]
        golds = rows.get("answers")
        has_golds = bool(golds) and all(gold is not None for gold in golds or ())
        targets = [_target(chars[i], golds[r]) for i, r in enumerate(row)] if golds and has_golds else None
        return Features(
            row=row,
            inputs=token_inputs(encoding),
            targets=Ragged.of(targets, "int32") if targets is not None else None,
            cut=np.zeros(len(row), bool),
            places={
                "chars": Ragged.of(chars, "int32", width=2),
                "best": Ragged.of(_most_context(row, chars, window.doc_stride), "bool"),
            },
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row from all its windows, from logits with a start and an end logit a token."""
        import numpy as np

        bounds = np.searchsorted(features.row, np.arange(len(rows["context"]) + 1))
        return [
            self._answer(context, range(bounds[r], bounds[r + 1]), features, logits, window)
            for r, context in enumerate(rows["context"])
        ]

    def gold(self, row: Row) -> list[str]:
        """Every text that counts as right; none where the question has no answer."""
        return [answer["text"] for answer in row["answers"]]

    def _answer(self, context: str, windows: range, features: Features, logits: Ragged, window: Window) -> Answer:
        import numpy as np

        spans: dict[tuple[int, int], float] = {}
        null = float("inf")
        for i in windows:
            scores = np.asarray(logits[i], np.float64)
            null = min(null, float(scores[0].sum()))
            chars = features.places["chars"][i]
            for score, start, end in _best_spans(scores, chars, features.places["best"][i], window.max_answer_length):
                place = (int(chars[start, 0]), int(chars[end, 1]))
                spans[place] = max(score, spans.get(place, -np.inf))
        best = sorted(spans.items(), key=lambda item: (-item[1], item[0]))[:N_BEST]
        n_best = _shares(context, best)
        if not best:
            return Answer(value="", scores={"n_best": [], "no_answer": 0.0})
        margin = null - best[0][1]
        silent = self.no_answer and margin > window.null_threshold
        return Answer(value="" if silent else n_best[0]["text"], scores={"n_best": n_best, "no_answer": margin})


def _shares(context: str, best: list[tuple[tuple[int, int], float]]) -> list[dict[str, Any]]:
    import numpy as np

    if not best:
        return []
    weights = np.exp(np.array([score for _, score in best]) - best[0][1])
    return [
        {"text": context[start:end], "start": start, "score": float(share)}
        for ((start, end), _), share in zip(best, weights / weights.sum(), strict=True)
    ]


def _cut_questions(questions: Sequence[str], tokenizer: Any) -> list[str]:
    """The questions, each ending with its MAX_QUERY-th token."""
    tokens = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True)
    return [
        question[: offsets[MAX_QUERY - 1][1]] if len(offsets) > MAX_QUERY else question
        for question, offsets in zip(questions, tokens["offset_mapping"], strict=True)
    ]


def _document_chars(offsets: list[tuple[int, int]], parts: list[int | None], context: str) -> NDArray[Any]:
    """(T, 2) where each token stands in the document, -1 for the question's and special tokens.

    Some tokenizers count the space before a word as its token's: an answer does not begin with it.
    """
    import numpy as np

    places = np.full((len(offsets), 2), -1, np.int32)
    for place, (start, end), part in zip(places, offsets, parts, strict=True):
        if part == 1:
            text = context[start:end]
            place[:] = (start + len(text) - len(text.lstrip()), end) if text.strip() else (start, end)
    return places


def _target(chars: NDArray[Any], golds: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """The first and last token of the first gold answer; (0, 0) if the window does not hold it whole."""
    if not golds:
        return 0, 0
    begin = golds[0]["start"]
    end = begin + len(golds[0]["text"])
    inside = (chars[:, 0] >= 0) & (chars[:, 1] > begin) & (chars[:, 0] < end) & (chars[:, 1] > chars[:, 0])
    tokens = inside.nonzero()[0]
    if not len(tokens) or chars[tokens[0], 0] > begin or chars[tokens[-1], 1] < end:
        return 0, 0
    return int(tokens[0]), int(tokens[-1])


def _most_context(row: NDArray[Any], chars: list[NDArray[Any]], stride: int) -> list[NDArray[Any]]:
    """For each window's tokens whether it is the one of its row that shows most around the token.

    The score is min(tokens before, tokens after) + 0.01 * length, the first of equals winning: run_squad.py.
    A window begins `stride` tokens before the end of the one before it.
    """
    import numpy as np

    flags = [np.zeros(len(places), bool) for places in chars]
    holders: dict[tuple[int, int], tuple[float, int, int]] = {}  # (row, token) -> score, window, place there
    begin = end = 0
    for i, (r, places) in enumerate(zip(row.tolist(), chars, strict=True)):
        inside = (places[:, 0] >= 0).nonzero()[0]
        begin = end - stride if i and r == row[i - 1] else 0
        end = begin + len(inside)
        counted = np.arange(len(inside))
        scores = np.minimum(counted, counted[::-1]) + 0.01 * len(inside)
        for token, (score, place) in enumerate(zip(scores.tolist(), inside.tolist(), strict=True), begin):
            if (r, token) not in holders or score > holders[r, token][0]:
                holders[r, token] = (score, i, place)
    for _, i, place in holders.values():
        flags[i][place] = True
    return flags


def _best_spans(
    scores: NDArray[Any], chars: NDArray[Any], best: NDArray[Any], longest: int
) -> list[tuple[float, int, int]]:
    """The N_BEST (score, start, end) of one window: T x L sums, start <= end, both in the document."""
    import numpy as np

    inside = chars[:, 0] >= 0
    start = np.where(inside & best, scores[:, 0], -np.inf)
    end = np.concatenate([np.where(inside, scores[:, 1], -np.inf), np.full(longest - 1, -np.inf)])
    sums = start[:, None] + np.lib.stride_tricks.sliding_window_view(end, longest)  # (T, L)
    flat = sums.ravel()
    keep = min(N_BEST, flat.size)
    top = np.argpartition(-flat, keep - 1)[:keep]
    top = top[np.isfinite(flat[top])]
    return [(float(flat[k]), int(k // longest), int(k // longest + k % longest)) for k in top]
