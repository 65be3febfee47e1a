"""The shipped sample: how many rows, no duplicates, few set phrases, no label that half a pair gives away."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any

import conllu
import pytest

from bertkit import registry
from bertkit.data.rows import read_files
from bertkit.heads import Tagging
from bertkit.sources import Source, locate

SAMPLES = Path(__file__).parent.parent / "tasks" / "samples"
PARAGRAPHS = {"train": 30, "dev": 12}
QUESTIONS = 4
ROWS = {
    "sst2": {"train": 200, "dev": 80},
    "mnli": {"train": 160, "dev_matched": 64, "dev_mismatched": 64, "ax": 20},
    "qnli": {"train": 160, "dev": 64},
    "rte": {"train": 160, "dev": 64},
    "wnli": {"train": 160, "dev": 64},
    "cola": {"train": 100, "dev": 40},
    "mrpc": {"train": 100, "dev": 40},
    "qqp": {"train": 100, "dev": 40},
    "stsb": {"train": 100, "dev": 40},
    "stance": {"train": 80, "dev": 32},
    "ud_en_ewt": {"train": 80, "dev": 30},
    "ud_zh_gsd": {"train": 20, "dev": 10},
    "ud_de_gsd": {"train": 20, "dev": 10},
    "ud_fr_sequoia": {"train": 20, "dev": 10},
    "copa": {"train": 40, "dev": 20},
    "c3": {"train": 32, "dev": 14},
    "chid": {"train": 14, "dev": 6},
    "squad": {split: count * QUESTIONS for split, count in PARAGRAPHS.items()},
    "squad_v2": {split: count * QUESTIONS for split, count in PARAGRAPHS.items()},
}
PARTS = [(name, split) for name, splits in ROWS.items() for split in splits]
GOLDEN = [(name, split) for name, split in PARTS if split != "ax"]
TREEBANKS = [(name, split) for name, split in PARTS if name.startswith("ud_")]
ENTAILMENT = [(name, split) for name, split in PARTS if name in ("mnli", "qnli", "rte", "wnli") and "dev" in split]
NO_CLASSES = ("stsb", "squad", "squad_v2", "copa", "c3", "chid")
CLASSES = [(name, split) for name, split in GOLDEN if name not in NO_CLASSES and name[:3] != "ud_"]
UPOS = {
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
}


def source_of(name: str, split: str) -> Source:
    task = registry.find(name)
    return next((task.source_of(e) for e in task.evaluations if e.split == split), task.source)


@cache
def columns_of(name: str, split: str) -> dict[str, list[Any]]:
    """The rows of a split, read as a run reads them."""
    task, source = registry.find(name), source_of(name, split)
    folder = registry.samples(task)
    assert folder
    located = locate(source, folder, split)
    assert located
    return dict(read_files(located, source, task.head, golds=split != "ax").table[:])


def fields_of(name: str) -> tuple[str, ...]:
    head = registry.find(name).head
    return ("words",) if isinstance(head, Tagging) else head.roles[:-1]


def texts_of(name: str, split: str) -> Iterator[tuple[str, ...]]:
    """For each row its texts; a sentence that is cut into words is one text."""
    columns = columns_of(name, split)
    for row in zip(*(columns[field] for field in fields_of(name)), strict=True):
        whole = (text if isinstance(text, str) else " ".join(text) for text in row)
        yield tuple(reduce(str.removesuffix, _phrases(name), text).strip() for text in whole)


def _phrases(name: str) -> list[str]:
    """What stands in the texts of many rows in place of a word: COPA's two questions."""
    return [text for phrases in registry.find(name).source.phrases.values() for text in phrases.values()]


def bare(text: str) -> str:
    """Lower case, letters and digits alone."""
    return re.sub(r"[\W_]+", "", text.lower())


def runs_of(text: str) -> Iterator[str]:
    """Every run of six words of a text."""
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())
    return (" ".join(words[i : i + 6]) for i in range(len(words) - 5))


def tree_file(name: str, split: str) -> list[conllu.TokenList]:
    (path,) = (SAMPLES / name).glob(f"*-ud-{split}.conllu")
    return list(conllu.parse(path.read_text("utf-8")))


@pytest.mark.parametrize(("name", "split"), PARTS)
def test_a_split_has_its_number_of_rows(name: str, split: str) -> None:
    assert len(columns_of(name, split)["row_id"]) == ROWS[name][split]


def test_every_folder_of_the_sample_is_a_task_s() -> None:
    assert {path.name for path in SAMPLES.iterdir() if path.is_dir()} == set(ROWS)


def test_the_sample_is_smaller_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 1_000_000


@pytest.mark.parametrize(("name", "split"), GOLDEN)
def test_every_row_has_its_gold(name: str, split: str) -> None:
    gold = registry.find(name).head.roles[-1]
    assert all(value is not None for value in columns_of(name, split)[gold])


