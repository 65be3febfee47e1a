"""What objectives know of a vocabulary: special tokens, tokens that continue a word, sentinels."""

from __future__ import annotations

from typing import Any

import transformers
from tokenizers import Tokenizer, models

from bertkit.encoders import sample_folder
from bertkit.models.vocabularies import pieces_of, trained
from bertkit.pretraining import Vocabulary

TEXT = [["the old man of the sea, the sea", "she sold shells at the shore", "then all the men met there"] * 3]


def learnt(kind: Any, architecture: Any, size: int) -> Any:
    return trained(Vocabulary(kind=kind, size=size), architecture, TEXT, 64)


def words(tokenizer: Any, text: str) -> list[str]:
    """The text's tokens, those that continue a word joined to the one before by a plus."""
    continues = pieces_of(tokenizer).continues
    found = ""
    for number in tokenizer(text, add_special_tokens=False)["input_ids"]:
        found += ("+" if continues[number] else " ") + tokenizer.convert_ids_to_tokens(number)
    return found.split()


def test_two_hashes_continue_a_word_in_wordpiece_and_a_comma_is_a_word() -> None:
    assert words(learnt("characters", "bert", 100), "old sea,") == ["o+##l+##d", "s+##e+##a", ","]


def test_a_token_without_a_space_continues_a_word_of_bytes() -> None:
    tokens = words(learnt("bpe", "roberta", 280), "the sea, xy")
    assert [token.replace("+", "") for token in tokens] == ["Ġthe", "Ġsea,", "Ġxy"]


def test_a_token_without_a_space_continues_a_word_of_unigram() -> None:
    tokens = words(learnt("unigram", "t5", 28), "the sea, olm")
    assert [token.replace("+", "") for token in tokens] == ["▁the", "▁sea,", "▁olm"]


def test_an_id_that_is_not_used_is_never_drawn() -> None:
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 3}, unk_token="[UNK]"))
    found = pieces_of(transformers.PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]"))
    assert (found.size, found.plain.tolist()) == (4, [1, 3])


def test_special_tokens_are_never_parts_of_words() -> None:
    for kind, architecture, size in (("bpe", "bart", 280), ("unigram", "t5", 28), ("wordpiece", "bert", 28)):
        pieces = pieces_of(learnt(kind, architecture, size))
        assert not (pieces.special & pieces.continues).any()


def test_the_ids_of_bert_s_special_tokens_are_known() -> None:
    pieces = pieces_of(learnt("wordpiece", "bert", 28))
    assert (pieces.pad, pieces.start, pieces.end, pieces.mask, pieces.sentinels) == (0, 2, 3, 4, ())
    assert (pieces.size, pieces.special[:5].all(), pieces.special[5:].any()) == (28, True, False)


def test_sentinels_are_special_and_in_the_order_of_their_numbers() -> None:
    """An eighth of 28; <extra_id_0> is the last token."""
    pieces = pieces_of(learnt("unigram", "t5", 28))
    assert (pieces.sentinels, pieces.mask, pieces.start, pieces.end) == ((27, 26, 25), None, None, 1)
    assert pieces.special[25:].all()


def test_gpt2_ends_a_text_with_its_one_special_token() -> None:
    pieces = pieces_of(learnt("bpe", "gpt2", 280))
    assert (pieces.end, pieces.pad, pieces.mask, int(pieces.special.sum())) == (0, 0, None, 1)


def test_a_published_vocabulary_is_understood() -> None:
    """MiniLM's is BERT's: 30,522 tokens, of which 5,828 begin with ##."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(sample_folder())
    pieces = pieces_of(tokenizer)
    assert (pieces.pad, pieces.start, pieces.end, pieces.mask) == (0, 101, 102, 103)
    assert (pieces.size, int(pieces.special.sum()), int(pieces.continues.sum())) == (30_522, 5, 5_828)
    assert words(tokenizer, "Embryology, now") == ["embryo+##logy", ",", "now"]
