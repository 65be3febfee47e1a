"""The contract of a head, and what heads share: labels, answers. Light: numpy, torch and pyarrow come late.

R rows, F features, B features of a batch, T tokens, C labels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from bertkit.errors import RequestError
from bertkit.heads.answer_columns import best_scores, label_cells, label_columns
from bertkit.heads.fitting import Fits
from bertkit.heads.losses import TakesLoss
from bertkit.heads.numbers import Number
from bertkit.heads.parts import HasParts
from bertkit.heads.shown import Shows
from bertkit.heads.simple import Simple
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Features, Ragged

Row = Mapping[str, Any]
FromTrain = Literal["from train"]
FROM_TRAIN: FromTrain = "from train"

ODD_GOLDS = "odd golds"
"""The key of a checked row with the golds that are not as they should be, counted by reason; it is no column."""

Labels = tuple[str, ...] | Number | FromTrain
"""Label names in the model's order; or a number; or the names found in the train rows, sorted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A model's prediction for a row.

    value   a label's name; a number; a tag for each word (None where it was truncated); a choice's place,
            "0" the first; or a span of the document ("" for no answer)
    scores  a probability for each label or choice; for each tag its own; for a span "n_best", the best spans
            with their shares of probability, and "no_answer", by how many logits it beats the best span
    """

    value: Any
    scores: Mapping[str, Any] = field(default_factory=dict)


NO_SCORES: Mapping[str, Any] = {}
"""Of all answers that have none, held once."""


class Head(TakesLoss, Shows, HasParts, Fits, ABC):
    """A task head: everything specific to a kind of head is in its class.

    A head is a frozen dataclass with a field `kind` whose default is its name in files. It is pure: no state, no
    randomness. A new head is one new class; no other code checks for a class (tests/test_fourth_head.py).
    """

    if TYPE_CHECKING:  # fields of the dataclasses below

        @property
        def kind(self) -> str: ...
        @property
        def labels(self) -> Labels: ...

    # Rows.

    @property
    @abstractmethod
    def roles(self) -> tuple[str, ...]:
        """The columns a row needs, the gold one last."""

    @property
    def optional(self) -> tuple[str, ...]:
        """Columns that `check` is given where a row has them, by their names in lower case."""
        return ()

    @property
    def alike_by(self) -> tuple[str, ...]:
        """Columns whose equal texts make two rows alike: such rows never stand on both sides of a divided split."""
        return self.roles[:-1]

    def strata(self, gold: Any) -> Sequence[str] | float:
        """What a row with this gold is stratified by where a split is divided: labels, or a number; () for nothing."""
        return ()

    @property
    def scores_unknown(self) -> bool:
        """Whether a gold that no train row has is scored, as wrong; otherwise `check` refuses its row."""
        return False

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The Arrow type of each of its columns."""

    @abstractmethod
    def check(self, where: str, values: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
        """A raw row, by role, as the head's columns, and maybe ODD_GOLDS. Raises DataError that begins with `where`.

        The gold is not among the `values` where rows are only predicted.

        spellings  how the data spells a label -> the label's name
        """

    @abstractmethod
    def gold(self, row: Row) -> Any:
        """The gold of a row, or all golds that count as correct."""

    def oddities(self, row: Row) -> list[tuple[str, int | None]]:
        """What is odd in a checked row with its gold, and no error: for each a reason, and its word, or None."""
        return []

    # Features and answers.

    @abstractmethod
    def encode(self, rows: Mapping[str, Sequence[Any]], tokenizer: Any, window: Window) -> Features:
        """The features of R rows, in their order; `rows` is a mapping of columns."""

    @abstractmethod
    def decode(
        self, rows: Mapping[str, Sequence[Any]], features: Features, logits: Ragged, window: Window
    ) -> list[Answer]:
        """One answer a row, in the rows' order, from the logits of their features."""

    def details(self, golds: Sequence[Any], answers: Sequence[Answer]) -> dict[str, Any]:
        """Further numbers of one evaluation, by name, for JSON."""
        return {}

    def label_pairs(self, golds: Sequence[Any], answers: Sequence[Answer]) -> tuple[list[Any], list[Any]] | None:
        """Golds and answered labels, one to one, of which a confusion matrix can be made; None where there are none."""
        return None

    def answer_columns(self, top: int | None) -> dict[str, Any]:
        """The columns of an answer in a table, with their Arrow types; `top` is how many labels (spans) are kept.

        None keeps all labels up to 10, else the best 5.
        """
        return {"answer": self.schema()[self.roles[-1]], **label_columns(self.label_names, top)}

    def answer_cells(self, answer: Answer, top: int | None) -> list[Any]:
        """The values of `answer_columns`, in their order."""
        return [answer.value, *label_cells(self.label_names, answer.scores, top)]

    def answer_json(self, answer: Answer | None, top: int | None) -> dict[str, Any]:
        """The answer (None for a row without one) and its scores for JSON, of which as many are kept as in a table."""
        answer = answer or Answer(value=None)
        return {"answer": answer.value, "scores": best_scores(answer.scores, self.label_names, top)}

    @property
    def simple(self) -> Simple | None:
        """How simple models answer its rows; None if that is not known."""
        return None

    def compact(self, answer: Answer) -> Answer:
        """The answer with those scores alone that `details` reads: it is held for every row of an evaluation."""
        return answer

    # The model.

    @property
    @abstractmethod
    def auto_model(self) -> str:
        """The name of the transformers class whose models have this head."""

    @property
    def per_token(self) -> bool:
        """Whether logits are per token, (B, T, C), or per feature, (B, C)."""
        return False

    @property
    def reads_words(self) -> bool:
        """Whether the tokenizer gets text that is split into words."""
        return False

    @property
    def is_windowed(self) -> bool:
        """Whether a row may give several features, whose number is known only once it is tokenised."""
        return False

    def configure(self, config: Any) -> None:  # most heads need something, none must
        """Write labels and problem type into a transformers config, so that any program can read the model."""

    def logits_of(self, output: Any) -> Tensor:
        """The logits in a transformers model's output: (B, C), or (B, T, C) where they are per token."""
        logits: Tensor = output.logits
        return logits

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """The sum of a batch's losses, a scalar in fp32, which an update divides by `count`.

        logits   as `logits_of` gives them, in fp32
        targets  (B, W): the features' targets, padded with IGNORED
        mask     (B, T): True for real tokens
        """

    def count(self, features: Features) -> float:
        """How many targets the loss sums over, or the sum of their weights: called on all parts of an update."""
        return len(features)

    # Labels.

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels' names, in the model's order; () if there are none."""
        return self.labels if isinstance(self.labels, tuple) else ()

    @property
    def is_resolved(self) -> bool:
        """Whether nothing of it is left to be read from the train rows' golds."""
        return self.labels != FROM_TRAIN

    def resolved(self, golds: Iterable[Any]) -> Self:
        """The head with its labels taken from the train rows' golds, sorted, if they are FROM_TRAIN."""
        if self.labels != FROM_TRAIN:
            return self
        listed = (gold if isinstance(gold, list) else [gold] for gold in golds)
        names = {str(name) for several in listed for name in several if name is not None}
        head: Any = self
        found: Self = replace(head, labels=tuple(sorted(names)))
        return found

    def with_counts(self, counts: Mapping[str, int], rows: int) -> Self:
        """The head that knows how many of so many train rows have each label, where its training starts from that."""
        return self

    @property
    def starts_from_counts(self) -> bool:
        """Whether `with_counts` makes a difference."""
        return False

    @property
    def first_bias(self) -> tuple[float, ...]:
        """The biases (C,) of a fresh output layer; () for those that transformers draws or sets to 0."""
        return ()

    def matched(self, names: Sequence[str], model: str) -> Self:
        """The head with its labels in the order of a checkpoint's label `names`.

        Raises EncoderError, naming the `model`, where they do not match.
        """
        return self

    @property
    def chunk_scheme(self) -> str | None:
        """The scheme of its chunk tags (heads/schemes.py); None if its labels are none."""
        return None

    # Scale.

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation, in the golds' unit, of the numbers that its model is trained on: (0, 1) or so.

        Logits of a model in training are in units of it; those of a saved model in the golds' unit.
        """
        return 0.0, 1.0

    def in_own_unit(self) -> Self:
        """The head of a model whose logits are in the golds' unit."""
        return self

    # Flags.

    @property
    def own_flags(self) -> frozenset[str]:
        """The fields of Window, besides max_length, that this head uses."""
        return frozenset()

    def check_window(self, window: Window) -> None:
        """Raise RequestError if the window does not fit the head."""
        if window.long != "truncate" and "long" not in self.own_flags:
            raise RequestError(f"--long {window.long}: a {self.kind} head does not read it")

    def check_flag(self, name: str, task: str) -> None:
        """Raise RequestError if the flag of the Window's field `name` does not apply to `task`."""
        if name != "max_length" and name not in self.own_flags:
            flag = "--" + name.replace("_", "-")
            raise RequestError(f"{flag} does not apply to {task}: a {self.kind} head does not read it")

    # Reading a spec.

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Have pydantic read a head by its `kind`, and write it as its own class."""
        if cls is not Head:
            return handler(source)
        from pydantic_core import core_schema

        from bertkit.heads.plain import from_plain, to_plain

        written = core_schema.plain_serializer_function_ser_schema(to_plain)
        return core_schema.no_info_plain_validator_function(from_plain, serialization=written)
