"""What `bertkit fill` refuses: texts without a blank, and models without a masked-language-model head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lm
import pytest
import transformers
from door import Refused, refused, unfinished
from files import write
from safetensors.torch import load_file, save_file
from test_light import answer

import bertkit
from bertkit.errors import DataError, RequestError

__all__ = ["refused"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models, by name; "words" has 40 positions."""
    below = tmp_path_factory.mktemp("models")
    return {
        "bert": lm.masked("bert", below / "bert"),
        "classifier": lm.masked("bert", below / "classifier", "AutoModelForSequenceClassification"),
        "body": lm.masked("bert", below / "body", "AutoModel"),
        "electra": lm.masked("electra", below / "electra", "AutoModelForPreTraining"),
        "gpt2": lm.causal(below / "gpt2"),
        "bart": lm.bart(below / "bart"),
        "words": lm.words(below / "words", ["the"]),
    }


@pytest.mark.parametrize(
    ("name", "typed", "line"),
    [
        ("bert", ["no blank"], "the text has no blank: write [MASK], <mask> or ___ where a word is missing"),
        ("bert", ["a ___", "a __"], "text 2: the text has no blank: write [MASK], <mask> or ___"),
        ("bert", ["a ___", " "], "text 2: the text is empty"),
        ("words", ["the " * 38 + "___"], "the text has 41 tokens, and the model reads 40 at most"),
        ("bert", [], "give texts, or --file: one of them"),
        ("bert", ["a ___", "--file", "x"], "give texts, or --file: one of them"),
        ("bert", ["a \udcff___"], "the command line holds bytes that are not UTF-8"),
        ("bert", ["a ___", "--top-k", "0"], "--top-k 0: it must be at least 1"),
        ("bert", ["a ___", "--encoding", "utf-8"], "--encoding: it says how --file is read: give one"),
        ("bert", ["a ___", "--revision", "v1"], "has no revisions"),
        ("bert", ["--file", "nowhere.txt"], "--file nowhere.txt: there is no such file"),
        ("bert", ["--file", "."], "--file .: is a folder: give a file"),
        ("classifier", ["a ___"], "has no masked-language-model head (BertForSequenceClassification): name a"),
        ("body", ["a ___"], "has no masked-language-model head (BertModel): name a pretrained model that has it"),
        ("electra", ["a ___"], "has no masked-language-model head (ElectraForPreTraining): name a"),
        ("gpt2", ["a ___"], "has no masked-language-model head (GPT2LMHeadModel): use `bertkit generate`"),
        ("bart", ["a ___"], "(BartForConditionalGeneration): use `bertkit generate`"),
    ],
)
def test_what_cannot_be_filled_is_refused(
    refused: Refused, folders: dict[str, Path], name: str, typed: list[str], line: str
) -> None:
    assert line in refused("fill", str(folders[name]), *typed, "--quiet")


def test_models_that_are_none_are_refused(refused: Refused, folders: dict[str, Path], tmp_path: Path) -> None:
    assert refused("fill", "sample", "a ___") == (
        "Error: sample: MiniLM has no language-model head, because it was trained for sentence embeddings\n"
    )
    run = unfinished(tmp_path / "run")
    assert f"{run}: this run is not finished, so it has no model yet: `bertkit resume" in refused("fill", run, "a ___")
    assert "is not a folder, and cannot be a Hub id" in refused("fill", "./nowhere", "a ___")
    write(tmp_path / "book.txt", "A ___ of text.")  # it could be a Hub id
    assert "'book.txt' is a file: name a model's folder, or a Hub id" in refused("fill", "book.txt", "a ___")
    write(tmp_path / "empty" / "config.json", '{"architectures": ["BertForMaskedLM"]}')
    write(tmp_path / "empty" / "vocab.txt", "[PAD]\n")
    assert "has no model.safetensors\n" in refused("fill", "empty", "a ___")
    assert "config.json cannot be read" in refused("fill", str(write(tmp_path / "empty/config.json", "[").parent), "a")
    offline = refused("fill", "nobody/nothing", "a ___", "--offline")
    assert offline.endswith("give a model's folder, or run once online\n")


@pytest.mark.parametrize(
    ("content", "line"), [("", "is empty"), ("\nno\n", "no line can be answered; line 1: the text")]
)
def test_a_file_without_a_text_to_answer_is_refused(
    refused: Refused, folders: dict[str, Path], tmp_path: Path, content: str, line: str
) -> None:
    write(tmp_path / "texts.txt", content)
    assert line in refused("fill", str(folders["bert"]), "--file", "texts.txt")


def test_weights_without_the_head_that_the_config_names_are_refused(refused: Refused, tmp_path: Path) -> None:
    folder = lm.masked("bert", tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    body = {name: tensor for name, tensor in weights.items() if not name.startswith("cls.")}
    save_file(body, folder / "model.safetensors", metadata={"format": "pt"})
    line = refused("fill", str(folder), "a ___", "--quiet")
    assert "its weights lack 6 of the model's tensors, such as cls.predictions." in line


def test_a_tokenizer_without_a_mask_token_is_refused(refused: Refused, tmp_path: Path) -> None:
    folder = lm.masked("bert", tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.mask_token = None
    tokenizer.save_pretrained(folder)
    assert "its tokenizer has no mask token" in refused("fill", str(folder), "a ___", "--quiet")


@pytest.mark.parametrize(("name", "text"), [("bert", "no blank"), ("gpt2", "a ___")])
def test_a_refusal_loads_nothing_heavy(folders: dict[str, Path], tmp_path: Path, name: str, text: str) -> None:
    code, loaded, _ = answer(tmp_path, "fill", str(folders[name]), text)
    assert (code, loaded) == (2, [])


@pytest.mark.parametrize(
    ("texts", "kind", "why"),
    [
        ("a ___", RequestError, r"give a list of texts, also for one: fill\(model, \[text\]\)"),
        (["a ___", 3], DataError, r"texts\[1\]: a int, not a text"),
        (["a ___", "a"], DataError, r"texts\[1\]: the text has no blank"),
        (["a \udcff ___"], DataError, r"texts\[0\]: the text holds half of a character"),
    ],
)
def test_a_mistake_from_python_names_the_text(folders: dict[str, Path], texts: Any, kind: Any, why: str) -> None:
    with pytest.raises(kind, match=why):
        bertkit.fill(folders["bert"], texts)
