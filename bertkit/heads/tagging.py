"""A sentence, already cut into words -> a label for each word; the first sub-word speaks for its word.

R rows, F = R features, T tokens, W words, C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bertkit.heads.base import Answer, Labels, Row, Window

if TYPE_CHECKING:
    from bertkit.heads.features import Features, Ragged

UNASKED = -100
"""The target of a token that no label is asked for: what torch's cross entropy ignores."""

NO_TOKEN = "words have no token in this vocabulary"
NO_GOLD = "words have no gold tag"


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """A label for each word.

    Devlin et al. 2019, section 5.3: the label is that of a word's first sub-word; the others are not
    asked. Words that `max_length` cuts off, or that have no token at all, get None, and count as wrong. A word
    whose gold tag is None has no gold: it is not trained on, and not counted.
    """

    labels: Labels
    kind: Literal["tagging"] = "tagging"

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForTokenClassification"

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return ("words", "tags")

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """One feature a row. `places["first"]` has, for each word, its first token, or -1 if it has none."""
        import numpy as np

        from bertkit.heads.features import Features, Ragged, token_inputs

        encoding = tokenizer(
            [list(words) for words in rows["words"]],
            is_split_into_words=True,
            truncation=True,
            max_length=window.max_length,
            return_attention_mask=False,
        )
        firsts = [_first_tokens(encoding.word_ids(i), len(words)) for i, words in enumerate(rows["words"])]
        lost = [_cut_words(first, encoding.encodings[i].overflowing) for i, first in enumerate(firsts)]
        tokenless = [first.count(-1) - count for first, count in zip(firsts, lost, strict=True)]
        return Features(
            row=np.arange(len(firsts)),
            inputs=token_inputs(encoding),
            targets=self._targets(rows, firsts, encoding["input_ids"]),
            cut=np.array(lost, np.int32) > 0,
            places={"first": Ragged.of(firsts, "int32")},
            counts={
                NO_TOKEN: np.array(tokenless, np.int32),
                NO_GOLD: np.array(
                    [(tags or []).count(None) for tags in rows.get("tags") or [()] * len(firsts)], np.int32
                ),
            },
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with one (C,) vector a token."""
        import numpy as np

        assert isinstance(self.labels, tuple)
        names = (*self.labels, None)
        answers = []
        for i in range(len(features)):
            scores = np.asarray(logits[i], np.float64)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            first = np.asarray(features.places["first"][i], np.int64)
            best = np.where(first < 0, len(self.labels), scores.argmax(axis=1)[first])
            sure = np.where(first < 0, 0.0, shares.max(axis=1)[first])
            answers.append(Answer(value=[names[b] for b in best], scores={"tags": sure.tolist()}))
        return answers

    def gold(self, row: Row) -> list[str | None]:
        """The tag of every word, None where it has none."""
        return list(row["tags"])

    def _targets(
        self, rows: Mapping[str, Sequence[Any]], firsts: list[list[int]], ids: list[list[int]]
    ) -> Ragged | None:
        from bertkit.heads.features import Ragged

        tags = rows.get("tags")
        if not tags or any(row is None for row in tags):
            return None
        assert isinstance(self.labels, tuple)
        order = {name: i for i, name in enumerate(self.labels)}
        runs = []
        for first, row, tokens in zip(firsts, tags, ids, strict=True):
            run = [UNASKED] * len(tokens)
            for place, tag in zip(first, row, strict=True):
                if place >= 0:
                    run[place] = order.get(tag, UNASKED)
            runs.append(run)
        return Ragged.of(runs, "int32")


def _first_tokens(word_ids: list[int | None], words: int) -> list[int]:
    """For each of `words` words the index of its first token, -1 where it has none."""
    firsts = [-1] * words
    for place, word in enumerate(word_ids):
        if word is not None and firsts[word] < 0:
            firsts[word] = place
    return firsts


def _cut_words(first: list[int], overflowing: Sequence[Any]) -> int:
    """How many words `max_length` cuts off whole: those without a token here that have one in what overflows."""
    beyond = {word for part in overflowing for word in part.word_ids if word is not None}
    return sum(first[word] < 0 for word in beyond)
