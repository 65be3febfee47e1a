"""Count rows' tokens, what a maximum length cuts off of them, and the unknown ones. No torch: tokenizers alone.

R rows, T tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bertkit.data.inspect import Spread, blocks
from bertkit.data.rows import Rows
from bertkit.errors import EncoderError, one_line
from bertkit.heads import Head, Window

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Ints = np.ndarray[Any, np.dtype[np.int32]]

MOST = 200_000
"""Rows of which tokens are counted; of more, the first ones."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What a maximum length cuts off: rows, words of them, and gold answers that cannot be given."""

    rows: int
    words: int
    answers: int


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens of the first `rows` rows, special ones counted; `unknown` of `total` stand for what has no token."""

    rows: int
    spread: Spread
    total: int
    unknown: int
    cut: Cut


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """The fast tokenizer in an encoder's folder; None if it has none that is read without transformers.

    Raises EncoderError if it is damaged.
    """
    try:
        found = _tokenizer(folder)
    except Exception as error:  # its parsers raise plain Exception
        raise EncoderError(f"{folder}: its tokenizer cannot be read: {one_line(error, lines=1)}") from error
    if found:
        found.no_truncation()
        found.no_padding()
    return found


def _tokenizer(folder: Path) -> Tokenizer | None:
    from tokenizers import Tokenizer
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if not (folder / "vocab.txt").is_file():
        return None
    settings = folder / "tokenizer_config.json"
    lower = json.loads(settings.read_text("utf-8")).get("do_lower_case", True) if settings.is_file() else True
    return BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=lower)._tokenizer


def count_tokens(rows: Rows, head: Head, tokenizer: Tokenizer, window: Window) -> Tokens:
    """The tokens of a split's rows, and what `window.max_length` cuts off of them."""
    counted = _Counted(head, tokenizer, window)
    for columns in blocks(rows.limited(MOST), head.roles):
        inputs = head.read_together(columns)
        counted.add(inputs, columns.get(head.roles[-1]) or [None] * len(inputs[0]))
    return counted.close()


def tokens_of_rows(rows: Rows, head: Head, tokenizer: Tokenizer) -> tuple[Ints, Ints]:
    """(R,) the tokens of each row, special ones counted, or its vectors; and how many stand for what has no token."""
    found = [(np.zeros(0, np.int32), np.zeros(0, np.int32))]
    unknown_id = _unknown_id(tokenizer)
    for columns in blocks(rows, head.roles[:-1]):
        parts = _parts(head.read_together(columns))
        found.append(_counts(parts, head, tokenizer, unknown_id))
    lengths, unknown = (np.concatenate(part) for part in zip(*found, strict=True))
    return lengths, unknown


def _parts(inputs: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Of each row its text, its words, or its two texts."""
    return inputs[0] if len(inputs) == 1 else list(zip(*inputs, strict=True))


def _counts(parts: Sequence[Any], head: Head, tokenizer: Tokenizer, unknown_id: int | None) -> tuple[Ints, Ints]:
    if head.of_vectors:
        return np.array([len(vectors) for vectors in parts], np.int32), np.zeros(len(parts), np.int32)
    encoded = tokenizer.encode_batch(list(parts), is_pretokenized=head.reads_words)
    unknown = [0 if unknown_id is None else one.ids.count(unknown_id) for one in encoded]
    return np.array([len(one.ids) for one in encoded], np.int32), np.array(unknown, np.int32)


class _Counted:
    """Counts tokens, a block of rows at a time."""

    def __init__(self, head: Head, tokenizer: Tokenizer, window: Window) -> None:
        self._head, self._tokenizer, self._window = head, tokenizer, window
        self._unknown_id = _unknown_id(tokenizer)
        self._lengths: list[Ints] = []
        self._unknown = self._rows = self._words = self._answers = 0

    def add(self, inputs: Sequence[Sequence[Any]], golds: Sequence[Any]) -> None:
        parts = _parts(inputs)
        lengths, unknown = _counts(parts, self._head, self._tokenizer, self._unknown_id)
        self._lengths.append(lengths)
        self._unknown += int(unknown.sum())
        whole = self._window.long == "windows"
        long = [] if whole else np.flatnonzero(lengths > self._window.max_length).tolist()
        self._rows += len(long)
        if "max_answer_length" in self._head.own_flags:
            self._answers += sum(self._lost_answers(gold) for gold in golds if gold)
        elif not self._head.is_windowed:
            self._words += sum(self._lost_words(parts[place]) for place in long)

    def _lost_words(self, row: Any) -> int:
        """The words of a row that are cut off, whole or in part."""
        self._tokenizer.enable_truncation(self._window.max_length)
        first, second = row if isinstance(row, tuple) else (row, None)
        encoding = self._tokenizer.encode(first, second, is_pretokenized=self._head.reads_words)
        self._tokenizer.no_truncation()
        if self._head.reads_words:
            return len(row) - len({word for word in encoding.word_ids if word is not None})
        texts = row if isinstance(row, tuple) else (row,)
        return sum(len(text[_end(encoding, place) :].split()) for place, text in enumerate(texts))

    def _lost_answers(self, golds: Sequence[Any]) -> int:
        """1 if every gold answer has more tokens than an answer may have."""
        most = self._window.max_answer_length
        texts = [gold["text"] for gold in golds]
        return int(
            bool(texts)
            and all(len(one.ids) > most for one in self._tokenizer.encode_batch(texts, add_special_tokens=False))
        )

    def close(self) -> Tokens:
        lengths = np.concatenate(self._lengths) if self._lengths else np.zeros(0, np.int32)
        cut = Cut(rows=0 if self._head.is_windowed else self._rows, words=self._words, answers=self._answers)
        return Tokens(
            rows=len(lengths), spread=Spread.of(lengths), total=int(lengths.sum()), unknown=self._unknown, cut=cut
        )


def _end(encoding: Encoding, place: int) -> int:
    """The character behind the last token of the text at `place`."""
    ends = [end for (_, end), part in zip(encoding.offsets, encoding.sequence_ids, strict=True) if part == place]
    return max(ends, default=0)


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    """The id that stands for what has no token."""
    model = json.loads(tokenizer.to_str())["model"]
    if isinstance(model.get("unk_id"), int):
        return int(model["unk_id"])
    name = model.get("unk_token")
    found: int | None = tokenizer.token_to_id(name) if isinstance(name, str) else None
    return found
