"""The tokenizer of a pretraining run: what cannot be learnt or used is refused in a line, with nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from files import write

from bertkit.cli import main

WORDS = ["the", "the", "of", "old", "sea", "man", "by", "she", "said", "he", "sold", "shells", "at", "boat", "water"]
FLAGS = ["--shape", "1/16/2", "--max-length", "16", "--budget", "1step", "--device", "cpu", "--quiet"]

Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refusal:
    """Pretrain on a small book of words that were drawn; the last line, behind what is said of the corpus."""
    draws = np.random.default_rng(0)
    paragraphs = [" ".join(draws.choice(WORDS, 20)).capitalize() + "." for _ in range(60)]
    book = write(tmp_path / "book.txt", "\n\n".join(paragraphs))

    def ask(*flags: str) -> str:
        with pytest.raises(SystemExit) as leaving:
            main(["pretrain", str(book), *FLAGS, *flags, "--out", str(tmp_path / "runs")])
        printed = capfd.readouterr()
        assert (printed.out, leaving.value.code) == ("", 2)
        assert not list((tmp_path / "runs").glob("*"))
        return printed.err.splitlines()[-1]

    return ask


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_a_vocabulary_that_the_text_does_not_support(refusal: Refusal, kind: str) -> None:
    said = refusal("--vocabulary", kind, "--vocab-size", "9999")
    assert said.startswith(f"Error: --vocab-size 9999: the text supports a {kind} vocabulary of ")
    assert said.endswith(" tokens at most")


def test_a_byte_level_vocabulary_without_room_for_all_bytes(refusal: Refusal) -> None:
    said = refusal("--vocabulary", "bpe", "--vocab-size", "200")
    assert said == "Error: --vocab-size 200: a bpe vocabulary has all bytes: give 261 at least"


def test_a_tokenizer_without_the_tokens_of_t5(refusal: Refusal) -> None:
    said = refusal("--objective", "denoise", "--noise", "t5", "--tokenizer", "sample")
    assert said == "Error: --tokenizer sample: it has no sentinels (<extra_id_0>, ...), which --architecture t5 needs"


def test_a_tokenizer_without_a_mask_token(refusal: Refusal, tmp_path: Path) -> None:
    folder = tmp_path / "bytes"
    tokenizer = tiny.tokenizer_of("roberta")
    tokenizer.mask_token = None
    tokenizer.save_pretrained(folder)
    write(folder / "config.json", '{"model_type": "roberta"}')
    said = refusal("--tokenizer", str(folder))
    assert said == f"Error: --tokenizer {folder}: it has no mask token, which --objective mlm needs"


def test_a_folder_without_a_vocabulary(refusal: Refusal, tmp_path: Path) -> None:
    write(tmp_path / "empty" / "config.json", '{"model_type": "bert"}')
    assert "has no vocabulary" in refusal("--tokenizer", str(tmp_path / "empty"))
