"""Words that are masked whole: their tokens, the constant's answers by hand, and a plain loop of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from kept import last, run_of
from sklearn.linear_model import LogisticRegression

from bertkit.analysis.masked_words import from_digits, load_masked, measure_words
from bertkit.analysis.probes import ProbeRows, measure_probes, probe, tagged_words, word_vectors
from bertkit.analysis.treebank import UPOS, SampledWords, Sentences, sample_words, shares
from bertkit.analysis.word_tokens import best_constant, constant_right, shares_by_tag, word_tokens
from bertkit.data.rows import Rows
from bertkit.data.table import Table
from bertkit.models.load import Loaded
from bertkit.progress import Progress

SENTENCES = [(text.split(), tags.split()) for text, tags in tiny.SENTENCES]


def sampled(sentences: Sequence[tuple[list[str], list[str]]]) -> SampledWords:
    """All of their words."""
    words = [(k, i, UPOS.index(tag)) for k, (_, tags) in enumerate(sentences) for i, tag in enumerate(tags)]
    sentence, place, tag = (np.array(column) for column in zip(*words, strict=True))
    there = {name: int((tag == code).sum()) for code, name in enumerate(UPOS) if (tag == code).any()}
    return SampledWords(sentences=[text for text, _ in sentences], sentence=sentence, place=place, tag=tag, there=there)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("kept") / "run")


@pytest.fixture(scope="module")
def learnt(run: Path) -> Loaded:
    return load_masked(last(run), tiny.TAGS)


def reference(model: Any, tokenizer: Any, words: list[str], place: int, masks: bool) -> bool:
    """Whether every token of one word is the most probable one at its place."""
    batch = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    where = [i for i, word in enumerate(batch.word_ids()) if word == place]
    gold = batch["input_ids"][0, where].clone()
    if masks:
        batch["input_ids"][0, where] = tokenizer.mask_token_id
    return bool((model(**batch).logits[0, where].argmax(-1) == gold).all())


def test_a_word_is_right_as_a_plain_loop_of_transformers_finds_it(run: Path, learnt: Loaded) -> None:
    words = sampled(SENTENCES)
    found = measure_words(learnt, word_tokens(words, learnt.tokenizer, 32), tiny.accelerator(), Progress())
    model = transformers.AutoModelForMaskedLM.from_pretrained(last(run)).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(last(run))
    where = list(zip(words.sentence, words.place, strict=True))
    with torch.no_grad():
        filled, whole = (
            [reference(model, tokenizer, words.sentences[s], p, masks) for s, p in where] for masks in (True, False)
        )
    assert from_digits(found["fill"]).tolist() == filled
    assert from_digits(found["whole"]).tolist() == whole
    assert 0 < sum(filled) + sum(whole) < 2 * len(words)  # or nothing is compared


def test_all_tokens_of_a_word_are_masked_at_once_and_no_other(learnt: Loaded) -> None:
    tokenizer = learnt.tokenizer
    words = sampled([(["The", "orchestra", "played"], ["DET", "NOUN", "VERB"])])
    asked = word_tokens(words, tokenizer, 32).masked
    pieces = [tokenizer.tokenize(word) for word in words.sentences[0]]
    assert len(pieces[1]) > 1
    shown = [tokenizer.convert_ids_to_tokens(asked.features.inputs["input_ids"][k]) for k in range(3)]
    assert shown[1] == ["[CLS]", *pieces[0], *["[MASK]"] * len(pieces[1]), *pieces[2], "[SEP]"]
    assert shown[0] == ["[CLS]", *["[MASK]"] * len(pieces[0]), *pieces[1], *pieces[2], "[SEP]"]
    assert asked.word.tolist() == [k for k, parts in enumerate(pieces) for _ in parts]


def test_the_untrained_model_equals_the_constant_it_answers(run: Path) -> None:
    loaded = load_masked(run / "kept" / "step-000000000", tiny.TAGS)
    words = sampled([([",", "the", ",", "a"], ["PUNCT", "DET", "SYM", "DET"]), (["..", ",,", ",a"], ["PUNCT"] * 3)])
    tokens = word_tokens(words, loaded.tokenizer, 16)
    found = measure_words(loaded, tokens, tiny.accelerator(), Progress())
    comma = loaded.tokenizer.convert_tokens_to_ids(",")
    assert found["said"] == {"token": comma, "share": 1.0}
    # a comma is right for ",", and for ",,", which is two of them; not for "the", "a", ".." and ",a"
    assert found["fill"] == found["whole"] == "1010010"
    assert constant_right(tokens, comma).tolist() == from_digits(found["fill"]).tolist()


def test_the_constant_is_the_commonest_word_and_its_share_of_each_part_of_speech(learnt: Loaded) -> None:
    tags = ["DET", "NOUN", "DET", "ADP", "DET", "PUNCT", "PUNCT"]
    words = sampled([(["the", "the", "the", "of", "a", ",", "."], tags)])
    tokens = word_tokens(words, learnt.tokenizer, 16)
    best = best_constant(tokens, words.weights)
    assert learnt.tokenizer.convert_ids_to_tokens(best) == "the"  # three of seven
    expected = {"ADP": 0.0, "DET": 2 / 3, "PUNCT": 0.0, "NOUN": 1.0}
    assert shares_by_tag(constant_right(tokens, best), words) == pytest.approx(expected)
    heavy = np.where(words.tag == UPOS.index("ADP"), 4.0, 1.0)
    assert learnt.tokenizer.convert_ids_to_tokens(best_constant(tokens, heavy)) == "of"


def test_a_word_that_is_cut_off_or_unknown_is_wrong_and_counted(learnt: Loaded) -> None:
    words = sampled([(["of"] * 20, ["ADP"] * 20), (["果", "the"], ["NOUN", "DET"])])
    tokens = word_tokens(words, learnt.tokenizer, 16)
    assert tokens.lost == {"cut off by the model's length": 6, "with an unknown token": 1}  # 16 less [CLS] and [SEP]
    found = measure_words(learnt, tokens, tiny.accelerator(), Progress())
    assert not from_digits(found["whole"])[14:21].any()


def test_rare_parts_of_speech_are_taken_whole_and_the_others_alike() -> None:
    assert shares(np.array([10, 2, 0, 100]), 30).tolist() == [10, 2, 0, 18]
    assert shares(np.array([10, 2, 0, 100]), 9).tolist() == [3, 2, 0, 4]
    assert shares(np.array([10, 2, 0, 100]), 1000).tolist() == [10, 2, 0, 100]


def test_sampled_words_are_those_of_the_rows_and_stand_for_all_of_their_part_of_speech() -> None:
    texts = [(["a", "b", "c"], ["NOUN", None, "DET"]), (["d", "e"], ["NOUN", "NOUN"]), (["f"], [None])] * 5
    table = Table.from_columns({"words": [w for w, _ in texts], "tags": [t for _, t in texts]})
    found = sample_words(Rows(table=table, origin="here", digest="", there=len(table)), 11)
    assert found.there == {"DET": 5, "NOUN": 15}
    picked = [(found.sentences[s][p], UPOS[t]) for s, p, t in zip(found.sentence, found.place, found.tag, strict=True)]
    assert len(picked) == 11
    assert set(picked) <= {("a", "NOUN"), ("c", "DET"), ("d", "NOUN"), ("e", "NOUN")}
    assert sorted(tag for _, tag in picked) == ["DET"] * 5 + ["NOUN"] * 6
    assert found.weights.sum() == pytest.approx(20)
    assert ["f"] not in found.sentences


def test_a_probe_is_the_logistic_regression_of_words_mean_states_by_scikit_learn_alone(
    run: Path, learnt: Loaded
) -> None:
    codes = [np.array([UPOS.index(tag) for tag in tags], np.int8) for _, tags in SENTENCES]
    rows = Sentences(words=[words for words, _ in SENTENCES], tags=codes)
    found = measure_probes(learnt, ProbeRows(train=rows, scored=rows), 32, tiny.accelerator(), Progress())
    model = transformers.AutoModelForMaskedLM.from_pretrained(last(run)).eval()
    for layer in range(3):
        x, right = _states(model, learnt.tokenizer, layer), []
        x = (x - x.mean(0)) / x.std(0)
        tags = LogisticRegression(max_iter=200).fit(x, np.concatenate(codes)).predict(x)
        for tag, given in zip(codes, np.split(tags, np.cumsum([len(one) for one in codes])), strict=False):
            right.append(int((tag == given).sum()))
        assert found["right"][layer] == right
    vectors = word_vectors(learnt, tagged_words(rows, learnt, 32), [1])[0]
    assert vectors == pytest.approx(_states(model, learnt.tokenizer, 1), abs=1e-5)


def _states(model: Any, tokenizer: Any, layer: int) -> Any:
    found = []
    for words, _ in SENTENCES:
        batch = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            states = model(**batch, output_hidden_states=True).hidden_states[layer][0]
        for place in range(len(words)):
            found.append(states[[i for i, word in enumerate(batch.word_ids()) if word == place]].mean(0).numpy())
    return np.stack(found)


def test_words_without_a_part_of_speech_or_cut_off_are_no_rows_of_a_probe(learnt: Loaded) -> None:
    rows = Sentences(words=[["of"] * 20], tags=[np.array([-1, *range(19)], np.int8)])
    found = tagged_words(rows, learnt, 16)
    assert found.tag.tolist() == list(range(13))  # 14 tokens of text, and the first word has no tag


def test_a_dimension_counts_in_a_probe_whatever_its_size() -> None:
    x = np.array([[0.001]] * 30 + [[-0.001]] * 10, np.float32)  # too small for a penalised weight, were it not scaled
    tags = np.array([1] * 30 + [5] * 10)
    assert probe(x, tags, x).tolist() == tags.tolist()


def test_a_probe_that_knows_one_tag_gives_it() -> None:
    x = np.zeros((3, 2), np.float32)
    assert probe(x, np.array([4, 4, 4]), x[:2]).tolist() == [4, 4]
