"""Train a tokenizer on a corpus; the same text gives the same tokenizer. No transformers here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bertkit.data.alphabet import COVERAGE, alphabet_of
from bertkit.data.special_tokens import SpecialTokens, sentinels_of, special_tokens
from bertkit.errors import RequestError, one_line
from bertkit.objectives.base import Architecture
from bertkit.pretraining import Vocabulary, VocabularyKind

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer

Documents = Iterable[list[str]]

LEAST = 2
"""How often a token of several characters is in the text at least."""

THREADS = 4
"""Of the unigram trainer, on any machine: they share the text out among them, and their sums are rounded."""

LONGEST = 10_000_000
"""Bytes of the longest sentence that the unigram trainer reads."""

LONGEST_WORD = 100
"""Characters of a word from which it is cut, as of DNA or Thai: of longer ones WordPiece makes an unknown token."""

SPECIAL_SCORE = -10_000.0
"""Of special tokens in a unigram vocabulary, so that no text is cut into one."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A vocabulary that is wanted: its kind, size and special tokens, and the text that it is learnt from.

    tokenizer  with the kind's normalizer, pre-tokenizer and decoder, without tokens
    documents  lists of sentences, iterated over up to three times
    """

    kind: VocabularyKind
    architecture: Architecture
    size: int
    special: SpecialTokens
    sentinels: list[str]
    tokenizer: Tokenizer
    documents: Documents

    @property
    def room(self) -> int:
        """How many tokens are learnt."""
        return self.size - len(self.special.names) - len(self.sentinels)

    @property
    def sentences(self) -> Iterator[str]:
        """Those of all documents."""
        return (sentence for document in self.documents for sentence in document)

    def ids(self, learnt: Iterable[str]) -> dict[str, int]:
        """The ids of the whole vocabulary: special tokens, those that were learnt, sentinels."""
        names = dict.fromkeys((*self.special.names, *learnt, *self.sentinels))
        return {name: i for i, name in enumerate(names)}

    def size_with(self, learnt: int) -> int:
        """The size of a vocabulary with so many learnt tokens, whose sentinels are as many as go with that size."""
        size = len(self.special.names) + learnt
        while size < len(self.special.names) + learnt + len(sentinels_of(self.architecture, size)):
            size += 1
        return size

    def check(self, learnt: int) -> None:
        """Raise RequestError if fewer tokens than asked for were learnt."""
        if learnt < self.room:
            raise RequestError(
                f"--vocab-size {self.size}: the text supports a {self.kind} vocabulary of "
                f"{self.size_with(learnt):,} tokens at most"
            )


def learnt(vocabulary: Vocabulary, architecture: Architecture, documents: Documents) -> Tokenizer:
    """A tokenizer trained on `documents`, which are iterated over up to three times.

    Raises RequestError if the text does not support a vocabulary of this size, or the kind needs a larger one.
    """
    kind = vocabulary.kind_for(architecture)
    order = Order(
        kind=kind,
        architecture=architecture,
        size=vocabulary.size,
        special=special_tokens(architecture, kind),
        sentinels=sentinels_of(architecture, vocabulary.size),
        tokenizer=_without_tokens(kind, vocabulary.cased),
        documents=documents,
    )
    tokenizer, special = order.tokenizer, order.special
    learn = {"wordpiece": _wordpiece, "bpe": _bpe, "unigram": _unigram, "characters": _characters}[kind]
    tokenizer.model = learn(order)
    tokenizer.add_special_tokens([_added(name, special, kind) for name in (*special.names, *order.sentinels)])
    tokenizer.post_processor = _post_processor(tokenizer, special, kind)
    return tokenizer


def _without_tokens(kind: VocabularyKind, cased: bool) -> Tokenizer:
    """As BERT's (wordpiece, characters), GPT-2's (bpe; a text begins with a space), and SentencePiece's (unigram)."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
        )
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    else:
        tokenizer = Tokenizer(models.WordPiece())
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not cased)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.FixedLength(LONGEST_WORD)]
        )
        tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _wordpiece(order: Order) -> Any:
    """The characters first, then pairs of tokens in the order of their counts; all characters if there is room."""
    from tokenizers import models

    alphabet = alphabet_of(order.sentences, order.tokenizer)
    found: list[str] = []
    for coverage in (COVERAGE, 1.0):
        found = _merged(order, alphabet.tokens(order.room, coverage))
        if len(found) >= order.room:
            break
    order.check(len(found))
    return models.WordPiece(order.ids(found), unk_token=order.special.unknown)


