"""A document and a question -> a stretch of the document, or no answer.

R rows, F >= R windows, T tokens of a window, L = max_answer_length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bertkit.heads.base import Answer, Row, Window
from bertkit.heads.span_golds import end_with_marks, gold_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bertkit.heads.features import Features, Ragged

N_BEST = 20
MAX_QUERY = 64
"""Tokens of a question at most, and stretches kept: as in google-research/bert's run_squad.py."""

CUT_QUESTIONS = f"questions are cut to their first {MAX_QUERY} tokens"

AT_ONCE = 128
"""Windows whose stretches are looked for together."""


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
        solid = [_solid(context) for context in rows["context"]]
        chars = [
            _document_chars(offsets, encoding.sequence_ids(i), solid[row[i]])
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
                "best": Ragged.of(_most_context(row, chars, window.doc_stride), "bool"),
            },
            counts={CUT_QUESTIONS: (first & cut[row]).astype(np.int32), **counts},
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row from all its windows, from logits with a start and an end logit a token."""
        import numpy as np

        found = _candidates(features, logits, window.max_answer_length)
        bounds = np.searchsorted(features.row, np.arange(len(rows["context"]) + 1)).tolist()
        return [
            self._answer(
                _Document(context, [features.places["chars"][i] for i in range(first, end)]),
                found[first:end],
                window.null_threshold,
            )
            for context, (first, end) in zip(rows["context"], pairwise(bounds), strict=True)
        ]

    def gold(self, row: Row) -> list[str]:
        """Every text that counts as right; none where the question has no answer."""
        return [answer["text"] for answer in row["answers"]]

    def _answer(self, document: _Document, windows: Sequence[_Candidates], threshold: float) -> Answer:
        spans: dict[tuple[int, int], float] = {}
        for window in windows:
            for place, score in window.spans:
                spans[place] = max(score, spans.get(place, -float("inf")))
        best = sorted(spans.items(), key=lambda item: (-item[1], item[0]))[:N_BEST]
        n_best = _shares(document, best)
        if not best:
            return Answer(value="", scores={"n_best": [], "no_answer": 0.0})
        margin = min(window.null for window in windows) - best[0][1]
        silent = self.no_answer and margin > threshold
        return Answer(value="" if silent else n_best[0]["text"], scores={"n_best": n_best, "no_answer": margin})


class _Document(NamedTuple):
    """A row's document, and where the tokens of each of its windows stand in it."""

    text: str
    chars: list[NDArray[Any]]

    def between(self, start: int, end: int) -> str:
        """The text of the tokens from `start` to `end`, with the marks that follow the last."""
        return self.text[start : end_with_marks(self.text, end, self.chars)]


class _Candidates(NamedTuple):
    """A window's score for "no answer", and its best stretches: (first, last + 1 character) and score."""

    null: float
    spans: list[tuple[tuple[int, int], float]]


def _shares(document: _Document, best: list[tuple[tuple[int, int], float]]) -> list[dict[str, Any]]:
    import numpy as np

    if not best:
        return []
    weights = np.exp(np.array([score for _, score in best]) - best[0][1])
    return [
        {"text": document.between(start, end), "start": start, "score": float(share)}
        for ((start, end), _), share in zip(best, weights / weights.sum(), strict=True)
    ]


def _cut_questions(questions: Sequence[str], tokenizer: Any) -> tuple[list[str], NDArray[Any]]:
    """The questions, each ending with its MAX_QUERY-th token, and (R,) whether something was cut off."""
    import numpy as np

    tokens = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    cut = np.array([len(offsets) > MAX_QUERY for offsets in tokens["offset_mapping"]], bool)
    return [
        question[: offsets[MAX_QUERY - 1][1]] if long else question
        for question, offsets, long in zip(questions, tokens["offset_mapping"], cut, strict=True)
    ], cut


def _document_chars(
    offsets: Sequence[tuple[int, int]], parts: Sequence[int | None], solid: NDArray[Any]
) -> NDArray[Any]:
    """(T, 2) where each token stands in the document, -1 for the question's and special tokens.

    Some tokenizers count the space before a word as its token's: an answer does not begin with it. `solid` is
    for each character of the document the first from there on that is no space.
    """
    import numpy as np

    places = np.asarray(offsets, np.int32).reshape(-1, 2)
    inside = np.fromiter((part == 1 for part in parts), bool, len(parts))
    places[~inside] = -1
    first = solid[np.where(inside, places[:, 0], 0)]
    places[:, 0] = np.where(inside & (first < places[:, 1]), first, places[:, 0])
    return places


