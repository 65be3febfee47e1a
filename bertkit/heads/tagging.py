"""Tagging: a sentence split into words -> a label for each word, read at its first sub-word; or vectors in their place.

R rows, F = R features, T tokens, W words, C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from bertkit.errors import DataError
from bertkit.heads import checks
from bertkit.heads.base import FROM_TRAIN, NO_SCORES, Answer, Head, Labels, Row
from bertkit.heads.degenerate import constant_details, loss_of_shares
from bertkit.heads.labels import match_names, write_names
from bertkit.heads.losses import OF_ONE_LABEL, Loss
from bertkit.heads.numbers import repr_without
from bertkit.heads.schemes import OUTSIDE, PREFIXES, broken, is_tag_of, scheme_called, split_tag
from bertkit.heads.shown import Shown
from bertkit.heads.shown_words import show_words, word_pairs, words_error
from bertkit.heads.simple import Simple
from bertkit.heads.token_words import cut_words, first_tokens, targets_of
from bertkit.heads.vectors import ROLE, WIDTH, Vectors, checked_vectors, schema_of, vector_features
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged

NO_TOKEN = "words have no token in this vocabulary"

NO_TAG = "_"
"""A missing tag, in CoNLL-U and in data converted from it."""


@dataclass(frozen=True, kw_only=True)
class Tagging(Head):
    """A label for each word, or each of a row's `vectors`; with a `scheme` (BIO, IOB1, BIOES or BILOU) labels are
    chunk tags, scored by entity.

    Devlin et al. 2019, section 5.3: the label is predicted at a word's first sub-word (see
    first_tokens); others are ignored. Words that `max_length` truncates, or
    that have no token, get None and count as wrong. A word whose gold tag is None is neither trained on
    nor scored.
    """

    labels: Labels = FROM_TRAIN
    scheme: str | None = None
    vectors: Vectors | None = None
    parts_by = "tag"
    kind: Literal["tagging"] = "tagging"
    criterion: Loss = field(default_factory=Loss, repr=False)  # features do not depend on it

    def __post_init__(self) -> None:
        """Name the scheme as it is named here. Raises RequestError if there is none of that name."""
        if self.scheme is not None:
            object.__setattr__(self, "scheme", scheme_called(self.scheme))

    def __repr__(self) -> str:
        return repr_without(self, {"scheme": None, "vectors": None})

    @property
    def chunk_scheme(self) -> str | None:
        """The scheme of its tags, if they are chunk tags."""
        return self.scheme

    @property
    def auto_model(self) -> str:
        """The transformers class whose models have this head."""
        return "AutoModelForTokenClassification"

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""
        return (ROLE, "tags") if self.vectors else ("words", "tags")

    @property
    def per_token(self) -> bool:
        """A label for every token, of which each word's first is read."""
        return True

    @property
    def reads_words(self) -> bool:
        """Sentences are split into words."""
        return self.vectors is None

    @property
    def optional(self) -> tuple[str, ...]:
        """The line of each word, as the CoNLL-U reader gives it, for messages."""
        return ("lines",)

    def strata(self, gold: Any) -> Sequence[str]:
        """The types of the entities in it, if its tags are chunk tags."""
        return sorted({split_tag(tag)[1] for tag in gold if tag and tag != OUTSIDE}) if self.scheme else ()

    def parts_of(self, gold: Any) -> Sequence[str]:
        """The types of its entities, or its tags."""
        return self.strata(gold) if self.scheme else sorted({tag for tag in gold if tag})

    @property
    def scores_unknown(self) -> bool:
        """A word whose tag is unknown counts as wrong; the other words of its sentence can be scored."""
        return True

    def schema(self) -> dict[str, Any]:
        """Words and tags as lists of strings, vectors as lists of lists."""
        import pyarrow as pa

        words = schema_of() if self.vectors else {"words": pa.list_(pa.string())}
        return {**words, "tags": pa.list_(pa.string())}

    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """Words, at least one and none of them empty, or vectors, and as many tags; None or `_` is a missing tag."""
        lines = values.get("lines")
        words: list[Any]
        if self.vectors:
            role, words = ROLE, checked_vectors(where, values[ROLE], self.vectors.width)
        else:
            role, words = "words", checks.words(where, values["words"], lines)
        tags = None
        if values.get("tags") is not None:
            given = checks.listed(where, "tags", values["tags"])
            if self.vectors:  # whose labels are numbers as often as names
                given = [str(tag) if type(tag) is int else tag for tag in given]
            tags = [spellings.get(tag, tag) if isinstance(tag, str) else tag for tag in given]
            tags = [None if tag == NO_TAG else tag for tag in tags]
            if len(tags) != len(words):
                raise DataError(f"{where}: {len(words)} {role} but {len(tags)} tags")
            for place, tag in enumerate(tags):
                if tag is not None and (why := self._what_is_wrong(tag)):
                    raise DataError(f"{checks.word_place(where, lines, place)}: {why}")
        return {role: words, "tags": tags}

    def _what_is_wrong(self, tag: Any) -> str | None:
        """Why a tag cannot be; None if it can."""
        if not isinstance(tag, str) or (self.label_names and tag not in self.label_names):
            known = f"; expected one of {', '.join(self.label_names)}" if self.label_names else ""
            return f"unknown tag '{tag}'{known}"
        if self.scheme and not is_tag_of(tag, self.scheme):
            prefixes = ", ".join(f"{prefix}-" for prefix in PREFIXES[self.scheme])
            return f"'{tag}' is no tag of the scheme {self.scheme}, whose tags begin with {prefixes} or are {OUTSIDE}"
        return None

    def oddities(self, row: Row) -> list[tuple[str, int | None]]:
        """Words whose tag cannot stand where it does, by the scheme: entities begin or end there all the same."""
        if self.scheme is None:
            return []
        return [(f"a tag that breaks the scheme {self.scheme}", place) for place in broken(row["tags"], self.scheme)]

    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """One feature a row. `places["first"]` has, for each word, its first token, or -1 if it has none."""
        import numpy as np

        from bertkit.heads.features import Features, Ragged, token_inputs

        if self.vectors:
            found = vector_features(rows, self.vectors.width, tokenizer, window)
            lengths, first = found.lengths.tolist(), found.places["first"]
            places = [first[k].tolist() for k in range(len(first))]
            return replace(found, targets=targets_of(rows.get("tags"), places, lengths, self.label_names))
        encoding = tokenizer(
            [list(words) for words in rows["words"]],
            is_split_into_words=True,
            truncation=True,
            max_length=window.max_length,
            return_attention_mask=False,
        )
        firsts = [
            first_tokens(encoding.word_ids(i), encoding.tokens(i), len(words)) for i, words in enumerate(rows["words"])
        ]
        lost = [cut_words(first, encoding.encodings[i].overflowing) for i, first in enumerate(firsts)]
        tokenless = [first.count(-1) - count for first, count in zip(firsts, lost, strict=True)]
        return Features(
            row=np.arange(len(firsts)),
            inputs=token_inputs(encoding),
            targets=targets_of(rows.get("tags"), firsts, list(map(len, encoding["input_ids"])), self.label_names),
            cut=np.array(lost, np.int32) > 0,
            places={"first": Ragged.of(firsts, "int32")},
            counts={NO_TOKEN: np.array(tokenless, np.int32)},
        )

    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, from logits with one (C,) vector a token."""
        import numpy as np
        from scipy.special import softmax

        names = (*self.label_names, None)
        answers = []
        for i in range(len(features)):
            scores = np.asarray(logits[i], np.float64)
            shares = softmax(scores, axis=1)
            first = np.asarray(features.places["first"][i], np.int64)
            best = np.where(first < 0, len(self.label_names), scores.argmax(axis=1)[first])
            sure = np.where(first < 0, 0.0, shares.max(axis=1)[first])
            answers.append(Answer(value=[names[b] for b in best], scores={"tags": sure.tolist()}))
        return answers

    def gold(self, row: Row) -> list[str | None]:
        """The tag of every word, None where it has none."""
        return list(row["tags"])

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """F1 of each tag over all words with a gold; a word without a predicted tag is a miss of its gold.

        And whether golds or answers are constant; of chunk tags precision, recall and F1 of each type of entity.
        """
        from sklearn.metrics import f1_score

        from bertkit.heads.chunks import by_type

        values = [answer.value for answer in answers]
        flat, given = self.label_pairs(golds, answers)
        names = sorted(set(flat))
        scores = f1_score(flat, given, labels=names, average=None, zero_division=0)
        return {
            "words": len(flat),
            "words without a tag": given.count(""),
            **constant_details(flat, given),
            "loss of shares": loss_of_shares(flat),
            "F1 by tag": {name: float(score) for name, score in zip(names, scores, strict=True)},
            **({"entities": by_type(golds, values)} if self.scheme else {}),
        }

    def label_pairs(self, golds: Sequence[Any], answers: Sequence[Answer]) -> tuple[list[Any], list[Any]]:
        """A pair for each word that has a gold; a word without a predicted tag is answered with ""."""
        rows = zip(golds, answers, strict=True)
        pairs = [pair for gold, answer in rows for pair in zip(gold, answer.value, strict=True)]
        return [gold for gold, _ in pairs if gold is not None], [tag or "" for gold, tag in pairs if gold is not None]

    def answer_columns(self, top: int | None) -> dict[str, Any]:
        """A list with each word's tag, and one with its probability."""
        import pyarrow as pa

        return {"answer": pa.list_(pa.string()), "p": pa.list_(pa.float64())}

    def answer_cells(self, answer: Answer, top: int | None) -> list[Any]:
        """The tags, and their probabilities."""
        return [answer.value, answer.scores["tags"]]

    @property
    def simple(self) -> Simple:
        """A tag for each word."""
        return Simple(gives="tags")

    def compact(self, answer: Answer) -> Answer:
        """The answer without scores."""
        return Answer(value=answer.value, scores=NO_SCORES)

    def error(self, gold: Any, answer: Answer) -> float:
        """The probabilities of the wrong tags, summed."""
        return words_error(gold, answer)

    def shown(self, row: Row, gold: Any, answer: Answer) -> Shown:
        """The words, wrong ones with both tags; of chunk tags also the entities that are right."""
        return show_words(row, gold, answer, OUTSIDE if self.scheme else None)

    def confusion_pairs(self, gold: Any, answer: Answer) -> list[tuple[str, str]]:
        """The tag and the answer of each word."""
        return word_pairs(gold, answer)

    def configure(self, config: Any) -> None:
        """Label names, and how many numbers a vector has."""
        write_names(config, self.label_names)
        if self.vectors:
            setattr(config, WIDTH, self.vectors.width)

    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Cross entropy of (B, T, C) with class ids (B, T), summed; IGNORED where there is no label."""
        return self.criterion.summed(logits.flatten(0, 1), targets.flatten())

    def count(self, features: Features) -> float:
        """The number of words with a label, or the sum of their labels' weights."""
        assert features.targets is not None
        return self.criterion.count(features.targets.values)

    @property
    def loss_flags(self) -> frozenset[str]:
        """Those of the loss over labels."""
        return OF_ONE_LABEL

    def matched(self, names: Sequence[str], model: str) -> Self:
        """The labels in the checkpoint's order. Raises EncoderError."""
        return replace(
            self, labels=tuple(names) if self.labels == FROM_TRAIN else match_names(self.label_names, names, model)
        )