def _merged(order: Order, alphabet: list[str]) -> list[str]:
    """The alphabet, and what WordPieceTrainer makes of it.

    It numbers the tokens "##c" in the order of a hash table, and breaks ties by number: so they are given to it, with
    all the others, as special tokens, which it numbers first.
    """
    from tokenizers import trainers

    tokenizer = deepcopy(order.tokenizer)  # to which they are added
    trainer = trainers.WordPieceTrainer(
        vocab_size=order.room, special_tokens=alphabet, limit_alphabet=0, min_frequency=LEAST, show_progress=False
    )
    tokenizer.train_from_iterator(iter(order.documents), trainer)
    vocab = tokenizer.get_vocab(with_added_tokens=False)
    return sorted(vocab, key=lambda name: vocab[name])


def _characters(order: Order) -> Any:
    """All characters of the text, or the most frequent ones."""
    from tokenizers import models

    alphabet = alphabet_of(order.sentences, order.tokenizer)
    return models.WordPiece(order.ids(alphabet.tokens(order.room)), unk_token=order.special.unknown)


def _bpe(order: Order) -> Any:
    """All bytes, then pairs of tokens in the order of their counts."""
    from tokenizers import models, pre_tokenizers, trainers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    if order.room < len(alphabet):
        least = order.size_with(len(alphabet))
        raise RequestError(f"--vocab-size {order.size}: a bpe vocabulary has all bytes: give {least} at least")
    trainer = trainers.BpeTrainer(
        vocab_size=order.room, initial_alphabet=alphabet, min_frequency=LEAST, show_progress=False
    )
    order.tokenizer.train_from_iterator(iter(order.documents), trainer)
    model = json.loads(order.tokenizer.to_str())["model"]
    found = sorted(model["vocab"], key=lambda name: model["vocab"][name])
    order.check(len(found))
    return models.BPE(vocab=order.ids(found), merges=[tuple(pair) for pair in model["merges"]])


def _unigram(order: Order) -> Any:
    """SentencePiece's own (Kudo 2018): the trainer of `tokenizers` sums in the order of a hash table."""
    from io import BytesIO

    import sentencepiece
    from tokenizers import models

    normalize, written = order.tokenizer.normalizer.normalize_str, BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=map(normalize, order.sentences), model_writer=written, model_type="unigram",
            vocab_size=order.room + 1, unk_id=0, pad_id=-1, bos_id=-1, eos_id=-1, character_coverage=COVERAGE,
            normalization_rule_name="identity", num_threads=THREADS, max_sentence_length=LONGEST, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        raise _refusal(order, str(error)) from error
    found = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    scores = {found.id_to_piece(i): found.get_score(i) for i in range(1, found.get_piece_size())}
    vocab = [(name, scores.get(name, SPECIAL_SCORE)) for name in order.ids(scores)]
    return models.Unigram(vocab, unk_id=order.special.names.index(order.special.unknown))


def _refusal(order: Order, said: str) -> RequestError:
    """What SentencePiece said, in our words."""
    most = re.search(r"set it to a value <= (\d+)", said)
    if most:
        order.check(int(most[1]) - 1)
    least = re.search(r"smaller than required_chars\. \d+ vs (\d+)", said)
    if least:
        needed = order.size_with(int(least[1]) - 1)
        return RequestError(f"--vocab-size {order.size}: the text's characters need {needed:,} tokens at least")
    return RequestError(f"--vocabulary unigram: this text gives no vocabulary: {one_line(said)}")


def _added(name: str, special: SpecialTokens, kind: VocabularyKind) -> AddedToken:
    """A special token; one that stands for text takes the space before it along, where spaces are part of tokens."""
    from tokenizers import AddedToken

    stands_for_text = name not in special.single and name != special.roles["pad_token"]
    return AddedToken(name, special=True, normalized=False, lstrip=kind == "bpe" and stands_for_text)


def _post_processor(tokenizer: Tokenizer, special: SpecialTokens, kind: VocabularyKind) -> Any:
    """Special tokens around texts; offsets of bytes without the space before them."""
    from tokenizers import processors

    around = [(name, tokenizer.token_to_id(name)) for name in special.names if name in special.single]
    template = processors.TemplateProcessing(single=special.single, pair=special.pair, special_tokens=around)
    return processors.Sequence([processors.ByteLevel(trim_offsets=True), template]) if kind == "bpe" else template
