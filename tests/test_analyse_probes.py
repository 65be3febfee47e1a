"""`bertkit analyse probes`: items and control labels by hand, and probes of an encoder on the sample."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import tiny
from door import Refused, refused
from files import write

import bertkit
from bertkit import registry
from bertkit.analysis import layer_probes
from bertkit.analysis.bodies import Body, find_body, load_body
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


def test_a_control_label_goes_with_the_content_alone() -> None:
    train, scored = items(["a", "b", "a", "c"] * 50, [0, 1, 1, 0] * 50), items(["c", "a", "z"], [0, 1, 1])
    first, second = control_labels(train, scored, seed=1)
    of = dict(zip(train.content, first.tolist(), strict=True))
    assert [of[word] for word in train.content] == first.tolist()
    assert second[:2].tolist() == [of["c"], of["a"]]
    again = control_labels(train, scored, seed=1)
    assert (again[0].tolist(), again[1].tolist()) == (first.tolist(), second.tolist())


def test_control_labels_are_as_common_as_the_labels_of_train() -> None:
    many = [f"w{k}" for k in range(4_000)]
    first, second = control_labels(items(many, [0] * 3_000 + [7] * 1_000), items(["w0", "new"], [3, 3]), seed=1)
    assert set(first.tolist()) == {0, 7}
    assert (first == 7).mean() == pytest.approx(0.25, abs=0.03)
    assert second[0] == first[0]


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
    assert found.floors["each word's commonest tag"] == 1
    assert found.notes[-1] == "control task: 100 % of the scored words are in train; the labels of others are chance"
    assert (found.unit, found.labels, found.rows[0] + found.rows[1]) == ("words", 3, 120)


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
    assert list(found.floors) == ["commonest label", "TF-IDF + logistic regression"]

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
        ("--task rte --sample --train-rows 0", "--train-rows 0: it must be at least 2"),
        ("--task rte --sample --layers 3", "--layers 3: this encoder has 2 layers"),
        ("--task rte --sample --layers x", "--layers x: give numbers"),
        ("--task rte --sample --max-length 600", "--max-length 600: this model sees 160 tokens"),
        ("--task rte --data nowhere", "nowhere"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_a_line(
    folder: Path, refused: Refused, tmp_path: Path, typed: str, said: str
) -> None:
    assert said in refused("analyse", "probes", str(folder), "-q", *typed.split())
    assert not (tmp_path / "runs").exists()
