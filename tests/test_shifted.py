"""Vectors added at a layer: in every family, against BERT's layers one by one, and in a toy of two languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import transformers
from toy_languages import toy

from bertkit.analysis.bodies import Body, load_body
from bertkit.analysis.shifted import Shift, filled_tokens, last_vectors
from bertkit.analysis.token_languages import FROM, NEITHER, TO, script_of, token_languages
from bertkit.analysis.vectors import EncodedSpans, encode_spans, span_vectors
from bertkit.models.load import Loaded
from bertkit.progress import Progress

TEXTS = ["A film of rare beauty.", "Dull, and far too long for what it has to say.", "Fine."]
QUIET = Progress()


def body_of(folder: Path) -> Body:
    return load_body(tiny.encoder(folder), "cpu")


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_vector_is_added_at_each_layer_of_each_family(family: str, tmp_path: Path) -> None:
    body = body_of(tiny.make(family, tmp_path))
    texts = encode_spans(body, TEXTS)
    plain = span_vectors(body, texts, QUIET)[:, -1]
    found = []
    for layer in range(body.layers):
        nothing = last_vectors(body.loaded, texts, Shift(layer=layer, vector=np.zeros(body.size, np.float32)), QUIET)
        assert np.allclose(plain, nothing, atol=1e-5)
        vector = np.linspace(-3, 3, body.size, dtype=np.float32)
        found.append(last_vectors(body.loaded, texts, Shift(layer=layer, vector=vector), QUIET))
        assert not np.allclose(plain, found[-1], atol=1e-2)
    assert not np.allclose(found[0], found[1], atol=1e-3)
    assert not body.model._forward_hooks


def test_the_layers_behind_a_shift_are_those_of_bert_run_one_by_one(tmp_path: Path) -> None:
    body = body_of(tiny.make("bert", tmp_path, num_hidden_layers=3))
    texts = encode_spans(body, TEXTS[:1])
    vector = np.linspace(-1, 1, 32, dtype=np.float32)
    with torch.inference_mode():
        ids = torch.from_numpy(texts.ids[0].astype(np.int64))[None]
        states = body.model(input_ids=ids, output_hidden_states=True).hidden_states[1].clone()
        states[0, 1:-1] += torch.from_numpy(vector)  # [CLS] and [SEP] are left as they are
        for block in body.model.encoder.layer[1:]:
            out = block(states)
            states = out[0] if isinstance(out, tuple) else out
    (found,) = last_vectors(body.loaded, texts, Shift(layer=1, vector=vector), QUIET)
    assert np.allclose(found, states[0, 1:-1].mean(0).numpy(), atol=1e-5)


def words(model: Loaded, texts: EncodedSpans, shift: Shift | None = None) -> list[str]:
    return [" ".join(model.tokenizer.convert_ids_to_tokens(row.tolist())) for row in filled_tokens(model, texts, shift)]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_difference_of_two_languages_turns_the_tokens_of_a_toy_into_their_translations(
    layer: int, tmp_path: Path
) -> None:
    model = toy(tmp_path)
    body = body_of(tmp_path)
    own, other = (encode_spans(body, [f"{lang}0 {lang}3 {lang}5"]) for lang in "ab")
    assert words(model, own) == ["a0 a3 a5"]
    means = [span_vectors(body, one, QUIET)[0, layer] for one in (own, other)]
    vector = means[1] - means[0]
    assert words(model, own, Shift(layer=layer, vector=vector)) == ["b0 b3 b5"]
    assert words(model, own, Shift(layer=layer, vector=-vector)) == ["a0 a3 a5"]


def test_a_token_is_of_the_language_that_has_its_script_or_where_both_have_it_its_own_texts(tmp_path: Path) -> None:
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "der", "han", "的", "人", ".", "7"]
    tokenizer = transformers.BertTokenizer(vocab={name: k for k, name in enumerate(names)})

    def of(*texts: str) -> dict[str, int]:
        ids = [[np.array(tokenizer(text)["input_ids"], np.int32)] for text in texts]
        return dict(zip(names, token_languages(tokenizer, [[text] for text in texts], ids).tolist(), strict=True))

    found = of("the han .", "的 人 7")
    assert {name for name, lang in found.items() if lang == FROM} == {"the", "der", "han"}
    assert {name for name, lang in found.items() if lang == TO} == {"的", "人"}
    alike = of("the " * 30, "der " * 30)
    assert (alike["the"], alike["der"], alike["han"], alike["."]) == (FROM, TO, NEITHER, NEITHER)
    assert (script_of("a"), script_of("的"), script_of("."), script_of("ж")) == ("LATIN", "CJK", "", "CYRILLIC")