@pytest.mark.parametrize(("name", "split"), CLASSES)
def test_every_label_of_a_classification_is_there(name: str, split: str) -> None:
    assert set(columns_of(name, split)["label"]) == set(registry.find(name).head.labels)


def test_the_diagnostic_rows_have_no_label() -> None:
    lines = (SAMPLES / "mnli" / "ax.jsonl").read_text("utf-8").splitlines()
    assert {key for line in lines for key in json.loads(line)} == {"premise", "hypothesis"}


@pytest.mark.parametrize("name", ROWS)
def test_no_two_rows_are_the_same(name: str) -> None:
    rows = [tuple(map(bare, row)) for split in ROWS[name] for row in texts_of(name, split)]
    assert [row for row, count in Counter(rows).items() if count > 1] == []


@pytest.mark.parametrize("name", ROWS)
def test_no_six_words_stand_together_in_more_than_three_texts(name: str) -> None:
    for field in range(len(fields_of(name))):
        texts = {row[field] for split in ROWS[name] for row in texts_of(name, split)}
        counts = Counter(run for text in texts for run in runs_of(text))
        assert {run: count for run, count in counts.items() if count > 3} == {}


@pytest.mark.parametrize("name", ROWS)
def test_no_six_words_of_rows_that_share_no_text_stand_together_more_than_three_times(name: str) -> None:
    rows = [row for split in ROWS[name] for row in texts_of(name, split)]
    seen = Counter(text for row in rows for text in row)
    counts = Counter(run for row in rows for text in row if seen[text] == 1 for run in runs_of(text))
    assert {run: count for run, count in counts.items() if count > 3} == {}


@pytest.mark.parametrize(("name", "split"), ENTAILMENT)
@pytest.mark.parametrize("side", ["text", "text_pair"])
def test_half_a_pair_does_not_tell_the_label(name: str, split: str, side: str) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train, dev = columns_of(name, "train"), columns_of(name, split)
    half = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1_000))
    half.fit(train[side], train["label"])
    majority = Counter(dev["label"]).most_common(1)[0][1] / len(dev["label"])
    assert half.score(dev[side], dev["label"]) <= majority + 0.15


@pytest.mark.parametrize("name", ["squad", "squad_v2"])
@pytest.mark.parametrize("split", ["train", "dev"])
def test_every_document_has_four_questions(name: str, split: str) -> None:
    counts = Counter(columns_of(name, split)["context"])
    assert list(counts.values()) == [QUESTIONS] * PARAGRAPHS[split]


@pytest.mark.parametrize("split", ["train", "dev"])
def test_some_questions_of_squad_v2_have_an_answer_and_some_have_none(split: str) -> None:
    assert {bool(golds) for golds in columns_of("squad_v2", split)["answers"]} == {True, False}


@pytest.mark.parametrize("name", ["squad", "squad_v2"])
def test_the_ids_of_questions_are_all_different(name: str) -> None:
    ids = [ident for split in ROWS[name] for ident in columns_of(name, split)["row_id"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("name", "split"), TREEBANKS)
def test_every_tag_is_one_of_universal_dependencies(name: str, split: str) -> None:
    assert {tag for row in columns_of(name, split)["tags"] for tag in row} <= UPOS


def test_the_english_train_sentences_have_all_17_tags() -> None:
    assert {tag for row in columns_of("ud_en_ewt", "train")["tags"] for tag in row} == UPOS


@pytest.mark.parametrize(("name", "split"), TREEBANKS)
def test_the_words_are_those_that_conllu_reads(name: str, split: str) -> None:
    words = [[token["form"] for token in tree if isinstance(token["id"], int)] for tree in tree_file(name, split)]
    assert columns_of(name, split)["words"] == words


def spelt(tree: conllu.TokenList) -> str:
    """The sentence's text: a multiword range in place of its words, no empty node, a space unless SpaceAfter=No."""
    text, until = "", 0
    for token in tree:
        ident = token["id"]
        if (isinstance(ident, tuple) and ident[1] == ".") or (isinstance(ident, int) and ident <= until):
            continue
        until = ident[2] if isinstance(ident, tuple) else until
        text += token["form"] + ("" if (token["misc"] or {}).get("SpaceAfter") == "No" else " ")
    return text.rstrip()


@pytest.mark.parametrize(("name", "split"), TREEBANKS)
def test_a_sentence_s_text_agrees_with_its_words(name: str, split: str) -> None:
    trees = tree_file(name, split)
    assert [tree.metadata["text"] for tree in trees] == [spelt(tree) for tree in trees]


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("ud_")])
def test_the_ids_of_sentences_are_all_different(name: str) -> None:
    ids = [tree.metadata["sent_id"] for split in ROWS[name] for tree in tree_file(name, split)]
    assert len(set(ids)) == len(ids)
