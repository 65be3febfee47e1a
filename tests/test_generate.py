"""`bertkit generate`: transformers' own continuation or repair, as text, and what cannot be generated is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import lm
import pytest
import tiny
import torch
import transformers
from door import Refused, refused
from files import write
from test_light import answer

import bertkit
from bertkit.cli import main
from bertkit.cli.text_answers import printable
from bertkit.deploy.generate import Generator
from bertkit.deploy.language_models import find_language_model
from bertkit.errors import DataError, RequestError
from bertkit.request.text_flags import GenerateFlags, GenerateOptions

__all__ = ["refused"]

PROMPT = "The food was"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models, by name."""
    below = tmp_path_factory.mktemp("models")
    return {
        "gpt2": lm.causal(below / "gpt2"),
        "chinese": lm.causal(below / "chinese", lm.wordpieces(["the", "play", "##ing", *lm.CHARACTERS])),
        "bart": lm.bart(below / "bart"),
        "bart body": lm.bart(below / "body", "AutoModel"),
        "t5": lm.t5(below / "t5"),
        "bert": lm.masked("bert", below / "bert"),
        "classifier": lm.masked("bert", below / "classifier", "AutoModelForSequenceClassification"),
    }


def theirs(folder: Path, text: str, auto_model: str, **settings: Any) -> list[str]:
    """What transformers alone generates."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, auto_model).from_pretrained(folder)
    ids = tokenizer(text, return_tensors="pt")
    rows = model.generate(**ids, pad_token_id=model.config.eos_token_id, **settings)
    return list(tokenizer.batch_decode(rows, skip_special_tokens=True))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        main(["generate", *arguments, "--quiet"])
    shown = capsys.readouterr()
    assert leaving.value.code in (0, None), shown.err
    return shown.out


@pytest.mark.parametrize(
    ("ours", "settings"),
    [
        ({}, {"max_new_tokens": 50}),
        ({"max_new_tokens": 9}, {"max_new_tokens": 9}),
        ({"beams": 3, "samples": 2}, {"max_new_tokens": 50, "num_beams": 3, "num_return_sequences": 2}),
    ],
)
def test_a_continuation_is_that_of_transformers(folders: dict[str, Path], ours: Any, settings: Any) -> None:
    (found,) = bertkit.generate(folders["gpt2"], [PROMPT], **ours)
    assert list(found.generated) == theirs(folders["gpt2"], PROMPT, "AutoModelForCausalLM", do_sample=False, **settings)
    assert all(text.startswith(PROMPT) and len(text) > len(PROMPT) for text in found.generated)


@pytest.mark.parametrize(
    ("ours", "settings"),
    [
        ({"sample": True}, {}),
        ({"temperature": 0.5}, {"temperature": 0.5}),
        ({"top_k": 3}, {"top_k": 3}),
        ({"top_p": 0.4, "samples": 2}, {"top_p": 0.4, "num_return_sequences": 2}),
    ],
)
def test_drawn_tokens_are_those_of_transformers_with_that_seed(
    folders: dict[str, Path], ours: Any, settings: Any
) -> None:
    before = torch.random.get_rng_state()
    (found,) = bertkit.generate(folders["gpt2"], [PROMPT], seed=7, max_new_tokens=12, **ours)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(7)
    drawn = theirs(folders["gpt2"], PROMPT, "AutoModelForCausalLM", do_sample=True, max_new_tokens=12, **settings)
    assert list(found.generated) == drawn


def test_a_text_is_drawn_from_the_seed_alone(folders: dict[str, Path]) -> None:
    texts = ["The film", PROMPT, "The film"]
    found = [one.generated for one in bertkit.generate(folders["gpt2"], texts, sample=True)]
    assert found[0] == found[2] != found[1]
    assert found[1] == bertkit.generate(folders["gpt2"], [PROMPT], sample=True)[0].generated
    assert found[1] != bertkit.generate(folders["gpt2"], [PROMPT], sample=True, seed=43)[0].generated


def test_nothing_is_drawn_unless_asked(folders: dict[str, Path]) -> None:
    one, other = (bertkit.generate(folders["gpt2"], [PROMPT], seed=seed) for seed in (1, 2))
    assert one == other


@pytest.mark.parametrize("name", ["bart", "bart body"])
@pytest.mark.parametrize("blank", ["[MASK]", "<mask>", "____"])
def test_bart_repairs_a_text_with_a_blank(folders: dict[str, Path], name: str, blank: str) -> None:
    (found,) = bertkit.generate(folders[name], [f"The {blank} was polite."])
    tokens = len(transformers.AutoTokenizer.from_pretrained(folders[name])("The <mask> was polite.")["input_ids"])
    asked = {"do_sample": False, "max_new_tokens": tokens + 20}
    (expected,) = theirs(folders[name], "The <mask> was polite.", "AutoModelForSeq2SeqLM", **asked)
    assert found.generated == (expected.strip(),)
    assert found.generated[0]


def test_t5_reads_blanks_as_sentinels_and_its_spans_are_put_into_them(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Generator(find_language_model(str(folders["t5"]), None, ("seq2seq",)))
    tokenizer, asked = generator.tokenizer, list[str]()

    def outputs(ids: list[int], new: int) -> list[list[int]]:
        asked.append(tokenizer.decode(ids))
        return [tokenizer(text)["input_ids"] for text in ("<extra_id_0> staff<extra_id_1> was", "<extra_id_0> food")]

    monkeypatch.setattr(generator, "_outputs", outputs)
    (found,) = generator.answer(["The ___ who [MASK] polite."])
    assert asked[0].replace(" ", "") == "The<extra_id_0>who<extra_id_1>polite.</s>"
    assert not isinstance(found, DataError)
    assert found.generated == ("The staff who was polite.", "The food who  polite.")


def test_chinese_is_continued_without_spaces_and_wordpieces_are_joined(folders: dict[str, Path]) -> None:
    generator = Generator(find_language_model(str(folders["chinese"]), None, ("causal",)))
    from bertkit.deploy.pieces import continued

    tokenizer = generator.tokenizer

    def behind(prompt: str, *names: str) -> str:
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        return continued(tokenizer, ids, tokenizer.convert_tokens_to_ids(list(names)))

    assert behind("台湾", "大", "学", "的") == "大学的"
    assert behind("the play", "##ing", "the") == "ing the"
    assert behind("the", "play") == " play"
    (found,) = bertkit.generate(folders["chinese"], ["台湾大学"], max_new_tokens=9)
    assert found.generated[0].startswith("台湾大学")
    assert " " not in found.generated[0].replace(" the", "").replace(" play", "")


def test_the_texts_are_printed_numbered_where_there_are_several(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [PROMPT, "The film"]
    one, other = bertkit.generate(folders["gpt2"], texts, beams=2, samples=2, max_new_tokens=3)
    asked = ("--max-new-tokens", "3", "--beams", "2")
    assert printed(capsys, str(folders["gpt2"]), PROMPT, *asked) == f"{printable(one.generated[0])}\n"
    numbered = [(f"{n}.{k}", text) for n, found in ((1, one), (2, other)) for k, text in enumerate(found.generated, 1)]
    lines = [f"{number}  {printable(text)}" for number, text in numbered]
    assert printed(capsys, str(folders["gpt2"]), *texts, *asked, "--num_return_sequences", "2").splitlines() == lines
    said = printed(capsys, str(folders["gpt2"]), *texts, *asked, "--samples", "2", "--json")
    plain = [{"row": n, **found.plain()} for n, found in ((1, one), (2, other))]
    assert [json.loads(line) for line in said.splitlines()] == plain


def test_control_characters_are_not_printed(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "_continued", lambda self, text: (f"{text} \x1b[31m red\n",))
    assert printed(capsys, str(folders["gpt2"]), PROMPT) == f"{PROMPT} \ufffd[31m red\n\n"


def test_a_repair_that_came_out_empty_is_printed_as_no_text(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "_repaired", lambda self, text: ("",))
    assert printed(capsys, str(folders["bart"]), "The <mask>.") == "(no text)\n"


def test_a_file_is_answered_a_line_of_json_for_a_line(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "texts.txt", f"{PROMPT}\n\n{'a ' * 64}\n")
    said = printed(capsys, str(folders["gpt2"]), "--file", str(file), "--max-new-tokens", "3")
    found = [json.loads(line) for line in said.splitlines()]
    (expected,) = bertkit.generate(folders["gpt2"], [PROMPT], max_new_tokens=3)
    assert found[0] == {"line": 1, **expected.plain()}
    assert [one.get("error", "")[:19] for one in found] == ["", "the text is empty", "the text has 65 tok"]


@pytest.mark.parametrize(
    ("name", "typed", "line"),
    [
        ("bert", [PROMPT], "fills blanks, and continues no text (BertForMaskedLM): use `bertkit fill`"),
        ("classifier", [PROMPT], "has no language-model head (BertForSequenceClassification): name a pretrained"),
        ("gpt2", [""], "the text is empty"),
        ("gpt2", ["a" * 65], "the text has 65 tokens, and the model reads 64 at most"),
        ("gpt2", ["a" * 64], "the text has 64 tokens, and the model 64 positions: nothing can follow"),
        ("gpt2", ["a" * 60, "--max-new-tokens", "5"], "64 positions: --max-new-tokens 4 at most"),
        ("bart", ["a", "--max-new-tokens", "64"], "64 positions: --max-new-tokens 63 at most"),
        ("t5", ["_____, ___ <mask> [MASK]"], "the text has 4 blanks, and the vocabulary 3 tokens for them"),
        ("gpt2", ["a", "--max-new-tokens", "0"], "--max-new-tokens 0: it must be at least 1"),
        ("gpt2", ["a", "--temperature", "0"], "--temperature 0: it must be a number above 0"),
        ("gpt2", ["a", "--temperature", "nan"], "--temperature nan: it must be a number above 0"),
        ("gpt2", ["a", "--top-k", "0"], "--top-k 0: it must be at least 1"),
        ("gpt2", ["a", "--top-p", "1.5"], "--top-p 1.5: it must be above 0 and at most 1"),
        ("gpt2", ["a", "--beams", "0"], "--beams 0: it must be at least 1"),
        ("gpt2", ["a", "--samples", "0"], "--samples 0: it must be at least 1"),
        ("gpt2", ["a", "--seed", "-1"], "--seed -1: it must be at least 0"),
        ("gpt2", ["a", "--seed", str(2**32)], "it must be below 2**32"),
        ("gpt2", ["a", "--beams", "2", "--top-k", "3"], "--beams and --top-k: a beam search draws nothing"),
        ("gpt2", ["a", "--beams", "2", "--sample"], "--beams and --sample: a beam search draws nothing"),
        ("gpt2", ["a", "--greedy", "--top-p", "0.5"], "--greedy and --top-p: nothing is drawn then"),
        ("gpt2", ["a", "--greedy", "--samples", "2"], "--greedy and --samples 2: there is one such text"),
        ("gpt2", ["a", "--beams", "2", "--samples", "3"], "--samples 3: --beams 2 finds 2 at most"),
    ],
)
def test_what_cannot_be_generated_is_refused(
    refused: Refused, folders: dict[str, Path], name: str, typed: list[str], line: str
) -> None:
    assert line in refused("generate", str(folders[name]), *typed, "--quiet")


def test_weights_of_a_masked_model_are_no_causal_model(refused: Refused, tmp_path: Path) -> None:
    folder = lm.masked("bert", tmp_path / "model", "AutoModel")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    write(folder / "config.json", json.dumps({**config, "architectures": ["BertLMHeadModel"], "is_decoder": True}))
    assert "its weights lack 6 of the model's tensors" in refused("generate", str(folder), "a", "--quiet")


def test_a_refusal_loads_nothing_heavy(folders: dict[str, Path], tmp_path: Path) -> None:
    code, loaded, _ = answer(tmp_path, "generate", str(folders["bert"]), "a")
    assert (code, loaded) == (2, [])


def test_the_keywords_of_generate_are_its_flags() -> None:
    assert set(get_type_hints(GenerateOptions)) == {one.name for one in fields(GenerateFlags)} - {"file", "encoding"}


def test_a_mistake_from_python_is_named(folders: dict[str, Path]) -> None:
    with pytest.raises(RequestError, match=r"give a list of texts, also for one: generate\(model, \[text\]\)"):
        bertkit.generate(folders["gpt2"], PROMPT)
    with pytest.raises(DataError, match=r"texts\[1\]: the text has 65 tokens"):
        bertkit.generate(folders["gpt2"], [PROMPT, "a" * 65])


def test_a_model_that_opens_with_a_start_token_reads_it_and_no_end(tmp_path: Path) -> None:
    folder = lm.causal(tmp_path / "model", tiny.tokenizer_of("roberta"))
    generator = Generator(find_language_model(str(folder), None, ("causal",)))
    names = generator.tokenizer.convert_ids_to_tokens(generator._prompt("The"))
    assert (names[0], names[-1]) == ("<s>", "The")