def _solid(context: str) -> NDArray[Any]:
    """For each character, and for the end, the first from there on that is no space; the end if none is."""
    import numpy as np

    spaces = np.fromiter((char.isspace() for char in context), bool, len(context))
    places = np.append(np.where(spaces, len(context), np.arange(len(context))), len(context))
    return np.minimum.accumulate(places[::-1])[::-1]


def _most_context(row: NDArray[Any], chars: list[NDArray[Any]], stride: int) -> list[NDArray[Any]]:
    """For each window's tokens whether it is the one of its row that shows most around the token.

    The score is min(tokens before, tokens after) + 0.01 * length, the first of equals winning: run_squad.py.
    A window begins `stride` tokens before the end of the one before it.
    """
    import numpy as np

    flags = [np.zeros(len(places), bool) for places in chars]
    seen: list[tuple[int, int, NDArray[Any], NDArray[Any]]] = []
    begin = end = 0
    for i, (r, places) in enumerate(zip(row.tolist(), chars, strict=True)):
        inside = (places[:, 0] >= 0).nonzero()[0]
        if not i or r != row[i - 1]:
            begin, seen = 0, []
        else:
            begin = end - stride
        end = begin + len(inside)
        counted = np.arange(len(inside))
        scores = np.minimum(counted, counted[::-1]) + 0.01 * len(inside)
        flags[i][inside] = True
        for other, from_, others, theirs in seen:  # an earlier window keeps the token unless this one shows more
            shared = np.arange(max(begin, from_), min(end, from_ + len(others)))
            here = scores[shared - begin] > theirs[shared - from_]
            flags[other][others[shared[here] - from_]] = False
            flags[i][inside[shared[~here] - begin]] = False
        seen.append((i, begin, inside, scores))
    return flags


def _candidates(features: Features, logits: Ragged, longest: int) -> list[_Candidates]:
    """For each window its N_BEST stretches."""
    import numpy as np

    found = []
    for first in range(0, len(features), AT_ONCE):
        some = range(first, min(first + AT_ONCE, len(features)))
        width = max(len(logits[i]) for i in some)
        scores = np.full((len(some), width, 2), -np.inf)
        places = np.full((len(some), width, 2), -1, np.int64)
        best = np.zeros((len(some), width), bool)
        for k, i in enumerate(some):
            scores[k, : len(logits[i])] = logits[i]
            places[k, : len(logits[i])] = features.places["chars"][i]
            best[k, : len(logits[i])] = features.places["best"][i]
        sums, starts, ends = _best_spans(scores, places[:, :, 0] >= 0, best, longest)
        begins = np.take_along_axis(places[:, :, 0], starts, 1).tolist()
        stops = np.take_along_axis(places[:, :, 1], ends, 1).tolist()
        for null, *columns in zip(scores[:, 0].sum(1).tolist(), sums.tolist(), begins, stops, strict=True):
            spans = [((begin, stop), value) for value, begin, stop in zip(*columns, strict=True) if value > -np.inf]
            found.append(_Candidates(null, spans))
    return found


def _best_spans(
    scores: NDArray[Any], inside: NDArray[Any], best: NDArray[Any], longest: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The N_BEST sums of a start and an end logit in each of W windows, with their starts and ends: three (W, N).

    scores (W, T, 2), inside and best (W, T). A start with the end that suits it best stands for all its ends:
    the N_BEST stretches begin at the N_BEST best of these starts.
    """
    import numpy as np

    start = np.where(inside & best, scores[:, :, 0], -np.inf)
    end = np.where(inside, scores[:, :, 1], -np.inf)
    end = np.concatenate([end, np.full((len(end), longest - 1), -np.inf)], axis=1)
    reach = np.lib.stride_tricks.sliding_window_view(end, longest, axis=1)  # (W, T, L)
    begins = _largest(start + reach.max(axis=2))
    sums = np.take_along_axis(start, begins, 1)[:, :, None] + np.take_along_axis(reach, begins[:, :, None], 1)
    flat = sums.reshape(len(sums), -1)
    picked = _largest(flat)
    starts = np.take_along_axis(begins, picked // longest, 1)
    ends = np.minimum(starts + picked % longest, scores.shape[1] - 1)
    return np.take_along_axis(flat, picked, 1), starts, ends


def _largest(values: NDArray[Any]) -> NDArray[Any]:
    """Where the N_BEST largest of each line are."""
    import numpy as np

    count = min(N_BEST, values.shape[1])
    found: NDArray[Any] = np.argpartition(-values, count - 1, axis=1)[:, :count]
    return found
