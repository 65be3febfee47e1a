"""The contract of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from bertkit.errors import RequestError

if TYPE_CHECKING:
    from bertkit.heads.features import Features
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows

Architecture = Literal["bert", "roberta", "albert", "modernbert", "gpt2", "bart", "t5"]
Cut = Literal["windows", "sentences"]

PAIR = "pair"
"""The place of a feature's class as a pair of segments: 0 or 1, one each."""


class Objective(ABC):
    """What a model is pretrained on: how rows of a corpus become inputs and targets.

    An objective is a frozen dataclass with a field `kind` whose default is its name in files. It is pure: all its
    randomness comes from the `draws` of a row, so that a row of an epoch has the same features whenever they are made.
    """

    if TYPE_CHECKING:  # a field of the dataclasses below

        @property
        def kind(self) -> str: ...

    @property
    @abstractmethod
    def auto_models(self) -> dict[str, str]:
        """The architectures it goes with, and for each the name of the transformers class that is trained."""

    @property
    def cut(self) -> Cut:
        """How a corpus is cut into rows.

        "windows" are all tokens in order, in rows of the same length; "sentences" are rows of whole sentences of one
        document, at least two.
        """
        return "windows"

    @property
    def flag(self) -> str:
        """What is typed for it."""
        return f"--objective {self.kind}"

    @property
    def needs_mask(self) -> bool:
        """Whether the vocabulary must have a mask token."""
        return True

    @property
    def held_out_documents(self) -> int:
        """How many documents are held out at least, where the corpus has twice as many."""
        return 1

    @property
    def least_documents(self) -> int:
        """How many documents a part of a corpus must have."""
        return 1

    @abstractmethod
    def room(self, max_length: int, pieces: Pieces) -> int:
        """Tokens of text in a row, so that its features have at most `max_length` tokens."""

    @abstractmethod
    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The features of these rows, one each, in their order.

        inputs   `input_ids`, and `token_type_ids` for pairs of segments
        targets  a token id for each token of the input, IGNORED where nothing is predicted; where an encoder and a
                 decoder are trained, the tokens that the decoder should give
        places   PAIR, for pairs of segments
        """

    def check_pieces(self, pieces: Pieces) -> None:  # noqa: B027  # most need no token but the mask
        """Raise RequestError if the vocabulary lacks a token that this needs, besides the mask token."""

    def check_architecture(self, architecture: str) -> None:
        """Raise RequestError, naming architectures that it goes with, if this one is not among them."""
        known = self.auto_models
        if architecture not in known:
            raise RequestError(
                f"{self.flag} does not go with --architecture {architecture}; it goes with {', '.join(known)}"
            )

    # Reading a spec.

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Have pydantic read an objective by its `kind`, and write it as its own class."""
        if cls is not Objective:
            return handler(source)
        from pydantic_core import core_schema

        from bertkit.objectives.plain import from_plain, to_plain

        written = core_schema.plain_serializer_function_ser_schema(to_plain)
        return core_schema.no_info_plain_validator_function(from_plain, serialization=written)
