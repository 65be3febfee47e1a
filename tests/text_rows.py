"""Rows of a corpus in memory, and vocabularies for them: what an objective reads, without a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from bertkit.heads.features import Ragged
from bertkit.objectives.rows import Indices, Pieces, Texts

NAMES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNKNOWN, START, END, MASK = range(5)


@dataclass(frozen=True)
class MemoryRows:
    """Rows as lists of sentences of token ids; each is a document of its own if `of` does not say."""

    rows: Sequence[Sequence[Sequence[int]]]
    of: Sequence[int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def documents(self) -> NDArray[np.int64]:
        """(R,) the document of each row."""
        return np.asarray(range(len(self.rows)) if self.of is None else self.of, np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, rows: Indices) -> Texts:
        """These rows, in this order."""
        chosen = [self.rows[int(row)] for row in rows]
        starts = [np.cumsum([0, *map(len, sentences[:-1])]) for sentences in chosen]
        return Texts(
            row=np.asarray(rows, np.int64),
            document=self.documents[rows],
            tokens=Ragged.of([[token for sentence in row for token in sentence] for row in chosen], "uint16"),
            sentences=Ragged.of(starts, "int32"),
        )


def pieces(plain: int, continuing: int = 0, sentinels: int = 0, ends: bool = True) -> Pieces:
    """A vocabulary: the special tokens NAMES, so many plain ones that begin a word and that continue one, sentinels."""
    first = len(NAMES)
    size = first + plain + continuing + sentinels
    special, continues = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    special[:first] = special[size - sentinels :] = True
    continues[first + plain : first + plain + continuing] = True
    return Pieces(
        special=special, continues=continues, mask=MASK, pad=PAD,
        start=START if ends else None, end=END if ends else None,
        sentinels=tuple(range(size - sentinels, size)),
    )  # fmt: skip


def uniform_rows(count: int, length: int, vocabulary: Pieces, seed: int = 0) -> MemoryRows:
    """Rows of one sentence each, their tokens drawn from all that are not special."""
    drawn = np.random.default_rng(seed).choice(vocabulary.plain, (count, length))
    return MemoryRows([[row] for row in drawn.tolist()])


def small_tokenizer(text: str, size: int = 300) -> Tokenizer:
    """A byte-level BPE tokenizer trained on this text, with the special tokens NAMES; it restores any text exactly."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=NAMES, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def pieces_of(tokenizer: Tokenizer) -> Pieces:
    """What objectives know of such a tokenizer: a token that does not begin with a space continues a word."""
    names = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    return Pieces(
        special=np.array([name in NAMES for name in names]), continues=np.array([name[0] != "Ġ" for name in names]),
        mask=MASK, pad=PAD, start=START, end=END,
    )  # fmt: skip
