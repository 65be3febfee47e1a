"""`bertkit analyse probes`: items and control labels by hand, and probes of an encoder on the sample."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import tiny
import transformers
from door import Refused, refused
from files import json_lines, write

import bertkit
from bertkit import registry
from bertkit.analysis import layer_probes
from bertkit.analysis.bodies import Body, find_body, load_body
from bertkit.analysis.layer_probes import Part, best_of, probe_layers
from bertkit.analysis.probe_items import Items, Texts, Words, control_labels, for_words
from bertkit.analysis.vectors import encode_spans, span_vectors
from bertkit.cli import main
from bertkit.progress import Progress
from bertkit.request.probe_flags import ProbeFlags, ProbeOptions

__all__ = ["refused"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("bert", tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(scope="module")
def body(folder: Path) -> Body:
    return load_body(find_body(str(folder)), "cpu")


def items(content: list[str], label: list[int]) -> Items:
    count = np.arange(len(content))
    return Items(row=count, rows=np.ones_like(count), label=np.array(label), content=content, digest="d")


def test_a_control_label_follows_from_the_content_and_the_seed_alone() -> None:
    train = items(["a", "b", "a", "c"] * 50, [0, 1, 1, 0] * 50)
    others = items(["z", "c", "a", "b", "y", "x"], [1] * 6)
    of = dict(zip(train.content, control_labels(train, train, seed=1).tolist(), strict=True))
    assert control_labels(train, train, seed=1).tolist() == [of[word] for word in train.content]
    assert control_labels(train, others, seed=1).tolist()[1:4] == [of["c"], of["a"], of["b"]]
    drawn = {tuple(control_labels(train, others, seed).tolist()) for seed in range(20)}
    assert len(drawn) > 5


def test_control_labels_are_as_common_as_the_labels_of_train() -> None:
    train = items([f"w{k}" for k in range(4_000)], [0] * 3_000 + [7] * 1_000)
    found = control_labels(train, train, seed=1)
    assert set(found.tolist()) == {0, 7}
    assert (found == 7).mean() == pytest.approx(0.25, abs=0.03)


@dataclass(frozen=True)
class Made:
    """Items with vectors made by hand."""

    items: Items
    layers: tuple[np.ndarray, ...]

    def at(self, layer: int) -> np.ndarray:
        return self.layers[layer]


def made(part: str, count: int) -> Made:
    """Two words of each of two labels. Layer 0 is noise, 1 the label, 2 the word."""
    draws = np.random.default_rng(len(part))
    word = draws.integers(0, 4, count)
    kind = items([f"w{k}" for k in word], (word // 2).tolist())
    layers = (draws.normal(size=(count, 6)), np.eye(2)[word // 2], np.eye(4)[word])
    return Made(replace(kind, digest=part), tuple(one.astype(np.float32) for one in layers))


def test_probes_are_at_chance_on_noise_and_perfect_on_labels_and_words_tell_the_control_too() -> None:
    part = Part(digest="made", train=made("train", 800), held=made("held", 200), scored=made("scored-", 1_000))
    # a seed by which one word of each label has either control label
    seed = next(
        seed for seed in range(100)
        if control_labels(part.train.items, items(["w0", "w1", "w2", "w3"], [0] * 4), seed).tolist() == [0, 1, 1, 0]
    )  # fmt: skip
    told, control = probe_layers(part, (0, 1, 2), (None, seed), Progress())
    right = [[one.table[:, 0].mean() for one in of] for of in (told, control)]
    assert right[0] == pytest.approx([0.5, 1, 1], abs=0.05)
    # of the label alone nothing follows for the control, of whose labels one word of each has one
    assert right[1] == pytest.approx([0.5, 0.5, 1], abs=0.05)
    assert (told[1].held, told[1].fitted, control[2].held) == (1, 1, 1)
    assert best_of(told) == 1  # of equal ones the lowest


def test_an_item_without_a_vector_counts_as_wrong() -> None:
    # three words of the first row have a label, two of them a vector; the second row has none
    some = Items(
        row=np.array([0, 0, 2]),
        rows=np.array([3, 0, 1]),
        label=np.array([4, 5, 6]),
        content=["a", "b", "c"],
        digest="d",
    )
    assert some.right(np.array([4, 9, 6]), some.label).tolist() == [[1, 3], [0, 0], [1, 1]]


def test_words_have_the_vectors_of_their_pieces_and_untagged_ones_are_no_items(body: Body, folder: Path) -> None:
    split = for_words(body, find_body(str(folder)), registry.find("ud_en_ewt").head)
    columns: Any = {"words": [["A", "remembered", "film"], ["Dull"]], "tags": [["x", None, "y"], ["y"]]}
    found = Words(split, columns, {"x": 0, "y": 1})
    assert found.items.content == ["A", "film", "Dull"]
    assert (found.items.label.tolist(), found.items.row.tolist()) == ([0, 1, 1], [0, 0, 1])
    assert found.items.rows.tolist() == [2, 1]
    texts, spans = ["A remembered film", "A remembered film", "Dull"], [(0, 1), (13, 17), None]
    expected = span_vectors(body, encode_spans(body, texts, spans), Progress())
    for layer in range(3):
        np.testing.assert_allclose(found.at(layer), expected[:, layer], atol=1e-5)


def test_two_texts_are_their_vectors_differences_and_products(body: Body) -> None:
    columns: Any = {"text": ["A film.", "Dull."], "text_pair": ["So long.", "Fine, and short."], "label": ["b", "a"]}
    found = Texts(body, columns, {"a": 0, "b": 1}, pair=True, progress=Progress())
    u, v = (span_vectors(body, encode_spans(body, columns[role]), Progress())[:, 1] for role in ("text", "text_pair"))
    np.testing.assert_allclose(found.at(1), np.concatenate([u, v, np.abs(u - v), u * v], axis=1))
    assert (found.items.label.tolist(), found.items.content[0]) == ([1, 0], "A film.\nSo long.")


def words(path: Path, count: int) -> Path:
    """Sentences of six words, each of which has one tag wherever it stands."""
    generator, names = np.random.default_rng(1), ["film", "dull", "long", "good", "man", "end"]
    lines = []
    for _ in range(count):
        lines += [f"{names[k]}\tT{k % 3}" for k in generator.integers(0, len(names), 6)] + [""]
    return write(path, "\n".join(lines) + "\n")


def test_what_follows_from_the_word_alone_is_not_selective(folder: Path, tmp_path: Path) -> None:
    file = words(tmp_path / "words.conll", 120)
    found = bertkit.analyse("probes", folder, task=file, out=tmp_path / "out", layers="0,2")
    assert [one.layer for one in found.layers] == [0, 2]
    first = found.layers[0]
    assert (first.accuracy.value, first.control.value, first.selectivity.value) == (1, 1, 0)
    assert first.untrained.value > 0.9
    assert [one.name for one in found.floors] == ["commonest tag", "each word's commonest tag"]
    assert (found.floors[1].accuracy.value, found.floors[1].gain.value) == (1, 0)
    assert found.floors[0].gain.value == pytest.approx(1 - found.floors[0].accuracy.value)
    assert found.notes[-1] == "control task: 100 % of the scored words are in train; the labels of others are chance"
    assert (found.unit, found.labels, found.rows[0] + found.rows[1]) == ("words", 3, 120 - 10)
    assert found.notes[-3:-1] == ("train: all 96 rows; 10 of them choose the layer", "dev: all 24 rows")


def test_the_command_prints_every_layer_from_the_cache_and_writes_the_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Any = {"task": "rte", "sample": True, "train_rows": 40, "rows": 30}
    found = bertkit.analyse("probes", folder, out=tmp_path / "first", **asked)
    assert found.unit == "texts"
    assert [one.layer for one in found.layers] == [0, 1, 2]
    for one in found.layers:
        assert one.selectivity.value == pytest.approx(one.accuracy.value - one.control.value)
        assert one.selectivity.low <= one.selectivity.value <= one.selectivity.high
    assert [one.name for one in found.floors] == ["commonest label", "TF-IDF + logistic regression"]
    assert found.best.held == max(one.held for one in found.layers)
    best = max(found.layers, key=lambda one: one.untrained_held)
    assert found.untrained.accuracy == best.untrained
    assert found.untrained.gain.value == pytest.approx(found.best.accuracy.value - best.untrained.value)
    assert f"best from layer {found.best.layer}, chosen on train rows" in found.sentence
    assert "selectivity" not in found.sentence  # a random label of a text that is in dev alone cannot be known

    def never(*_: Any) -> Any:
        raise AssertionError("probed again")

    monkeypatch.setattr(layer_probes, "probe", never)
    with pytest.raises(SystemExit) as leaving:
        main(["analyse", "probes", str(folder), "--task", "rte", "--sample", "--train-rows", "40", "--rows", "30",
              "--out", str(tmp_path / "out")])  # fmt: skip
    assert leaving.value.code in (0, None)
    text = capsys.readouterr().out
    table = text[text.index("LAYER") : text.index("  floors: ")].splitlines()
    assert len(table) == 4
    assert max(map(len, table)) <= 80
    assert "…" not in "".join(table)
    assert found.sentence in text
    (place,) = (tmp_path / "out").iterdir()
    assert {one.name for one in place.iterdir()} == {"probes.json", "probes.png", "probes.svg"}
    assert json.loads((place / "probes.json").read_text("utf-8")) == json.loads(json.dumps(found.plain()))


def test_the_keywords_of_type_checkers_are_the_flags() -> None:
    assert set(get_type_hints(ProbeOptions)) == {field.name for field in fields(ProbeFlags)}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--sample", "probes: name with --task what is told"),
        ("--task sst3 --sample", "did you mean sst2?"),
        ("--task squad --sample", "--task squad: probes tell one label of a text or two, or a tag of each word"),
        ("--task stsb --sample", "--task stsb: probes tell one label of a text or two"),
        ("--task rte --sample --rows 1", "--rows 1: it must be at least 2"),
        ("--task rte --sample --train-rows 9", "--train-rows 9: it must be at least 10"),
        ("--task rte --sample --layers 3", "--layers 3: this encoder has 2 layers"),
        ("--task rte --sample --layers x", "--layers x: give numbers"),
        ("--task rte --sample --max-length 600", "--max-length 600: this model sees 160 tokens"),
        ("--task rte --data nowhere", "nowhere"),
        ("--task rte --data dev-only", "rte: no train split in dev-only"),
        ("--task sst2 --data one", "sst2: the 18 rows that probes are trained on have one label only, 'positive'"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_a_line(
    folder: Path, refused: Refused, tmp_path: Path, typed: str, said: str
) -> None:
    write(tmp_path / "dev-only" / "dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tentailment\n")
    for split in ("train", "dev"):
        write(tmp_path / "one" / f"{split}.jsonl", json_lines(*({"sentence": f"{k}", "label": 1} for k in range(20))))
    assert said in refused("analyse", "probes", str(folder), "-q", *typed.split())
    assert not (tmp_path / "runs").exists()


def test_a_model_without_an_encoder_is_refused(refused: Refused, tmp_path: Path) -> None:
    shape = {"n_embd": 8, "n_layer": 1, "n_head": 1}
    transformers.AutoModelForCausalLM.from_config(
        transformers.AutoConfig.for_model("gpt2", vocab_size=len(tiny.tokenizer_of("bert")), **shape)
    ).save_pretrained(tmp_path / "causal")
    tiny.tokenizer_of("bert").save_pretrained(tmp_path / "causal")
    said = refused("analyse", "probes", "causal", "-q", "--task", "rte", "--sample")
    assert "causal has no encoder: gpt2 reads from left to right only" in said
