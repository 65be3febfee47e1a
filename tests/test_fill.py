"""`bertkit fill`: the candidates of a blank are the model's own, as words."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import lm
import pytest
import transformers
from files import write

import bertkit
from bertkit.cli import main
from bertkit.cli.fill import share_of
from bertkit.deploy.fill import Candidate
from bertkit.errors import DataError
from bertkit.request.text_flags import FillFlags, FillOptions, TextFlags

VOCABULARY = ["play", "##ing", "##s", "man", "the", "of", ",", *lm.CHARACTERS]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models, by name; "words" answers man, ##ing and 湾 in this order, "bytes" the and ing."""
    below = tmp_path_factory.mktemp("models")
    return {
        **{family: lm.masked(family, below / family) for family in ("bert", "roberta", "albert", "modernbert")},
        "pretraining": lm.masked("bert", below / "pretraining", "AutoModelForPreTraining"),
        "words": lm.answering(lm.words(below / "words", VOCABULARY), "man", "##ing", "湾"),
        "bytes": lm.answering(lm.masked("roberta", below / "bytes"), "Ġthe", "ing"),
        "unigram": lm.answering(lm.masked("xlm-roberta", below / "unigram"), "▁the", "ing"),
    }


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        main(["fill", *arguments, "--quiet"])
    shown = capsys.readouterr()
    assert leaving.value.code in (0, None), shown.err
    return shown.out


@pytest.mark.parametrize("name", ["bert", "roberta", "albert", "modernbert", "pretraining"])
def test_candidates_and_probabilities_are_those_of_the_pipeline(folders: dict[str, Path], name: str) -> None:
    pipe = transformers.pipeline("fill-mask", str(folders[name]), top_k=7)
    mask = pipe.tokenizer.mask_token
    texts = [f"The food was {mask}.", f"{mask} long film by the {mask}, and nobody in the house cared.", f"un{mask}ed"]
    found = bertkit.fill(folders[name], texts, top_k=7)
    for text, filled in zip(texts, found, strict=True):
        theirs = pipe(text)
        theirs = theirs if isinstance(theirs[0], list) else [theirs]
        names = [[pipe.tokenizer.convert_ids_to_tokens(one["token"]) for one in blank] for blank in theirs]
        assert [[one.token for one in blank] for blank in filled.blanks] == names
        shares = [one.probability for blank in filled.blanks for one in blank]
        assert shares == pytest.approx([one["score"] for blank in theirs for one in blank], abs=1e-6)
        assert len({round(share, 5) for share in shares}) > 3


