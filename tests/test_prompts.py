"""Prompts and the likelihoods of answers to them: against transformers token by token, and worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lm
import numpy as np
import pytest
import tiny
import torch
import transformers

from bertkit import registry
from bertkit.data.prompts import PromptReader, Template, cut_texts, draw_examples, template_of
from bertkit.errors import RequestError
from bertkit.evaluation import likelihoods as module
from bertkit.evaluation.likelihoods import likelihoods
from bertkit.heads import Classification, Window
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.models.forward import forward
from bertkit.models.load import Loaded, load, load_trained, save
from bertkit.models.task_model import task_model
from bertkit.request.flags import Flags
from bertkit.request.prompting_flags import shots_of, words_of
from bertkit.request.specs import spec_of
from bertkit.studies.prompt_answers import Likelihoods
from bertkit.studies.prompting import chance_of

SHARED, PROMPTS = [5, 9, 70, 8, 8, 31], [[4, 7, 9], [11], [3, 200, 17], [40, 41, 42, 43, 44], [6]]
ANSWERS = [[12], [13, 14], [13, 15], [16, 17, 18]]
HEAD = Classification(labels=("negative", "positive"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GPT-2, whose tokenizer and config name no padding token."""
    return lm.causal(tmp_path_factory.mktemp("models") / "gpt2")


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


def one_by_one(model: Any, shared: Sequence[int], prompt: Sequence[int], answer: Sequence[int]) -> float:
    """The log-likelihood of an answer by transformers' own loss, a token at a time, each with its whole prefix."""
    total = 0.0
    for k, token in enumerate(answer):
        ids = [*shared, *prompt, *answer[:k], token]
        labels = [-100] * (len(ids) - 1) + [token]
        total -= float(model(torch.tensor([ids]), labels=torch.tensor([labels])).loss)
    return total


