"""Which token of a word its label is read at."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from bertkit.heads.tagging import Tagging
from bertkit.heads.window import Window

PIECES = [
    ("<unk>", 0.0),
    ("▁", -2.0),
    ("▁the", -1.0),
    ("cat", -2.0),
    ("▁cat", -1.0),
    ("s", -2.0),
    ("简单", -1.0),
    (",", -1.0),
]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """Sentencepiece's kind, with no special tokens."""
    pieces = Tokenizer(models.Unigram(PIECES, unk_id=0))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=pieces, unk_token="<unk>")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["the", "cats"], [0, 1]),  # ▁the ▁cat s
        (["简单", "the", "简单"], [1, 2, 4]),  # ▁ 简单 ▁the ▁ 简单
        (["the", ",", "cat"], [0, 1, 3]),  # ▁the ▁ , ▁cat
        (["▁", "the"], [0, 1]),  # a word that is a mark alone has no other token
    ],
)
def test_a_word_is_read_at_its_first_token_but_not_at_a_bare_mark_before_letters(
    tokenizer: PreTrainedTokenizerFast, words: list[str], first: list[int]
) -> None:
    head = Tagging(labels=("A", "B"))
    rows = {"words": [words], "tags": [["A"] * len(words)]}
    features = head.encode(rows, tokenizer, Window(max_length=20))
    assert features.places["first"][0].tolist() == first
    assert features.targets is not None
    assert [place for place, target in enumerate(features.targets[0].tolist()) if target == 0] == first