@pytest.mark.parametrize(
    ("name", "text", "words", "filled"),
    [
        ("words", "the play[MASK] of", ["man", "playing", "湾"], "the play man of"),
        ("words", "the [MASK] of", ["man", "theing", "湾"], "the man of"),
        ("words", "[MASK], the play", ["man", "ing", "湾"], "man, the play"),
        ("words", "[MASK][MASK] of", ["man", "ing", "湾", "man", "___ing", "湾"], "man man of"),
        ("words", "在[MASK]山", ["man", "ing", "湾"], "在man山"),
        ("bytes", "of <mask> sea", ["the", "ing"], "of the sea"),
        ("bytes", "of <mask>n sea", ["then", "ingn"], "of then sea"),
        ("bytes", "go<mask>, sea", ["the", "going"], "go the, sea"),
        ("bytes", "<mask> sea", ["the", "ing"], "the sea"),
        ("unigram", "go <mask> sea", ["the", "going"], "go the sea"),
    ],
)
def test_a_candidate_is_the_word_that_it_makes_of_the_text(
    folders: dict[str, Path], name: str, text: str, words: list[str], filled: str
) -> None:
    (found,) = bertkit.fill(folders[name], [text], top_k=len(words) // (text.count("MASK") or 1))
    assert [one.word for blank in found.blanks for one in blank] == words
    assert found.filled == filled


def test_a_chinese_candidate_is_a_character_without_spaces(tmp_path: Path) -> None:
    model = lm.answering(lm.words(tmp_path / "model", VOCABULARY), "湾", "北", "的")
    (found,) = bertkit.fill(model, ["台[MASK]大学"], top_k=3)
    assert found.filled == "台湾大学"
    assert [one.word for one in found.blanks[0]] == ["湾", "北", "的"]


def test_every_spelling_of_a_blank_is_the_models_mask_token(folders: dict[str, Path]) -> None:
    texts = ["The old [MASK] of", "The old <mask> of", "The old ___ of", "The old _______ of"]
    found = bertkit.fill(folders["roberta"], texts)
    assert len({tuple((one.token, round(one.probability, 6)) for one in filled.blanks[0]) for filled in found}) == 1


def test_a_models_own_mask_token_is_a_blank(folders: dict[str, Path], tmp_path: Path) -> None:
    model = transformers.AutoModelForMaskedLM.from_pretrained(folders["words"])
    tokenizer = transformers.BertTokenizer(
        vocab={"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[GAP]": 4}
        | {w: 5 + k for k, w in enumerate(VOCABULARY)},
        mask_token="[GAP]",
        do_lower_case=False,
    )
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert [one.filled for one in bertkit.fill(tmp_path, ["the [GAP] of", "the [MASK] of"])] == ["the man of"] * 2
    with pytest.raises(DataError, match=r"write \[MASK\], <mask>, \[GAP\] or ___ where"):
        bertkit.fill(tmp_path, ["the of"])


def test_the_best_word_is_printed_in_the_text_above_the_candidates(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(folders["words"])
    # probabilities: exp(0), exp(-2), exp(-4) over their sum
    rows = ["  0.867  man", "  0.117  {}", "  0.016  湾"]
    one = "\n".join(["the man of", *rows]).format("theing")
    assert printed(capsys, model, "the ___ of", "--top-k", "3") == one + "\n"
    blanks = ["  blank 1", *(f"  {row}" for row in rows), "  blank 2", *(f"  {row}" for row in rows)]
    several = ["man of man", "  each blank is filled with the others masked", *blanks]
    said = printed(capsys, model, "___ of ___", "the ___ of", "--top-k", "3")
    assert said == "\n".join(["1  " + several[0], *several[1:]]).format("ing", "ofing") + "\n2  " + one + "\n"


@pytest.mark.parametrize(
    ("share", "shown"), [(0.4567, "0.457"), (0.0005, "0.001"), (0.000321, "3e-04"), (1e-12, "1e-12"), (0.0, "0.000")]
)
def test_a_small_probability_is_printed_as_a_power_of_ten(share: float, shown: str) -> None:
    assert share_of(Candidate(word="man", token="man", probability=share)) == shown


def test_json_is_what_python_gives(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["The old ___ of the sea.", "___ long ___."]
    said = printed(capsys, str(folders["bert"]), *texts, "--json", "--top-k", "2")
    plain = [{"row": n, **one.plain()} for n, one in enumerate(bertkit.fill(folders["bert"], texts, top_k=2), 1)]
    assert [json.loads(line) for line in said.splitlines()] == plain
    assert [len(one["blanks"]) for one in plain] == [1, 2]
    assert set(plain[0]["blanks"][0][0]) == {"word", "token", "probability"}


LINES = "the ___ of\r\n\nno blank\n" + "the " * 40 + "___\n在___山\n"
ERRORS = [None, "the text is empty", "the text has no blank", "the text has 43 tokens, and the model reads 40", None]


def check_lines(said: str) -> None:
    found = [json.loads(line) for line in said.splitlines()]
    assert [one["line"] for one in found] == [1, 2, 3, 4, 5]
    assert [one.get("error", "").startswith(why or "") for one, why in zip(found, ERRORS, strict=True)] == [True] * 5
    assert ["error" in one for one in found] == [why is not None for why in ERRORS]
    assert [one.get("filled") for one in found] == ["the man of", None, None, None, "在man山"]


def test_a_file_is_answered_a_line_of_json_for_a_line(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "texts.txt", LINES)
    check_lines(printed(capsys, str(folders["words"]), "--file", str(file)))
    write(file, LINES.encode("gb18030"))
    check_lines(printed(capsys, str(folders["words"]), "--file", str(file), "--encoding", "gb18030"))


def test_standard_input_is_answered_a_line_of_json_for_a_line(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, LINES.encode())
    os.close(theirs)
    with os.fdopen(ours) as file:
        monkeypatch.setattr(sys, "stdin", file)
        check_lines(printed(capsys, str(folders["words"]), "--file", "-"))


def test_many_texts_are_filled_as_each_alone(folders: dict[str, Path]) -> None:
    texts = [f"{'the play ' * (k % 9)}___ of" for k in range(50)]
    together = bertkit.fill(folders["bert"], texts)
    assert [one.text for one in together] == texts
    for text, one in list(zip(texts, together, strict=True))[:9]:
        (alone,) = bertkit.fill(folders["bert"], [text])
        assert [c.token for c in alone.blanks[0]] == [c.token for c in one.blanks[0]]
        shares = [c.probability for c in alone.blanks[0]]
        assert shares == pytest.approx([c.probability for c in one.blanks[0]], abs=1e-6)


def test_bf16_gives_nearly_the_same_probabilities(folders: dict[str, Path]) -> None:
    exact, coarse = (
        bertkit.fill(folders["bert"], ["The old ___."], top_k=1, precision=precision)[0].blanks[0][0].probability
        for precision in ("fp32", "bf16")
    )
    assert exact != coarse
    assert exact == pytest.approx(coarse, abs=0.05)


def test_a_run_is_filled_by_its_model(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("spec.json", "result.json"):
        write(tmp_path / "run" / name, "{}")
    (tmp_path / "run" / "model").symlink_to(folders["words"])
    assert bertkit.fill(tmp_path / "run", ["the ___ of"])[0].filled == "the man of"


def test_the_keywords_of_fill_are_its_flags() -> None:
    ours = {field.name for field in fields(FillFlags)} - {"file", "encoding"}
    assert set(get_type_hints(FillOptions)) == ours
    assert {field.name for field in fields(TextFlags)} - ours == {"file", "encoding"}