@pytest.mark.parametrize("shared", [[], SHARED], ids=["no examples", "examples"])
@pytest.mark.parametrize("most", [8_192, 1], ids=["in batches", "one by one"])
@torch.no_grad()
def test_likelihoods_are_those_of_transformers_token_by_token(
    model: Any, shared: list[int], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TOKENS", most)
    expected = [[one_by_one(model, shared, prompt, answer) for answer in ANSWERS] for prompt in PROMPTS]
    np.testing.assert_allclose(likelihoods(model, shared, PROMPTS, ANSWERS), expected, rtol=1e-5)


@torch.no_grad()
def test_likelihoods_of_another_architecture_are_those_of_transformers() -> None:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.set_seed(1)
    config = transformers.LlamaConfig(vocab_size=220, **shape, num_key_value_heads=1, initializer_range=0.3)
    model = transformers.LlamaForCausalLM(config).eval()
    expected = [[one_by_one(model, SHARED, prompt, answer) for answer in ANSWERS] for prompt in PROMPTS]
    np.testing.assert_allclose(likelihoods(model, SHARED, PROMPTS, ANSWERS), expected, rtol=1e-5)


def test_the_probabilities_of_all_single_tokens_add_up_to_one(model: Any) -> None:
    every = [[token] for token in range(model.config.vocab_size)]
    assert np.exp(likelihoods(model, [], [[3, 4]], every)).sum() == pytest.approx(1)


@torch.no_grad()
def test_features_of_gpt2_are_answered_alike_with_and_without_padding(folder: Path) -> None:
    loaded = load(tiny.encoder(folder), HEAD, scratch=False, seed=1)
    loaded.model.eval()
    texts = ["fine", "a long and dull film about a very long day", "good film"]
    assert loaded.tokenizer.pad_token == lm.END
    ids = [loaded.tokenizer(text)["input_ids"] for text in texts]
    alone = torch.cat([loaded.model(input_ids=torch.tensor([one])).logits for one in ids])
    np.testing.assert_allclose(logits_of(loaded, texts), alone, atol=1e-6)
    assert alone.std(0).min() > 0.1  # they differ, so that a wrong place would show


def test_gpt2_reads_two_texts_with_the_end_of_text_between_them_and_keeps_that_when_saved(
    folder: Path, tmp_path: Path
) -> None:
    head = Classification(labels=("no", "yes"), pair=True)
    loaded = load(tiny.encoder(folder), head, scratch=False, seed=1)
    features = head.encode({"text": ["a dog"], "text_pair": ["the cat"]}, loaded.tokenizer, Window(max_length=32))
    assert loaded.tokenizer.decode(features.inputs["input_ids"].values) == f"a dog{lm.END}the cat"
    save(loaded, tmp_path)
    again = load_trained(tmp_path, head)
    assert again.tokenizer("a dog", "the cat")["input_ids"] == features.inputs["input_ids"].values.tolist()
    assert again.model.config.pad_token_id == again.pad == 0


def logits_of(loaded: Loaded, texts: Sequence[str]) -> Any:
    """Of one batch, through bertkit's own layout."""
    spec = spec_of(registry.find("sst2"), Flags(sample=True, max_length=32))
    ready = task_model(loaded, HEAD, spec, make_accelerator("cpu", "fp32"))
    features = HEAD.encode({"text": texts}, loaded.tokenizer, Window(max_length=32))
    return forward(ready.network, HEAD, ready.batch(features), ready.readable)


def test_a_prompt_is_the_template_filled_for_each_example_and_then_without_a_label(tokenizer: Any) -> None:
    reader = PromptReader(template_of(None, pair=False), tokenizer, {"bad": "terrible", "good": "great"})
    shared = reader.examples([("a {text} film",), ("dull",)], ["good", "bad"])
    (asked,) = reader.asked([("short",)], after_examples=True)
    whole = "Text: a {text} film\nLabel: great\n\nText: dull\nLabel: terrible\n\nText: short\nLabel:"
    assert tokenizer.decode([*shared, *asked]) == whole
    assert [tokenizer.decode(ids) for ids in reader.labels] == [" terrible", " great"]
    assert reader.asked([("short",)], after_examples=False) == [tokenizer("Text: short\nLabel:")["input_ids"]]


def test_two_texts_have_their_places_in_a_template() -> None:
    template = Template(text="{text}? {text_pair}! So:\t{label}", pair=True)
    assert template.asked(("Is it", "It {text} is")) == "Is it? It {text} is! So:"
    assert template.answer("yes") == "\tyes"


def test_texts_are_cut_to_so_many_tokens_of_two_the_longer_one(tokenizer: Any) -> None:
    long, short = "a film of a day and a night", "so dull"
    ((one,),) = cut_texts({"text": [long]}, False, tokenizer, 4)
    assert long.startswith(one)
    assert len(tokenizer(one)["input_ids"]) == 4
    ((first, second),) = cut_texts({"text": [short], "text_pair": [long]}, True, tokenizer, 10)
    assert first == short
    assert len(tokenizer(second)["input_ids"]) == 10 - len(tokenizer(short)["input_ids"])


def test_examples_are_balanced_over_labels_and_drawn_by_seed_and_draw() -> None:
    golds = ["a", "b", "c"] * 20
    drawn = draw_examples(golds, ["a", "b", "c"], 8, seed=42, draw=1)
    counts = sorted([golds[row] for row in drawn].count(name) for name in "abc")
    assert (counts, len(set(drawn))) == ([2, 3, 3], 8)
    assert drawn == draw_examples(golds, ["a", "b", "c"], 8, seed=42, draw=1)
    assert len({tuple(draw_examples(golds, ["a", "b", "c"], 8, seed, draw)) for seed in (1, 2) for draw in (1, 2)}) == 4
    with pytest.raises(RequestError, match=r"--shots 8: it takes 4 rows of 'b', and train has 1"):
        draw_examples(["a"] * 9 + ["b"], ["a", "b"], 8, seed=42, draw=1)


def test_the_first_of_several_examples_is_of_any_label() -> None:
    firsts = {draw_examples(["a", "b"] * 9, ["a", "b"], 1, 42, draw)[0] % 2 for draw in range(20)}
    assert firsts == {0, 1}


def test_calibrated_answers_divide_by_the_shares_of_prompts_that_say_nothing() -> None:
    rows = np.log([[0.6, 0.2 * 0.2], [0.9, 0.05 * 0.05]])  # per token: 0.6 against 0.2, 0.9 against 0.05
    empty = np.log([[0.8, 0.2**2], [0.6, 0.2**2]])  # shares 0.8 and 0.75 for the first: a mean of 0.775
    found = Likelihoods(shots=0, draw=1, examples=(), rows=rows, empty=empty)
    assert found.answers([1, 2], calibrated=False).tolist() == [0, 0]
    # 0.75 / 0.775 against 0.25 / 0.225; and 0.947 / 0.775 against 0.053 / 0.225
    assert found.answers([1, 2], calibrated=True).tolist() == [1, 0]


def test_chance_takes_each_label_equally_often() -> None:
    golds, labels = ["a"] * 30 + ["b"] * 10, ["a", "b"]
    assert chance_of("accuracy", golds, ["a", "b", "c", "d"]) == 0.25
    assert chance_of("matthews", golds, labels) == pytest.approx(0, abs=0.02)
    # precision of the second label 1/4, recall 1/2: about 2 * (1/8) / (3/4) = 1/3
    assert chance_of("f1", golds, labels) == pytest.approx(1 / 3, abs=0.02)


def test_words_and_shots_are_read_as_typed() -> None:
    assert words_of("positive=great, negative = not good") == {"positive": "great", "negative": "not good"}
    assert words_of('{"a": "b, c"}') == {"a": "b, c"}
    assert shots_of("8, 0,1,1") == (0, 1, 8)
