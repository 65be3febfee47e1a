"""`bertkit corrupt`: a text before and after noise, and the target; of words, or of a tokenizer's pieces."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import tiny
from door import Refused, refused
from files import write
from hypothesis import given, settings
from hypothesis import strategies as some
from rich.cells import cell_len
from text_rows import MemoryRows
from transformers import AutoTokenizer, T5Tokenizer

import bertkit
from bertkit.cli import main
from bertkit.deploy.text_row import Words
from bertkit.deploy.text_tokenizer import FileTokenizer, Tokens
from bertkit.errors import RequestError
from bertkit.models.vocabularies import pieces_of
from bertkit.objectives.denoise import Denoise
from bertkit.objectives.masked import Masked
from bertkit.objectives.rows import Draws
from bertkit.request.corrupt_flags import CorruptFlags, Corruption, CorruptOptions

__all__ = ["refused"]
NOISES: tuple[Corruption, ...] = get_args(Corruption)
TEXT = 'Mr. Bly, an old man, sat by the sea. He waited for "his" boat (a small one).  Nobody\ncame…'
ONE_SPACED = " ".join(TEXT.split())
CHINESE = "我在台灣大學讀書。今天天氣很好！"


def printed(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints."""
    with pytest.raises(SystemExit) as left:
        main(["corrupt", *arguments])
    out, err = capfd.readouterr()
    assert (left.value.code, err) == (0, "")
    return out


