"""Answers of a span head: a document's best spans, as columns of a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bertkit.heads.answer_columns import BEST
from bertkit.heads.base import Answer
from bertkit.heads.span_golds import end_with_marks

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Document(NamedTuple):
    """A row's document, with the character offsets of each window's tokens."""

    text: str
    chars: list[NDArray[Any]]

    def between(self, start: int, end: int) -> str:
        """The text of the tokens from `start` to `end`, with the marks that follow the last."""
        return self.text[start : end_with_marks(self.text, end, self.chars)]


def shares(document: Document, best: list[tuple[tuple[int, int], float]]) -> list[dict[str, Any]]:
    """The spans with their first character and their share of probability."""
    from scipy.special import softmax

    if not best:
        return []
    found = softmax([score for _, score in best])
    return [
        {"text": document.between(start, end), "start": start, "score": float(share)}
        for ((start, end), _), share in zip(best, found, strict=True)
    ]


def span_columns() -> dict[str, Any]:
    """Arrow types by column: the answer, its characters `start` to `end`, its share, and the best spans."""
    import pyarrow as pa

    best = pa.struct({"text": pa.string(), "start": pa.int64(), "end": pa.int64(), "score": pa.float64()})
    place = {"start": pa.int64(), "end": pa.int64(), "p": pa.float64()}
    return {"answer": pa.string(), **place, "no_answer": pa.float64(), "n_best": pa.list_(best)}


def span_cells(answer: Answer, top: int | None) -> list[Any]:
    """The values of `span_columns`."""
    best = _with_ends(answer, top)
    place = [best[0]["start"], best[0]["end"], best[0]["score"]] if answer.value else [None, None, None]
    return [answer.value, *place, answer.scores["no_answer"], best]


def span_json(answer: Answer | None, top: int | None) -> dict[str, Any]:
    """The answer, its characters `start` to `end` (None without an answer), and its scores."""
    if answer is None:
        return {"answer": None, "start": None, "end": None, "scores": {}}
    value, start, end, _, no_answer, best = span_cells(answer, top)
    return {"answer": value, "start": start, "end": end, "scores": {"n_best": best, "no_answer": no_answer}}


def _with_ends(answer: Answer, top: int | None) -> list[dict[str, Any]]:
    best = answer.scores["n_best"][: BEST if top is None else top]
    return [
        {"text": b["text"], "start": b["start"], "end": b["start"] + len(b["text"]), "score": b["score"]} for b in best
    ]
