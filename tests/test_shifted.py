"""Hidden states with a vector added at a layer: every family, against the layers run one by one, and a toy of two languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import transformers

from bertkit.analysis.shifted import Shift, Tokens, count_layers, filled_tokens, text_vectors, tokenise
from bertkit.models.load import Loaded

TEXTS = ["A film of rare beauty.", "Dull, and far too long for what it has to say.", "Fine."]


def loaded(folder: Path, auto: str = "AutoModel") -> Loaded:
    model = getattr(transformers, auto).from_pretrained(folder).eval()
    return Loaded(model=model, tokenizer=transformers.AutoTokenizer.from_pretrained(folder), record={})


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_vector_is_added_at_each_layer_of_each_family(family: str, tmp_path: Path) -> None:
    model = loaded(tiny.make(family, tmp_path))
    tokens, layers = tokenise(TEXTS, model), range(count_layers(model.model) + 1)
    plain = text_vectors(model, tokens, layers)
    size = plain[0].shape[1]
    for layer in layers:
        nothing = text_vectors(model, tokens, layers, Shift(layer=layer, vector=np.zeros(size, np.float32)))
        assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(plain, nothing, strict=True))
        vector = np.arange(size, dtype=np.float32)
        found = text_vectors(model, tokens, layers, Shift(layer=layer, vector=vector))
        assert all(np.allclose(plain[k], found[k], atol=1e-6) for k in range(layer))
        assert not np.allclose(plain[-1], found[-1], atol=1e-2)
        if layer == layers[-1]:
            assert np.allclose(found[-1], plain[-1] + vector, atol=1e-5)


def test_the_layers_behind_a_shift_are_those_of_bert_run_one_by_one(tmp_path: Path) -> None:
    model = loaded(tiny.make("bert", tmp_path, num_hidden_layers=3))
    tokens = tokenise(TEXTS[:1], model)
    vector = np.linspace(-1, 1, 32, dtype=np.float32)
    with torch.inference_mode():
        ids = torch.from_numpy(tokens.ids[0])[None]
        states = model.model(input_ids=ids, output_hidden_states=True).hidden_states[1].clone()
        states[0, 1:-1] += torch.from_numpy(vector)  # [CLS] and [SEP] are left as they are
        for block in model.model.encoder.layer[1:]:
            out = block(states)
            states = out[0] if isinstance(out, tuple) else out
    (found,) = text_vectors(model, tokens, [3], Shift(layer=1, vector=vector))
    assert np.allclose(found[0], states[0, 1:-1].mean(0).numpy(), atol=1e-5)


def test_texts_longer_than_the_window_are_cut_and_counted_and_unknown_tokens_too(tmp_path: Path) -> None:
    model = loaded(tiny.make("bert", tmp_path))
    found = tokenise(["Fine. " * 200, "的 的 的 .", "Fine."], model)
    assert (found.cut, len(found.ids[0])) == (1, tiny.POSITIONS)
    assert found.counts[1:].tolist()[0] == 4
    assert found.unknown == pytest.approx(3 / found.counts.sum())


LANGUAGES = 6
"""Words of each of the two languages of the toy."""


def toy(folder: Path) -> Loaded:
    """A masked language model of two languages: a word's embedding is its concept and its language's code.

    Its layers add nothing to the states, so that the head sees what is put in: the nearest word's embedding.
    """
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"{lang}{k}" for lang in "ab" for k in range(LANGUAGES))]
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.BertConfig(vocab_size=len(names), max_position_embeddings=32, **shape)
    model = transformers.BertForMaskedLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2 or parameter.shape == (16,):
                parameter.zero_()
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(1)
        words = model.bert.embeddings.word_embeddings.weight
        for k in range(LANGUAGES):  # a concept and its opposite sum to 0, so that a layer norm moves no mean
            for lang in (0, 1):
                row = words[5 + lang * LANGUAGES + k]
                row[2 * k], row[2 * k + 1] = 1, -1
                row[12 + 2 * lang], row[13 + 2 * lang] = 1, -1
        model.cls.predictions.transform.dense.weight.copy_(torch.eye(16))
        model.cls.predictions.transform.transform_act_fn = torch.nn.Identity()
    vocabulary = {name: k for k, name in enumerate(names)}
    return Loaded(model=model, tokenizer=transformers.BertTokenizer(vocab=vocabulary), record={})


def words(model: Loaded, tokens: Tokens, shift: Shift | None = None) -> list[str]:
    return [
        " ".join(model.tokenizer.convert_ids_to_tokens(row.tolist())) for row in filled_tokens(model, tokens, shift)
    ]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_difference_of_two_languages_turns_the_tokens_of_a_toy_into_their_translations(
    layer: int, tmp_path: Path
) -> None:
    model = toy(tmp_path)
    own, other = (tokenise([f"{lang}0 {lang}3 {lang}5"], model) for lang in "ab")
    assert words(model, own) == ["a0 a3 a5"]
    means = [text_vectors(model, one, [layer])[0][0] for one in (own, other)]
    vector = means[1] - means[0]
    assert words(model, own, Shift(layer=layer, vector=vector)) == ["b0 b3 b5"]
    assert words(model, own, Shift(layer=layer, vector=-vector)) == ["a0 a3 a5"]
