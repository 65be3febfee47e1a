"""Learn a vocabulary from a corpus, as a tokenizer in transformers' form; and what objectives know of one.

V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bertkit.errors import RequestError
from bertkit.objectives.base import Architecture
from bertkit.objectives.rows import Pieces
from bertkit.pretraining import VOCABULARIES, Vocabulary, VocabularyKind

SENTINELS = 100
"""T5's <extra_id_0> to <extra_id_99>, at most a tenth of the vocabulary."""
MOST_CHARACTERS = 200_000_000
"""Characters that unigram reads at most: it holds every substring that may become a token."""
BEGINS = ("▁", "Ġ")
"""What a token of unigram and of byte-level BPE begins with at the start of a word."""
CONTINUES = "##"
"""What one of WordPiece begins with elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Specials:
    """The special tokens of an architecture, by their names in transformers, and where they stand in a text.

    order   all of them, in the order of their ids
    around  the template of one text, and that of two
    """

    named: dict[str, str]
    order: tuple[str, ...]
    around: tuple[str, str] | None


def _bert(*order: str) -> Specials:
    named = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
    return Specials(named=named, order=order, around=("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"))


_ROBERTA = Specials(
    named={"bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>"},
    order=("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    around=("<s> $A </s>", "<s> $A </s> </s> $B </s>"),
)
SPECIALS: dict[Architecture, Specials] = {
    "bert": _bert("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "albert": _bert("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "modernbert": _bert("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"),
    "roberta": _ROBERTA,
    "bart": _ROBERTA,
    "gpt2": Specials(
        named={"bos": "<|endoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>", "pad": "<|endoftext|>"},
        order=("<|endoftext|>",),
        around=None,
    ),
    "t5": Specials(
        named={"pad": "<pad>", "eos": "</s>", "unk": "<unk>"},
        order=("<pad>", "</s>", "<unk>"),
        around=("$A </s>", "$A </s> $B </s>"),
    ),
}


def trained(vocabulary: Vocabulary, architecture: Architecture, documents: Iterable[list[str]], max_length: int) -> Any:
    """The tokenizer learnt from the documents' sentences, a PreTrainedTokenizerFast.

    Raises RequestError if the text does not support a vocabulary of that size.
    """
    from tokenizers import AddedToken, processors
    from transformers import PreTrainedTokenizerFast

    kind = vocabulary.kind or VOCABULARIES[architecture]
    specials = SPECIALS[architecture]
    extra = _sentinels(vocabulary.size) if architecture == "t5" else ()
    backend = _learnt(kind, vocabulary, specials, extra, documents)
    if specials.around:
        one, two = specials.around
        ids = [(token, backend.token_to_id(token)) for token in dict.fromkeys(specials.named.values())]
        used = [(token, number) for token, number in ids if token in one.split()]
        backend.post_processor = processors.TemplateProcessing(single=one, pair=two, special_tokens=used)
    named: dict[str, Any] = {f"{name}_token": token for name, token in specials.named.items()}
    if "mask_token" in named and kind != "wordpiece":  # the space before a blank belongs to it
        named["mask_token"] = AddedToken(named["mask_token"], lstrip=True, special=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=max_length, additional_special_tokens=list(extra) or None, **named
    )


def _sentinels(size: int) -> tuple[str, ...]:
    return tuple(f"<extra_id_{k}>" for k in range(min(SENTINELS, size // 10)))


def _learnt(
    kind: VocabularyKind, vocabulary: Vocabulary, specials: Specials, extra: tuple[str, ...],
    documents: Iterable[list[str]],
) -> Any:  # fmt: skip
    """The trained tokenizer of the library `tokenizers`. Raises RequestError."""
    order, unknown = [*specials.order, *extra], specials.named["unk"]
    read = (" ".join(document) for document in documents)
    if kind == "characters":
        return _of_characters(vocabulary, order, unknown, read)
    common = {"vocab_size": vocabulary.size, "special_tokens": order, "show_progress": False}
    made = {"wordpiece": _wordpiece, "bpe": _byte_level, "unigram": _unigram}[kind]
    backend, trainer = made(vocabulary, unknown, common)
    backend.train_from_iterator(_capped(read) if kind == "unigram" else read, trainer)
    if (size := backend.get_vocab_size()) < vocabulary.size:
        raise RequestError(
            f"--vocab-size {vocabulary.size:,}: the text supports a {kind} vocabulary of at most {size:,} tokens"
        )
    return backend


def _wordpiece(vocabulary: Vocabulary, unknown: str, common: dict[str, Any]) -> tuple[Any, Any]:
    """BERT's: an untrained tokenizer, and its trainer."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.WordPiece(unk_token=unknown))
    backend.normalizer = normalizers.BertNormalizer(lowercase=not vocabulary.cased)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend, trainers.WordPieceTrainer(**common)


def _byte_level(vocabulary: Vocabulary, unknown: str, common: dict[str, Any]) -> tuple[Any, Any]:
    """GPT-2's and RoBERTa's, with a space before the first word too."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    if not vocabulary.cased:
        backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    backend.decoder = decoders.ByteLevel()
    return backend, trainers.BpeTrainer(initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), **common)


def _unigram(vocabulary: Vocabulary, unknown: str, common: dict[str, Any]) -> tuple[Any, Any]:
    """SentencePiece's, as T5 and ALBERT have it (Kudo 2018)."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.Unigram())
    lower = [] if vocabulary.cased else [normalizers.Lowercase()]
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), *lower])
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return backend, trainers.UnigramTrainer(unk_token=unknown, **common)


def _capped(texts: Iterator[str]) -> Iterator[str]:
    """The texts, until MOST_CHARACTERS are read."""
    count = 0
    for text in texts:
        yield text
        count += len(text)
        if count > MOST_CHARACTERS:
            return


def _of_characters(vocabulary: Vocabulary, order: list[str], unknown: str, texts: Iterator[str]) -> Any:
    """Each character a token, the commonest ones: in WordPiece's form, so that words can be told apart."""
    from collections import Counter

    from tokenizers import models

    backend, _ = _wordpiece(vocabulary, unknown, {})
    counts: Counter[str] = Counter()
    for text in texts:
        for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text)):
            counts[word[0]] += 1
            counts.update(CONTINUES + character for character in word[1:])
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    tokens = [*order, *ranked[: vocabulary.size - len(order)]]
    ids = {token: number for number, token in enumerate(tokens)}
    backend.model = models.WordPiece(ids, unk_token=unknown, max_input_chars_per_word=10**6)
    backend.add_special_tokens(order)
    return backend


def pieces_of(tokenizer: Any) -> Pieces:
    """What objectives know of a tokenizer in transformers' form."""
    names = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = np.zeros(len(names), np.bool_)
    special[[number for number in tokenizer.all_special_ids if number < len(names)]] = True
    extra = {name: number for number, name in enumerate(names) if name.startswith("<extra_id_")}
    special[list(extra.values())] = True
    return Pieces(
        special=special,
        continues=_continuing(names) & ~special,
        mask=tokenizer.mask_token_id,
        start=tokenizer.cls_token_id,
        end=tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
        sentinels=tuple(extra[name] for name in sorted(extra, key=lambda name: int(name[10:-1]))),
    )


def _continuing(names: list[str]) -> Any:
    """(V,) whether each token continues a word: it has ## before it, or lacks the mark of a word's start."""
    pieces = np.array([name.startswith(CONTINUES) and len(name) > 2 for name in names])
    begins = np.array([name.startswith(BEGINS) for name in names])
    return pieces if pieces.sum() >= begins.sum() else ~begins
