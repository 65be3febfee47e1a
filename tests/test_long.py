"""Texts longer than the window: which tokens of them are read, what is counted as cut, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import tiny
from door import Refused, refused
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from bertkit import registry
from bertkit.data.encoding import counted, rows_cut
from bertkit.errors import RequestError
from bertkit.heads import Classification, Window
from bertkit.heads.features import WINDOWS, Features
from bertkit.heads.long import SEVERAL
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.result import count_line
from bertkit.spec import Spec, spec_from_plain, to_plain
from bertkit.task import Recipe

__all__ = ["refused"]

ONE = Classification(labels=("no", "yes"))
TWO = replace(ONE, pair=True)
SHORT = Window(max_length=12, doc_stride=4, long="windows")
"""Ten tokens of a text, or nine of two, beside the special ones."""


def numbered(count: int, name: str = "w") -> str:
    return " ".join(f"{name}{i}" for i in range(count))


@cache
def numbers_only() -> Any:
    """A tokenizer whose tokens are the words, `[CLS] text [SEP] other [SEP]`."""
    names = ["[UNK]", "[CLS]", "[SEP]", *numbered(1000).split(), *numbered(20, "a").split(), "a", "b"]
    backend = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")


def read(window: Window, *texts: str) -> tuple[Features, list[str]]:
    """The features of one row, and what each of its windows shows, as words."""
    tokenizer = numbers_only()
    columns = dict(zip(("text", "text_pair"), ([text] for text in texts), strict=False))
    features = (TWO if len(texts) == 2 else ONE).encode(columns, tokenizer, window)
    runs = features.runs["input_ids"]
    return features, [" ".join(tokenizer.convert_ids_to_tokens(runs[i].tolist())) for i in range(len(runs))]


def cut(features: Features) -> bool:
    return rows_cut(features) == 1


# Head and tail.


def test_head_and_tail_are_a_quarter_and_three_quarters_of_what_fits() -> None:
    features, (shown,) = read(replace(SHORT, long="head-tail"), numbered(20))
    assert shown == "[CLS] w0 w1 w2 w13 w14 w15 w16 w17 w18 w19 [SEP]"  # of ten: 2.5, rounded up, and the rest
    assert (cut(features), features.windows) == (True, None)


def test_of_512_tokens_they_are_128_and_382() -> None:
    _, (shown,) = read(Window(max_length=512, long="head-tail"), numbered(1000))
    assert shown.split()[1:-1] == [f"w{i}" for i in (*range(128), *range(618, 1000))]


def test_of_a_pair_the_longer_text_loses_its_middle() -> None:
    _, (shown,) = read(replace(SHORT, long="head-tail"), "a b", numbered(20))
    assert shown == "[CLS] a b [SEP] w0 w1 w15 w16 w17 w18 w19 [SEP]"  # seven of nine: 1.75 and the rest
    features, (shown,) = read(replace(SHORT, long="head-tail"), numbered(20, "a"), numbered(20))
    assert shown == "[CLS] a0 a17 a18 a19 [SEP] w0 w16 w17 w18 w19 [SEP]"
    assert cut(features)


@pytest.mark.parametrize("long", ["head-tail", "windows"])
def test_a_text_that_fits_is_read_whole(long: Any) -> None:
    features, (shown,) = read(replace(SHORT, long=long), numbered(10))
    assert (shown, cut(features)) == (f"[CLS] {numbered(10)} [SEP]", False)


# Windows.


def test_windows_share_doc_stride_tokens_and_lose_none() -> None:
    features, shown = read(SHORT, numbered(20))
    assert shown == [
        "[CLS] w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 [SEP]",
        "[CLS] w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 [SEP]",
        "[CLS] w12 w13 w14 w15 w16 w17 w18 w19 [SEP]",
    ]
    assert (len(features), features.windows, cut(features)) == (1, [3], False)
    assert features.lengths.tolist() == [12 + 12 + 10]
    assert counted(features) == {SEVERAL: 1}
    assert count_line(SEVERAL, 1) == "1 row is read in several windows"


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "deberta-v3", "modernbert"])
def test_they_are_the_windows_that_the_tokenizer_itself_makes(family: str) -> None:
    tokenizer = tiny.tokenizer_of(family)
    texts = [" ".join(tiny.texts()[:k]) for k in (1, 7, 30)]
    window = Window(max_length=32, doc_stride=8, long="windows", max_windows=99)
    features = ONE.encode({"text": texts}, tokenizer, window)
    theirs = tokenizer(texts, truncation=True, max_length=32, stride=8, return_overflowing_tokens=True)
    assert len(theirs["input_ids"]) > 10
    assert [features.runs["input_ids"][i].tolist() for i in range(sum(features.windows or []))] == theirs["input_ids"]
    rows = np.repeat(np.arange(3), features.windows or [])
    assert rows.tolist() == theirs["overflow_to_sample_mapping"]


def test_a_pairs_shorter_text_is_in_every_window_of_the_longer() -> None:
    for texts in (("a b", numbered(15)), (numbered(15), "a b")):
        features, shown = read(SHORT, *texts)
        starts = [line.replace("a b", "").split("[SEP]") for line in shown]
        assert (
            [" ".join(part).split()[1:] for part in starts]
            == [  # seven of nine, four of them shared
                [f"w{i}" for i in range(first, min(first + 7, 15))] for first in (0, 3, 6, 9)
            ][: len(shown)]
        )
        assert len(shown) == 4
        assert all("a b" in line for line in shown)
        assert not cut(features)


def test_a_pairs_segments_are_those_of_its_tokens() -> None:
    tokenizer = tiny.tokenizer_of("bert")
    long = " ".join(tiny.texts()[:9])
    features = TWO.encode({"text": ["a film"], "text_pair": [long]}, tokenizer, replace(SHORT, max_length=24))
    ids, segments = features.runs["input_ids"], features.runs["token_type_ids"]
    for i in range(len(ids)):
        first = ids[i].tolist().index(tokenizer.sep_token_id)
        assert segments[i].tolist() == [0] * (first + 1) + [1] * (len(ids[i]) - first - 1)


def test_where_both_texts_are_long_the_shorter_keeps_half_and_is_counted_as_cut() -> None:
    features, shown = read(SHORT, numbered(6, "a"), numbered(7))
    assert shown == [
        "[CLS] a0 a1 a2 a3 [SEP] w0 w1 w2 w3 w4 [SEP]",
        "[CLS] a0 a1 a2 a3 [SEP] w1 w2 w3 w4 w5 [SEP]",
        "[CLS] a0 a1 a2 a3 [SEP] w2 w3 w4 w5 w6 [SEP]",
    ]
    assert cut(features)


def test_a_row_of_more_than_max_windows_is_cut_and_counted() -> None:
    features, shown = read(replace(SHORT, max_windows=2), numbered(20))
    assert (len(shown), cut(features)) == (2, True)
    features, shown = read(replace(SHORT, max_windows=2), numbered(16))
    assert (len(shown), cut(features)) == (2, False)


def test_truncated_features_have_no_windows() -> None:
    features, (shown,) = read(Window(max_length=12), numbered(20))
    assert shown == f"[CLS] {numbered(10)} [SEP]"
    assert (features.places, features.counts, features.windows, cut(features)) == ({}, {}, None, True)
    assert WINDOWS not in features.places


# The flags.


def asked(**typed: Any) -> Window:
    return spec_of(registry.find("sst2"), Flags(sample=True, **typed)).recipe.window


def test_the_overlap_is_a_quarter_of_max_length_unless_it_is_given() -> None:
    assert asked(long="windows").doc_stride == asked(long="windows").max_length // 4
    assert asked(long="windows", max_length=64).doc_stride == 16
    assert asked(long="windows", max_length=64, doc_stride=10).doc_stride == 10
    assert asked(long="head-tail", max_length=64) == Window(max_length=64, long="head-tail")


def test_a_spec_keeps_it_and_one_without_it_keeps_its_digest() -> None:
    plain = Spec(task=registry.find("sst2"), model="org/tiny")
    spec = replace(plain, recipe=Recipe(window=SHORT))
    assert spec_from_plain(to_plain(spec)) == spec
    old = to_plain(plain)
    for place in (old["recipe"], old["task"]["recipe"], old["task"]["sample_recipe"]):
        del place["window"]["long"], place["window"]["max_windows"]
    assert spec_from_plain(old) == plain
    assert spec_from_plain(old).digest == plain.digest


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("ud_en_ewt --long windows", "--long does not apply to ud_en_ewt: a tagging head does not read it"),
        ("squad --long head-tail", "--long does not apply to squad: a span head does not read it"),
        ("squad --max-windows 3", "--max-windows does not apply to squad: a span head does not read it"),
        ("sst2 --doc-stride 8", "--doc-stride does not apply to sst2 without --long windows"),
        ("sst2 --long head-tail --max-windows 8", "--max-windows does not apply to sst2 without --long windows"),
        ("sst2 --long windows --max-windows 0", "--max-windows 0: it must be at least 1"),
        (
            "sst2 --long windows --max-length 64 --doc-stride 62",
            "--doc-stride 62 does not fit --max-length 64: a window may show only 62 tokens of a text, and must share "
            "fewer with the next",
        ),
        (
            "rte --long windows --max-length 64 --doc-stride 30",
            "--doc-stride 30 does not fit --max-length 64: a window may show only 30 tokens of a text beside the "
            "other, and must share fewer with the next",
        ),
        (
            "sst2 --long window",
            "Invalid value for '--long': 'window' is not one of truncate, head-tail, windows; did you mean windows?",
        ),
    ],
)
def test_flags_of_long_texts_that_cannot_be_are_refused(refused: Refused, typed: str, line: str) -> None:
    assert refused("finetune", *typed.split(), "--sample") == f"Error: {line}\n"


@pytest.mark.parametrize("name", ["ud_en_ewt", "squad"])
def test_a_spec_of_a_head_that_reads_no_windows_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="--long head-tail"):
        Spec(task=registry.find(name), model="m", recipe=Recipe(window=Window(max_length=384, long="head-tail")))