def lines(capfd: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    return [line.rstrip() for line in printed(capfd, *arguments).splitlines()]


def model(folder: Path, family: str = "bert") -> str:
    """A model's folder without weights."""
    tiny.tokenizer_of(family).save_pretrained(folder)
    write(folder / "config.json", f'{{"model_type": "{family}"}}')
    return str(folder)


def test_a_text_is_shown_before_and_after_with_the_target(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["The", "old", "man", "sat", "by", "the", "sea", "."]  # 40 % of 8 tokens are 3, in one span
    shown = {
        (
            "after   " + " ".join([*words[:i], "<extra_id_0>", *words[i + 3 :]]).replace("sea .", "sea."),
            "target  " + " ".join(["<extra_id_0>", *words[i : i + 3], "<extra_id_1>"]).replace("sea .", "sea."),
        )
        for i in range(6)
    }
    found = lines(capfd, "The old man sat by the sea.", "--noise", "t5", "--noise-ratio", "0.4", "--seed", "4")
    assert found[:3] == [
        "t5: 40 % of the tokens in spans of 3 on average, each of which becomes a",
        "sentinel; the decoder gives the spans",
        "before  The old man sat by the sea.",
    ]
    assert (found[3].replace("<extra_id_0>.", "<extra_id_0> ."), found[4]) in shown
    assert len(found) == 5


def test_a_target_that_stays_the_same_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    found = lines(capfd, "One. Two. Three.", "--noise", "permute", "--times", "2")
    assert found[1:] == ["before   One. Two. Three.", *found[2:4], "target   One. Two. Three."]
    for line, number in zip(found[2:4], (1, 2), strict=True):
        assert line.startswith(f"after {number}  ")
        assert sorted(line[9:].split()) == ["One.", "Three.", "Two."]
    drawn = lines(capfd, " ".join(map(str, range(30))), "--noise", "mass", "-n", "9")
    labels = [line[:8] for line in drawn if line.startswith(("before", "after", "target"))]
    assert labels == ["before  ", *(name for k in range(1, 10) for name in (f"after {k} ", f"target {k}"))]


def test_mlm_shows_what_is_read_and_what_should_be_given(capfd: pytest.CaptureFixture[str]) -> None:
    found = lines(capfd, "one two three four", "--noise", "mlm", "--mask-replacement", "mask", "--masking", "span")
    assert found[0] == "mlm: 15 % of the tokens, spans of words, are predicted; all of them masked"
    (hidden,) = {"one", "two", "three", "four"} - set(found[2].split())
    assert found[2].split()[1:] == ["[MASK]" if word == hidden else word for word in ["one", "two", "three", "four"]]
    assert found[3] == f"target  [MASK] → {hidden}"


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("text", [TEXT * 3, CHINESE * 20])
def test_every_line_has_80_columns_at_most(capfd: pytest.CaptureFixture[str], noise: str, text: str) -> None:
    assert max(map(cell_len, lines(capfd, text, "--noise", noise, "--times", "2"))) <= 80


@pytest.mark.parametrize("noise", NOISES)
def test_python_and_json_give_the_same(capfd: pytest.CaptureFixture[str], noise: Corruption) -> None:
    found = bertkit.corrupt(TEXT, noise=noise, times=3, seed=7)
    said = printed(capfd, TEXT, "--noise", noise, "--times", "3", "--seed", "7", "--json").splitlines()
    assert [json.loads(line) for line in said] == [json.loads(json.dumps(one.plain())) for one in found]
    assert len({one.after for one in found}) > 1
    assert {one.before for one in found} == {ONE_SPACED}
    if noise in ("mask", "delete", "infill", "permute", "rotate", "bart"):
        assert {one.target for one in found} == {ONE_SPACED}


def test_masked_tokens_and_their_targets_are_the_text() -> None:
    for one in bertkit.corrupt(TEXT, noise="mlm", mlm_probability=0.4, times=20):
        assert len(one.after_tokens) == len(one.target_tokens)
        restored = [gold or seen for seen, gold in zip(one.after_tokens, one.target_tokens, strict=True)]
        assert tuple(restored) == one.before_tokens
        assert sum(gold is not None for gold in one.target_tokens) == round(0.4 * len(one.before_tokens))


def test_words_are_split_at_marks_and_chinese_at_each_character() -> None:
    assert bertkit.corrupt(TEXT)[0].before_tokens[:7] == ("Mr", ".", "Bly", ",", "an", "old", "man")
    assert bertkit.corrupt("我用BERT讀書。")[0].before_tokens == ("我", "用", "BERT", "讀", "書", "。")


@pytest.mark.parametrize(
    ("text", "seen", "expected"),
    [
        ("The old man sat.", ["old", "man"], "The [MASK] [MASK] sat."),
        ("The old man sat.", ["sat", "."], "The old man [MASK] [MASK]"),
        ("A (small) one", ["small"], "A ([MASK]) one"),
        ("A (small) one", ["("], "A [MASK] small) one"),
        ("台灣大學。", ["大", "學"], "台灣[MASK][MASK]。"),
        ("在 台灣", ["台"], "在 [MASK]灣"),
        ("讀BERT。", ["讀"], "[MASK]BERT。"),
    ],
)
def test_a_masked_text_keeps_its_white_space(text: str, seen: list[str], expected: str) -> None:
    words = Words(text)
    named = zip(words.row.tokens, words.names(words.row.tokens), strict=True)
    assert words.text([words.pieces.mask or 0 if name in seen else token for token, name in named]) == expected


def test_moved_words_and_sentences_stay_apart() -> None:
    assert {one.after for one in bertkit.corrupt("We go.  You stay.", noise="rotate", times=60)} == {
        "We go. You stay.",
        "go. You stay. We",
        ". You stay. We go",
        "You stay. We go.",
        "stay. We go. You",
        ". We go. You stay",
    }
    assert {one.after for one in bertkit.corrupt("我走。你來！", noise="permute", times=20)} == {
        "我走。你來！",
        "你來！我走。",
    }


@settings(max_examples=100, deadline=None, derandomize=True)
@given(some.text(min_size=1, max_size=60).filter(str.strip))
def test_any_text_is_its_words_with_one_space_for_white_space(text: str) -> None:
    words = Words(text)
    assert words.text(words.row.tokens) == " ".join(text.split())
    assert "".join(words.names(words.row.tokens)) == "".join(text.split())
    assert words.row.begins[0] == 0 and sorted(set(words.row.begins)) == list(words.row.begins)


def test_sentences_begin_where_the_text_says() -> None:
    words = Words(TEXT)
    names = words.names(words.row.tokens)
    assert [names[begin] for begin in words.row.begins] == ["Mr", "He", "Nobody"]


def saved(family: str, folder: Path) -> Any:
    """A tokenizer as transformers reads it, saved."""
    if family == "t5":
        vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁a", -1.0), ("b", -2.0)]
        T5Tokenizer(vocab=vocabulary, extra_ids=5).save_pretrained(folder)
    else:
        tiny.tokenizer_of(family).save_pretrained(folder)
    write(folder / "config.json", f'{{"model_type": "{family}"}}')
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("family", ["bert", "roberta", "albert", "modernbert", "deberta-v3", "t5"])
@pytest.mark.parametrize("settings", [True, False])
def test_a_tokenizer_read_from_its_file_is_that_of_transformers(family: str, settings: bool, tmp_path: Path) -> None:
    theirs = saved(family, tmp_path)
    if not settings:
        (tmp_path / "tokenizer_config.json").unlink()
    expected, found = pieces_of(theirs), pieces_of(FileTokenizer(tmp_path))
    for name in ("mask", "start", "end", "pad", "sentinels"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.special.tolist() == expected.special.tolist()
    assert found.continues.tolist() == expected.continues.tolist()
    tokens = Tokens("A film about the sea, a b.", str(tmp_path)).row.tokens
    assert tokens == theirs("A film about the sea, a b.", add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("noise", ["mlm", "bart"])
def test_a_tokenizer_s_pieces_are_corrupted_as_in_pretraining(noise: Corruption, tmp_path: Path) -> None:
    folder = model(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    parts = [tokenizer(one, add_special_tokens=False)["input_ids"] for one in ("The sea was calm.", "Nobody came.")]
    objective = Masked() if noise == "mlm" else Denoise()
    for epoch, one in enumerate(
        bertkit.corrupt("The sea was calm. Nobody came.", noise=noise, tokenizer=folder, times=3)
    ):
        features = objective.corrupt(MemoryRows([parts]), np.zeros(1, np.int64), Draws(42, epoch), pieces_of(tokenizer))
        expected = tokenizer.convert_ids_to_tokens(features.inputs["input_ids"][0].tolist())
        assert one.after_tokens == tuple(expected)
        assert one.after == " ".join(expected)


def test_pieces_of_bytes_are_shown_as_characters(tmp_path: Path) -> None:
    (one,) = bertkit.corrupt("a é", tokenizer=model(tmp_path, "roberta"))
    assert "".join(one.before_tokens) in ("aĠé", "aĠÃ©")  # a character of two bytes, as one piece or as two


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            "--noise mak",
            "'mak' is not one of mlm, mask, delete, infill, permute, rotate, mass, t5, bart; did you mean mask",
        ),
        ("--noise mask --ratio 1.5", "--noise-ratio 1.5: it must be above 0 and below 1"),
        ("--noise mask --noise-ratio 0", "--noise-ratio 0: it must be above 0 and below 1"),
        ("--noise permute --ratio .3", "--noise permute has none"),
        ("--noise permute", "the text is one: give at least two"),
        ("--noise rotate", "the text is one token"),
        ("--noise delete", "the text is one token"),
        ("--noise mlm --mlm-probability 1", "--mlm-probability 1: it must be above 0 and below 1"),
        ("--noise mlm --ratio .3", "--noise mlm has --mlm-probability in its place"),
        ("--masking span --mask-replacement mask", "--masking, --mask-replacement: it is for --noise mlm"),
        ("--noise mlm --masking words", "'words' is not one of subword"),
        ("--times 0", "--times 0: it must be at least 1"),
        ("--seed 4294967296", "--seed 4294967296: it must be at least 0 and below 2**32"),
        ("--tokenizer ./nowhere", "model './nowhere' is not a folder"),
        ("--revision main", "--revision: it is of the model that --tokenizer names"),
    ],
)
def test_what_cannot_be_is_refused(refused: Refused, arguments: str, why: str) -> None:
    assert why in refused("corrupt", "Hello", *arguments.split())


@pytest.mark.parametrize(("text", "why"), [("", "the text is empty"), (" \n", "the text is empty"),
                                           ("\udcff", "not UTF-8")])  # fmt: skip
def test_no_text_is_refused(refused: Refused, text: str, why: str) -> None:
    assert why in refused("corrupt", text)


def test_a_tokenizer_that_does_not_do_is_refused(refused: Refused, tmp_path: Path) -> None:
    folder = model(tmp_path / "model")
    assert "--noise t5 needs sentinels" in refused("corrupt", "Hello you.", "--noise", "t5", "--tokenizer", folder)
    assert "finds no token in the text" in refused("corrupt", "\x00", "--tokenizer", folder)
    write(tmp_path / "model" / "tokenizer.json", "{")
    assert "it cannot be read" in refused("corrupt", "Hello you.", "--tokenizer", folder)


@pytest.mark.parametrize(("options", "why"), [({"noise": "mak"}, "noise='mak'"), ({"time": 2}, "no option of corrupt"),
                                              ({"times": "x"}, "times='x'")])  # fmt: skip
def test_a_wrong_keyword_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        bertkit.corrupt("Hello you.", **options)


def test_the_keywords_of_corrupt_are_its_flags() -> None:
    assert get_type_hints(CorruptOptions) == get_type_hints(CorruptFlags)


def test_without_a_text_standard_input_is_read(
    capfd: pytest.CaptureFixture[str], refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    typed("\ufeffOne two.\nThree four.\n".encode())
    assert lines(capfd, "--noise", "permute")[1] == "before  One two. Three four."
    typed(b"")
    assert "the text is empty" in refused("corrupt")
    typed(b"caf\xe9")
    assert "standard input is not UTF-8 (byte 4)" in refused("corrupt")


LOADED = "import sys; from bertkit.cli import main\ntry: main({arguments})\nfinally: print(*sys.modules)"


@pytest.mark.parametrize("more", [(), ("--tokenizer",)])
def test_no_torch_is_loaded(tmp_path: Path, more: tuple[str, ...]) -> None:
    arguments = ["corrupt", "One two. Three.", *more, *([model(tmp_path)] if more else [])]
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(arguments=arguments)], capture_output=True, text=True, check=True
    )
    assert "numpy" in done.stdout.split()
    assert {"torch", "transformers", "datasets", "scipy"} & set(done.stdout.split()) == set()
