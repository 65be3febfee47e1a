"""Tokens of a corpus in mapped files: what is stored, for each kind of vocabulary."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from files import write
from test_corpus import cache, numbered, read  # noqa: F401
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from bertkit.data import tokens as tokenising
from bertkit.data.corpus import corpus_text
from bertkit.data.tokens import TokenFiles, tokenised
from bertkit.pretraining import Corpus
from bertkit.progress import Progress

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "one", "two", "three", "##s", ".", "[", "]", "sep"]
MEASURED = """
import sys
from types import SimpleNamespace
from tokenizers import Tokenizer
from bertkit.data import corpus, tokens
from bertkit.data.corpus import corpus_text
from bertkit.pretraining import Corpus
from bertkit.progress import Progress

corpus.STRETCH = tokens.BLOCK = 1 << 16

def anonymous():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1])

class Most(Progress):
    most = 0
    def advance(self, steps=1, loss=None, examples=0):
        self.most = max(self.most, anonymous())

backend = Tokenizer.from_file(sys.argv[3])

def most_of(path):
    progress = Most()
    text = corpus_text(Corpus(paths=(path,), documents="file", held_out=0), progress)
    tokens.tokenised(text, "train", SimpleNamespace(backend_tokenizer=backend), progress)
    return progress.most

print(-most_of(sys.argv[1]) + most_of(sys.argv[2]))
"""
"""Prints by how many kB the anonymous memory for a second corpus is above that for a first."""

TEXT = "One. Twos three.\n\n\u0007\n\nThree\n\nTwo [SEP].\n"
"""Three documents with tokens, and one of a control character that has none."""


def wordpiece(words: list[str] = WORDS) -> Any:
    """A tokenizer as transformers' fast ones have it, which truncates, as far as its settings go."""
    backend = Tokenizer(models.WordPiece({word: k for k, word in enumerate(words)}, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(words[:5])
    backend.enable_truncation(1)
    backend.enable_padding()
    return SimpleNamespace(backend_tokenizer=backend)


def byte_level() -> Any:
    """A byte-level BPE, whose tokens know whether a space is before them."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        ["One. Two three. Two."] * 9, trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False)
    )
    return SimpleNamespace(backend_tokenizer=backend)


def made(path: Path, tokenizer: Any, **options: Any) -> TokenFiles:
    return tokenised(read(path, **options), "train", tokenizer, Progress())


def test_tokens_sentences_and_documents_are_stored_without_special_ones(tmp_path: Path) -> None:
    files = made(write(tmp_path / "a.txt", TEXT), wordpiece())
    assert files.tokens.tolist() == [5, 9, 6, 8, 7, 9, 7, 6, 10, 12, 11, 9]  # one . two ##s three . three two [ sep ] .
    assert files.sentences.tolist() == [0, 2, 6, 7, 12]
    assert files.documents.tolist() == [0, 2, 3, 4]
    assert files.frequencies.tolist() == np.bincount(files.tokens, minlength=len(WORDS)).tolist()


def test_the_type_of_the_tokens_is_as_small_as_the_vocabulary_allows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", TEXT)
    many = [*WORDS, *(f"w{k}" for k in range(len(WORDS), 65_536))]
    assert made(path, wordpiece(many)).tokens.dtype == np.uint16
    large = made(path, wordpiece([*many, "last"]))
    assert large.tokens.dtype == np.int32
    assert large.tokens.tolist() == made(path, wordpiece()).tokens.tolist()


def test_a_byte_level_vocabulary_gives_the_text_again(tmp_path: Path) -> None:
    tokenizer = byte_level()
    files = made(write(tmp_path / "a.txt", "One. Two three.\nTwo.\n\n他来了。好。 One.\n"), tokenizer)
    ends = files.sentences[files.documents]
    texts = [tokenizer.backend_tokenizer.decode(files.tokens[start:end]) for start, end in pairwise(ends)]
    assert texts == ["One. Two three. Two.", "他来了。好。 One."]


def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.txt", TEXT * 3)
    whole = made(path, wordpiece(), documents="row", held_out=0)
    monkeypatch.setattr(tokenising, "BLOCK", 1)
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path / "cache"))
    parts = made(path, wordpiece(), documents="row", held_out=0)
    for name in ("tokens", "sentences", "documents", "frequencies"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


def test_tokens_are_cached_by_corpus_part_and_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = read(write(tmp_path / "a.txt", TEXT), held_out=0.3)
    train = tokenised(corpus, "train", wordpiece(), Progress())
    held = tokenised(corpus, "held-out", wordpiece(), Progress())
    assert len(train.tokens) + len(held.tokens) == 12
    monkeypatch.setattr(tokenising, "_tokenise", None)  # nothing can be tokenised again
    assert tokenised(corpus, "train", wordpiece(), Progress()).tokens.tolist() == train.tokens.tolist()
    with pytest.raises(TypeError):
        tokenised(corpus, "train", wordpiece([*WORDS, "four"]), Progress())


def test_an_empty_part_has_no_tokens(tmp_path: Path) -> None:
    files = tokenised(read(write(tmp_path / "a.txt", TEXT)), "held-out", wordpiece(), Progress())
    assert (len(files.tokens), files.sentences.tolist(), files.documents.tolist()) == (0, [0], [0])


def test_the_tokenizer_is_left_as_it_was(tmp_path: Path) -> None:
    tokenizer = wordpiece()
    before = tokenizer.backend_tokenizer.to_str()
    made(write(tmp_path / "a.txt", TEXT), tokenizer)
    assert tokenizer.backend_tokenizer.to_str() == before
    assert tokenizer.backend_tokenizer.encode_special_tokens is False


class Seen(Progress):
    """Counts its steps."""

    def phase(self, name: str, total: int) -> None:
        self.name, self.total, self.done = name, total, 0

    def advance(self, steps: int = 1, loss: float | None = None, examples: int = 0) -> None:
        self.done += steps


def test_progress_is_in_millions_of_characters(tmp_path: Path) -> None:
    seen = Seen()
    path = write(tmp_path / "a.txt", "".join(f"{k:06d} 数\n\n" for k in range(400_000)))
    text = corpus_text(Corpus(paths=(str(path),), held_out=0), seen)
    assert (seen.name, seen.total, seen.done) == ("reading the corpus", 4, 4)  # 12 bytes each
    tokenised(text, "train", wordpiece(), seen)
    assert (seen.name, seen.total, seen.done) == ("tokenising", 4, 4)  # 9 characters each: 3.4


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    """One document of 20 MB, in a process of its own: anonymous memory grows by less than that in both steps."""
    sentences = (f"Number {k} is one more than {k - 1}, and that is all." for k in range(400_000))
    path = write(tmp_path / "a.txt", "\n".join(sentences))
    few = write(tmp_path / "b.txt", "Number 1 is one more than 0.\n\nThat is all.")
    wordpiece().backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    command = [sys.executable, "-c", MEASURED, str(few), str(path), str(tmp_path / "tokenizer.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=True)
    assert path.stat().st_size > 20_000_000
    assert 0 < int(done.stdout) * 1024 < 20_000_000
