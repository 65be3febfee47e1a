"""Strange or hostile rows, models and paths on the command line: a score, or one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from door import Refused, refused
from files import json_lines, write

from bertkit.cli import main

__all__ = ["refused"]

Row = dict[str, Any]
STRANGE = (
    "\u202eevil ot tfel\u202c",
    "\u200b\u200d\u2060\ufeff zero \u200bwidth",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f4\U000e0067\U000e0062\U000e007f",
    "e\u0301\u0301\u0301\u0301 Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d",
    "\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \U0001d518\U0001d52b\U0001d526",
    "\x85\u2028\u2029 lines",
    "a\x00b\x07\x1b[31m",
    "...",
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("bert", tmp_path_factory.mktemp("hostile") / "bert")


def reviews(folder: Path, train: list[Row], dev: list[Row]) -> Path:
    for name, rows in (("train", train), ("dev", dev)):
        write(folder / f"{name}.jsonl", json_lines(*rows))
    return folder


def trained(encoder: Path, data: Path, out: Path, task: str = "sst2", *more: str) -> dict[str, Any]:
    """The result of two updates."""
    flags = ["--model", str(encoder), "--data", str(data), "--max-steps", "2", "--device", "cpu", "--quiet", *more]
    with pytest.raises(SystemExit) as leaving:
        main(["finetune", task, *flags, "--out", str(out)])
    assert leaving.value.code in (0, None)
    (path,) = out.glob("*/result.json")
    result: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return result


GOOD, BAD = {"sentence": "Fine.", "label": 1}, {"sentence": "Dull.", "label": 0}
ROWS: dict[str, tuple[list[Row], list[Row]]] = {
    "one train row": ([GOOD], [BAD, GOOD]),
    "one row each": ([GOOD], [GOOD]),
    "one label only": ([GOOD] * 5, [GOOD] * 3),
    "all rows alike, with both labels": ([GOOD, {**GOOD, "label": 0}] * 4, [GOOD] * 2),
    "strange letters": ([{"sentence": text, "label": k % 2} for k, text in enumerate(STRANGE)], [GOOD, BAD]),
    "strange letters to be scored": ([GOOD, BAD], [{"sentence": text, "label": 1} for text in STRANGE]),
    "one character a row": ([{"sentence": letter, "label": 1} for letter in "abc."], [BAD]),
}


@pytest.mark.parametrize("name", ROWS)
def test_strange_rows_are_trained_on_and_scored(encoder: Path, tmp_path: Path, name: str) -> None:
    train, dev = ROWS[name]
    result = trained(encoder, reviews(tmp_path / "data", train, dev), tmp_path / "runs")
    assert result["training"]["steps"] == 2
    assert result["evaluations"][0]["rows"] == len(dev)


@pytest.mark.slow
def test_a_row_of_two_million_words_is_cut_and_said_to_be(encoder: Path, tmp_path: Path) -> None:
    data = reviews(tmp_path / "data", [GOOD, BAD, {"sentence": "film " * 2_000_000, "label": 1}], [GOOD])
    result = trained(encoder, data, tmp_path / "runs")
    assert result["rows"]["train"]["cut"] == 1


def test_ten_thousand_labels_are_learnt_from_train(encoder: Path, tmp_path: Path) -> None:
    labels = [f"T{k}" for k in range(10_000)]
    sentences = [" ".join(labels[k : k + 20]) for k in range(0, len(labels), 20)]
    words = " ".join(["film"] * 20)
    tiny.write_treebank(tmp_path, [(words, tags) for tags in sentences], [(words, sentences[0])])
    for path in tmp_path.glob("*.conllu"):  # the same in the column of XPOS
        lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
        text = "\n".join("\t".join([*line[:4], line[3], *line[5:]]) if len(line) > 1 else "" for line in lines)
        path.write_text(text + "\n", "utf-8")
    result = trained(encoder, tmp_path, tmp_path / "runs", "ud_xpos")
    (folder,) = (tmp_path / "runs").glob("ud*")
    config = json.loads((folder / "model" / "config.json").read_text("utf-8"))
    assert len(config["id2label"]) == 10_000
    assert result["evaluations"][0]["rows"] == 1


def test_a_path_through_dots_and_links_is_the_place_it_leads_to(encoder: Path, tmp_path: Path) -> None:
    real = reviews(tmp_path / "real", [GOOD, BAD], [GOOD])
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("train.jsonl", "dev.jsonl"):
        (linked / name).symlink_to(real / name)
    trained(encoder, linked / ".." / "linked", tmp_path / "runs")


def test_a_link_in_a_circle_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").symlink_to(tmp_path / "data" / "train.jsonl")
    refused("finetune", "sst2", "--data", str(tmp_path / "data"))


@pytest.mark.parametrize("flag", ["--data", "--model"])
@pytest.mark.parametrize(
    "place", ["a\0b", "x" * 4_000, "/" + "y/" * 2_000, "\ud800"], ids=["NUL", "long", "deep", "half"]
)
def test_a_path_that_cannot_be_is_refused(refused: Refused, flag: str, place: str) -> None:
    refused("finetune", "sst2", flag, place)


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    plain = json.loads(path.read_text("utf-8"))
    change(plain)
    path.write_text(json.dumps(plain), "utf-8")


def test_code_in_a_models_folder_is_not_run(tmp_path: Path) -> None:
    model = tiny.make("bert", tmp_path / "model")
    (model / "evil.py").write_text(f"open({str(tmp_path / 'was here')!r}, 'w')\n", "utf-8")
    for name in ("config.json", "tokenizer_config.json"):
        changed(
            model / name,
            lambda plain: plain.update(
                auto_map={"AutoConfig": "evil.Config", "AutoModel": "evil.Model", "AutoTokenizer": ["evil.T", None]}
            ),
        )
    data = reviews(tmp_path / "data", [GOOD, BAD], [GOOD])
    with pytest.raises(SystemExit):
        main(["finetune", "sst2", "--model", str(model), "--data", str(data), "--max-steps", "1", "--quiet",
              "--device", "cpu", "--out", str(tmp_path / "runs")])  # fmt: skip
    assert not (tmp_path / "was here").exists()


def test_a_tensor_of_another_shape_is_refused(refused: Refused, tmp_path: Path) -> None:
    model = tiny.make("bert", tmp_path / "model")
    changed(model / "config.json", lambda plain: plain.update(intermediate_size=plain["intermediate_size"] + 1))
    reviews(tmp_path / "data", [GOOD, BAD], [GOOD])
    assert "its weights" in refused(
        "finetune", "sst2", "--model", str(model), "--data", str(tmp_path / "data"), "--quiet"
    )
