"""Vectors of spans at every layer: those of transformers itself, whatever is in the batch, and cached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers

from bertkit.analysis import vectors as module
from bertkit.analysis.bodies import Body, find_body, load_body
from bertkit.analysis.vectors import encode_spans, span_vectors
from bertkit.errors import DataError, EncoderError, RequestError
from bertkit.progress import Progress

TEXTS = ["A film to remember, he said.", "Dull.", "Nobody dared to leave before the end of the film."]
FAMILIES = ("bert", "roberta", "distilbert", "albert", "electra", "deberta-v2", "modernbert", "xlm-roberta")


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Body:
    return load_body(find_body(str(tiny.make("bert", tmp_path_factory.mktemp("bert")))), "cpu")


def of_transformers(body: Body, text: str, span: tuple[int, int] | None) -> Any:
    """(L+1, H) by transformers alone."""
    encoding = body.tokenizer(text, return_tensors="pt", return_offsets_mapping=True, return_special_tokens_mask=True)
    offsets, special = encoding.pop("offset_mapping")[0], encoding.pop("special_tokens_mask")[0]
    low, high = span or (0, len(text))
    used = [k for k, (a, b) in enumerate(offsets.tolist()) if not special[k] and max(a, low) < min(b, high)]
    with torch.inference_mode():
        states = body.model(**encoding, output_hidden_states=True).hidden_states
    return torch.stack([state[0, used].mean(0) for state in states]).numpy()


@pytest.mark.parametrize("family", [name for name in FAMILIES if name in tiny.CONFIGS])
def test_vectors_are_the_means_of_the_hidden_states_of_transformers(family: str, tmp_path: Path) -> None:
    body = load_body(find_body(str(tiny.make(family, tmp_path / family))), "cpu")
    spans = [(2, 6), None, (44, 48)]
    found = span_vectors(body, encode_spans(body, TEXTS, spans), Progress())
    assert found.shape == (3, 3, 32)
    for row, (text, span) in enumerate(zip(TEXTS, spans, strict=True)):
        assert found[row] == pytest.approx(of_transformers(body, text, span), abs=1e-5)


def test_vectors_are_computed_once(body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode_spans(body, ["A film, and one more."])
    first = span_vectors(body, encoded, Progress())

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "_fill", never)
    assert (span_vectors(body, encoded, Progress()) == first).all()
    with pytest.raises(AssertionError):
        span_vectors(body, encode_spans(body, ["A film, and one less."]), Progress())
    with pytest.raises(AssertionError):
        span_vectors(body, encode_spans(body, ["A film, and one more."], [(2, 6)]), Progress())


def test_a_text_that_is_longer_than_the_window_is_counted_or_named(tmp_path: Path) -> None:
    body = load_body(find_body(str(tiny.make("bert", tmp_path / "bert"))), "cpu", max_length=8)
    text = "a film to remember and to see again"
    found = encode_spans(body, [text, "a film"], [(30, 35), (2, 6)])
    assert (found.cut.tolist(), found.partial.tolist()) == ([True, False], [True, False])
    assert found.there.tolist() == [False, True]
    assert max(map(len, found.ids)) == 8
    assert (span_vectors(body, found, Progress())[0] == 0).all()
    with pytest.raises(DataError, match=r"^line 1: longer than the 8 tokens that are read of a text"):
        encode_spans(body, [text], [(2, 6)], ["line 1"])
    with pytest.raises(DataError, match=r"^line 1: the tokenizer makes no token of it"):
        encode_spans(body, [" . "], [(0, 1)], ["line 1"])


def test_the_share_of_unknown_tokens_is_of_the_span_alone(body: Body) -> None:
    found = encode_spans(body, ["film 果 film 果", "film"], [(0, 6), None])
    assert (found.unknown.tolist(), found.unknown_share) == ([1, 0], pytest.approx(1 / sum(map(len, found.pieces))))


def test_an_untrained_body_has_the_shape_and_other_weights(body: Body, tmp_path: Path) -> None:
    place = find_body(str(tiny.make("bert", tmp_path / "bert")))
    drawn = [load_body(place, "cpu", untrained=seed) for seed in (1, 1, 2)]
    texts = [span_vectors(one, encode_spans(one, TEXTS), Progress()) for one in drawn]
    assert np.array_equal(texts[0], texts[1])
    assert not np.allclose(texts[0], texts[2])
    assert len({one.digest for one in (*drawn, body)}) == 3


def test_a_body_is_refused_that_is_a_decoder_or_lacks_weights(tmp_path: Path) -> None:
    folder = tiny.make("bert", tmp_path / "gpt2")
    (folder / "config.json").write_text('{"model_type": "gpt2"}', "utf-8")
    with pytest.raises(EncoderError, match="has no encoder: gpt2 reads from left to right only"):
        load_body(find_body(str(folder)), "cpu")
    folder = tiny.make("bert", tmp_path / "bert")
    with pytest.raises(RequestError, match="--max-length 1000: this model sees 160 tokens at most"):
        load_body(find_body(str(folder)), "cpu", max_length=1000)
    config = transformers.BertConfig.from_pretrained(folder)
    config.num_hidden_layers = 3
    config.save_pretrained(folder)
    with pytest.raises(EncoderError, match=r"its weights lack 16 of the body's tensors, such as encoder\.layer\.2"):
        load_body(find_body(str(folder)), "cpu")


def test_the_head_of_a_checkpoint_makes_no_difference_to_its_body(tmp_path: Path) -> None:
    place = tiny.make("bert", tmp_path / "bert")
    plain = load_body(find_body(str(place)), "cpu")
    with_head = transformers.BertForMaskedLM.from_pretrained(place)
    with_head.save_pretrained(tmp_path / "head")
    plain.tokenizer.save_pretrained(tmp_path / "head")
    other = load_body(find_body(str(tmp_path / "head")), "cpu")
    both = [span_vectors(one, encode_spans(one, TEXTS), Progress()) for one in (plain, other)]
    assert both[0] == pytest.approx(both[1], abs=1e-6)
