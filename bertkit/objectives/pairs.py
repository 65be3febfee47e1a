"""Masked language modelling of two segments, which are told apart as well: next sentence, or sentence order."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bertkit.objectives.base import PAIR, Cut
from bertkit.objectives.masked import Masked

if TYPE_CHECKING:
    from bertkit.heads.features import Features, Ragged
    from bertkit.objectives.rows import Draws, Indices, Pieces, TextRows, Texts


@dataclass(frozen=True, kw_only=True)
class MaskedPair(Masked):
    """What both have in common: two segments of text, masked; a class for the pair.

    A row's sentences are split in two at random, at least one on each side.
    """

    @property
    def auto_models(self) -> dict[str, str]:
        """BERT and ALBERT have a head for pairs."""
        return {"bert": "BertForPreTraining", "albert": "AlbertForPreTraining"}

    @property
    def cut(self) -> Cut:
        """Whole sentences."""
        return "sentences"

    @property
    def held_out_documents(self) -> int:
        """Two: the text of another document, too, must be held out. The same for both, so that they can be compared."""
        return 2

    def room(self, max_length: int, pieces: Pieces) -> int:
        """What the start token and the two end tokens leave."""
        from bertkit.objectives.sequences import specials_of

        return max_length - specials_of(2, pieces)

    @abstractmethod
    def segments(self, rows: TextRows, texts: Texts, draws: Draws) -> tuple[Ragged, Ragged, Indices]:
        """The first and the second segment of each row, and the class of the pair: 0 or 1."""

    def corrupt(self, rows: TextRows, which: Indices, draws: Draws, pieces: Pieces) -> Features:
        """The pairs, masked, with their classes in the place PAIR.

        Raises RequestError if a mask token is needed and there is none.
        """
        import numpy as np

        from bertkit.heads.features import Features, Ragged
        from bertkit.objectives.sequences import framed

        draws, texts = self.draws(draws), rows.texts(which)
        first, second, classes = self.segments(rows, texts, draws)
        tokens, numbers = framed([first, second], pieces)
        inputs, targets = self.masked(tokens, texts.row, draws, pieces)
        return Features(
            row=texts.row,
            inputs={"input_ids": inputs, "token_type_ids": numbers},
            targets=targets,
            cut=np.zeros(len(texts.row), np.bool_),
            places={PAIR: Ragged(classes.astype(np.int32), np.arange(len(classes) + 1))},
        )


@dataclass(frozen=True, kw_only=True)
class MaskedNextSentence(MaskedPair):
    """The second segment follows the first (class 0), or is of another document (class 1), half of the time each.

    Text of another document is as long as the segment it replaces, and begins with a sentence that is not the first
    of its row: any such row and sentence, each as likely as any other, of rows that are long enough. As it ends
    within a sentence, so does the segment that follows: its end is drawn from the tokens of its last sentence.
    Otherwise length and full stops alone would tell nine of ten pairs apart. (BERT's data builder cuts both as well.)

    With the rows "A B. C D E." and "K L. M N. O P Q." of two documents, "A B." is followed by "C", "C D", "C D E" or
    "C D E.", or by as many tokens of "M N. O" or "O P Q.".
    """

    kind: Literal["mlm+nsp"] = "mlm+nsp"  # type: ignore[assignment]

    @property
    def least_documents(self) -> int:
        """Two: a second segment is of another document."""
        return 2

    def segments(self, rows: TextRows, texts: Texts, draws: Draws) -> tuple[Ragged, Ragged, Indices]:
        """The second one is replaced for class 1."""
        from bertkit.objectives.segments import next_sentences

        return next_sentences(rows, texts, draws)


@dataclass(frozen=True, kw_only=True)
class MaskedSentenceOrder(MaskedPair):
    """Two segments that follow each other, in order (class 0), or swapped (class 1), half of the time each.

    "A B. C D E." is read as "A B." and "C D E.", or as "C D E." and "A B." (Lan et al. 2020, 3.1).
    """

    kind: Literal["mlm+sop"] = "mlm+sop"  # type: ignore[assignment]

    def segments(self, rows: TextRows, texts: Texts, draws: Draws) -> tuple[Ragged, Ragged, Indices]:
        """They are swapped for class 1."""
        from bertkit.objectives.segments import in_either_order

        return in_either_order(texts, draws)
