"""Vocabularies learnt from a corpus: of every kind for every architecture, the same each time, read by transformers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from bertkit.data.special_tokens import SPECIAL_TOKENS
from bertkit.data.vocabularies import learnt
from bertkit.errors import RequestError
from bertkit.models.vocabularies import trained
from bertkit.pretraining import Vocabulary

KINDS = ("wordpiece", "bpe", "unigram", "characters")
WORDS = [
    "the",
    "the",
    "the",
    "of",
    "old",
    "sea",
    "man",
    "by",
    "she",
    "said",
    "isn't",
    "he",
    "sold",
    "shells",
    "at",
    "boat",
]
WORDS += ["water", "night", "morning", "1847", "3069", "25"]
ENGLISH = [" ".join(np.random.default_rng(i).choice(WORDS, 9)).capitalize() + "!" for i in range(80)]
CHINESE = ["台湾大学在台北。", "我在大学里学中文。"]
SIZES = {"wordpiece": 90, "bpe": 330, "unigram": 70, "characters": 500}


def of(kind: Any, architecture: Any = "bert", size: int | None = None, cased: bool = False) -> Tokenizer:
    vocabulary = Vocabulary(kind=kind, size=size or SIZES[kind], cased=cased)
    return learnt(vocabulary, architecture, [ENGLISH, CHINESE] if kind == "characters" else [ENGLISH])


def random_words(seed: int = 0) -> list[list[str]]:
    """Sentences of words that were drawn, many of the same count: what a trainer has to decide between."""
    draws = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyzäöüß的一是不"))
    words = ["".join(draws.choice(letters, draws.integers(2, 9))) for _ in range(600)]
    return [[" ".join(draws.choice(words, 12)) for _ in range(10)] for _ in range(40)]


PRINTED = """
import sys, test_vocabularies as tests
from bertkit.data.vocabularies import learnt
from bertkit.pretraining import Vocabulary
sys.stdout.write(learnt(Vocabulary(kind=sys.argv[1], size=600), "bert", tests.random_words()).to_str())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_is_the_same_in_another_process_with_other_threads(kind: str) -> None:
    found = []
    for threads in ("1", "3"):
        environment = {**os.environ, "RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "true"}
        done = subprocess.run(
            [sys.executable, "-c", PRINTED, kind], cwd=Path(__file__).parent, env=environment, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        found.append(done.stdout)
    assert len(json.loads(found[0])["model"]["vocab"]) > 50
    assert found[0] == found[1]


@pytest.mark.parametrize("architecture", SPECIAL_TOKENS)
@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_a_vocabulary_has_the_size_asked_for_special_tokens_counted(kind: str, architecture: str) -> None:
    assert of(kind, architecture).get_vocab_size() == SIZES[kind]


FRAMED = {
    "bert": "[CLS] the [SEP] sea [SEP]",
    "albert": "[CLS] the [SEP] sea [SEP]",
    "modernbert": "[CLS] the [SEP] sea [SEP]",
    "roberta": "<s> the </s> </s> sea </s>",
    "bart": "<s> the </s> </s> sea </s>",
    "gpt2": "the sea",
    "t5": "the </s> sea </s>",
}


@pytest.mark.parametrize(("architecture", "framed"), FRAMED.items())
def test_special_tokens_stand_around_two_texts_as_in_the_published_tokenizer(architecture: str, framed: str) -> None:
    assert of("wordpiece", architecture).encode("the", "sea").tokens == framed.split()


@pytest.mark.parametrize(
    ("architecture", "first"),
    [
        ("bert", "[PAD] [UNK] [CLS] [SEP] [MASK]"),
        ("albert", "<pad> <unk> [CLS] [SEP] [MASK]"),
        ("modernbert", "[UNK] [CLS] [SEP] [PAD] [MASK]"),
        ("roberta", "<s> <pad> </s> <unk> <mask>"),
        ("bart", "<s> <pad> </s> <unk> <mask>"),
        ("t5", "<pad> </s> <unk>"),
        ("gpt2", "<|endoftext|>"),
    ],
)
def test_the_first_tokens_are_the_special_ones(architecture: str, first: str) -> None:
    tokenizer = of("bpe", architecture)
    names = [tokenizer.id_to_token(number) for number in range(len(first.split()))]
    assert names == first.split()


def test_the_last_tokens_of_t5_are_its_sentinels_backwards() -> None:
    """An eighth of 70."""
    tokenizer = of("unigram", "t5")
    assert [tokenizer.id_to_token(number) for number in range(62, 70)] == [f"<extra_id_{7 - i}>" for i in range(8)]


def test_wordpiece_lowers_the_case_unless_it_is_cased() -> None:
    assert of("wordpiece").encode("The sea", add_special_tokens=False).tokens == ["the", "sea"]
    assert of("wordpiece", cased=True).encode("The sea", add_special_tokens=False).tokens[0] != "the"


def test_bytes_keep_the_case_and_any_text() -> None:
    tokenizer = of("bpe")
    ids = tokenizer.encode("The Café 台湾 🙂\n", add_special_tokens=False).ids
    assert tokenizer.decode(ids) == " The Café 台湾 🙂\n"


def test_a_blank_takes_the_space_before_it_along_where_spaces_are_in_tokens() -> None:
    tokens = of("bpe").encode("the [MASK] sea", add_special_tokens=False).tokens
    assert [token.strip() for token in tokens] == ["Ġthe", "[MASK]", "Ġsea"]


def test_every_chinese_character_is_a_token() -> None:
    tokens = of("characters").encode("台[MASK]大学", add_special_tokens=False).tokens
    assert tokens == ["台", "[MASK]", "大", "学"]


def test_letters_that_continue_a_word_are_marked() -> None:
    tokens = of("characters").encode("The sea! 18", add_special_tokens=False).tokens
    assert tokens == ["t", "##h", "##e", "s", "##e", "##a", "!", "1", "##8"]


@pytest.mark.parametrize("kind", ["characters", "wordpiece"])
def test_a_word_of_any_length_is_known(kind: Any) -> None:
    """As a line of DNA, or of a language that parts no words: the model itself gives up at 100 characters."""
    text = ["gattaca" * 90, "tac gat " * 30]
    tokenizer = learnt(Vocabulary(kind=kind, size=16), "bert", [text])
    encoded = tokenizer.encode(text[0], add_special_tokens=False)
    assert "[UNK]" not in encoded.tokens
    assert "".join(token.removeprefix("##") for token in encoded.tokens) == text[0]


def test_characters_are_as_many_as_there_are_and_the_commonest_first() -> None:
    tokenizer = learnt(Vocabulary(kind="characters", size=500), "bert", [["bab aab ab"]])  # ##b 3, a 2, ##a 2, b 1
    names = [tokenizer.id_to_token(number) for number in range(5, tokenizer.get_vocab_size())]
    assert names == ["a", "##a", "b", "##b"]  # a and b occur four times each: by code point


def test_a_special_token_that_is_spelt_in_a_text_can_be_read_as_text() -> None:
    tokenizer = learnt(Vocabulary(kind="unigram", size=75), "roberta", [ENGLISH, ["<s> </s>"]])
    tokenizer.encode_special_tokens = True
    tokens = tokenizer.encode("sea <s>", add_special_tokens=False).tokens
    assert "".join(tokens) == "▁sea▁<s>"
    assert "<s>" not in tokens


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_a_vocabulary_beyond_the_text_is_refused_with_the_largest_there_can_be(kind: str) -> None:
    with pytest.raises(RequestError, match=rf"--vocab-size 5000: the text supports a {kind} vocabulary of ") as caught:
        of(kind, size=5000)
    most = int(str(caught.value).split(" tokens at most")[0].split()[-1].replace(",", ""))
    assert of(kind, size=most).get_vocab_size() == most
    with pytest.raises(RequestError, match="at most"):
        of(kind, size=most + 1)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("bpe", "--vocab-size 100: a bpe vocabulary has all bytes: give 261 at least"),
     ("unigram", r"--vocab-size 20: the text's characters need \d+ tokens at least")],
)  # fmt: skip
def test_a_vocabulary_too_small_for_its_kind_is_refused(kind: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        of(kind, size=100 if kind == "bpe" else 20)


def test_the_least_unigram_vocabulary_is_the_one_that_is_named() -> None:
    with pytest.raises(RequestError) as caught:
        of("unigram", size=20)
    least = int(str(caught.value).split(" tokens at least")[0].split()[-1])
    assert of("unigram", size=least).get_vocab_size() == least


READ = """
import json, sys
import transformers
found = {}
for folder in sys.argv[1:]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    one = tokenizer("The old sea", "isn't 台 1847?")
    roles = [getattr(tokenizer, f"{role}_token") for role in ("bos", "eos", "pad", "unk", "cls", "sep", "mask")]
    found[folder] = [dict(one), tokenizer.decode(one["input_ids"]), len(tokenizer), tokenizer.model_max_length, roles]
assert "bertkit" not in sys.modules
print(json.dumps(found))
"""


def test_transformers_reads_what_is_saved_whatever_the_architecture(tmp_path: Path) -> None:
    """Ids, types, decoding, size, length and special tokens, in a process without bertkit."""
    expected = {}
    for architecture in SPECIAL_TOKENS:
        for kind in KINDS:
            folder = tmp_path / f"{architecture}-{kind}"
            size = SIZES[kind]
            tokenizer = trained(Vocabulary(kind=kind, size=size), architecture, [ENGLISH, CHINESE], 64)
            tokenizer.save_pretrained(folder)
            (folder / "config.json").write_text(json.dumps({"model_type": architecture}))
            one = tokenizer("The old sea", "isn't 台 1847?")
            roles = [getattr(tokenizer, f"{role}_token") for role in ("bos", "eos", "pad", "unk", "cls", "sep", "mask")]
            decoded = tokenizer.decode(one["input_ids"])
            expected[str(folder)] = [dict(one), decoded, len(tokenizer), 64, roles]
    done = subprocess.run([sys.executable, "-c", READ, *expected], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
