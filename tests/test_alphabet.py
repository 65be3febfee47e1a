"""The characters that begin words and continue them, and the text that vocabularies are learnt from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from bertkit.data import vocabulary_text as bounds
from bertkit.data.alphabet import Alphabet, alphabet_of
from bertkit.data.vocabulary_text import vocabulary_text


def bert() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece())
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def counted(alphabet: Alphabet) -> tuple[dict[str, int], dict[str, int]]:
    begins, continues = (
        {chr(point): int(counts[point]) for point in np.flatnonzero(counts)}
        for counts in (alphabet.begins, alphabet.continues)
    )
    return begins, continues


def test_the_first_character_of_a_word_begins_it_and_the_others_continue_it() -> None:
    """The words of this are: the, sea, ', s, 台, 大."""
    begins, continues = counted(alphabet_of(["The sea's 台大"], bert()))
    assert begins == {"t": 1, "s": 2, "'": 1, "台": 1, "大": 1}
    assert continues == {"h": 1, "e": 2, "a": 1}


@example(["0\U00010f55a"])  # punctuation since Unicode 14, which tokenizers does not know yet
@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=30), max_size=8))
def test_words_are_cut_as_bert_s_pre_tokenizer_cuts_them(sentences: list[str]) -> None:
    tokenizer = bert()
    begins: Counter[str] = Counter()
    continues: Counter[str] = Counter()
    for sentence in sentences:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(sentence)):
            begins.update(word[0])
            continues.update(word[1:])
    assert counted(alphabet_of(sentences, tokenizer)) == (begins, continues)


def test_a_block_s_end_ends_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.data.alphabet.BLOCK", 2)
    assert counted(alphabet_of(["ab", "cd"], bert())) == ({"a": 1, "c": 1}, {"b": 1, "d": 1})


def test_the_most_frequent_characters_come_first_each_with_its_continuing_form() -> None:
    """a occurs 4 times, b 3, c 3 and continues no word."""
    alphabet = alphabet_of(["aab ab b a c c c"], bert())
    assert alphabet.tokens(10) == ["a", "##a", "b", "##b", "c"]
    assert alphabet.tokens(3) == ["a", "##a"]


def test_characters_beyond_the_coverage_are_left_out() -> None:
    """a, b and c are 4, 3 and 3 of 10 characters: a and b are 7 tenths of them."""
    alphabet = alphabet_of(["aab ab b a c c c"], bert())
    assert alphabet.tokens(10, coverage=0.7) == ["a", "##a", "b", "##b"]
    assert alphabet.tokens(10, coverage=0.71) == ["a", "##a", "b", "##b", "c"]


DOCUMENTS = [[f"{'abc ' * 5}{i}" for i in range(50)], ["台湾大学在台北" * 3] * 20]


def test_a_small_text_is_read_whole() -> None:
    assert list(vocabulary_text(lambda: DOCUMENTS, "unigram")) == DOCUMENTS


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_of_much_text_without_spaces_an_even_share_is_read(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 sentences of 21 characters, of which 105 may be read: every fourth sentence."""
    monkeypatch.setattr(bounds, "MOST_UNSPACED", 105)
    first, second = vocabulary_text(lambda: DOCUMENTS, kind)
    assert (first, second) == (DOCUMENTS[0], DOCUMENTS[1][::4])


def test_characters_and_wordpiece_read_text_without_spaces_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_UNSPACED", 105)
    assert list(vocabulary_text(lambda: DOCUMENTS, "characters")) == DOCUMENTS
    assert list(vocabulary_text(lambda: DOCUMENTS, "wordpiece")) == DOCUMENTS


def test_the_same_sentences_are_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST", 500)
    text = vocabulary_text(lambda: DOCUMENTS, "wordpiece")
    once, again = list(text), list(text)
    assert once == again
    assert 0 < len(once[0]) < 50
