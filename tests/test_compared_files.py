"""`bertkit compare` of files of answers: which label is the positive one, and tags of words."""

from __future__ import annotations

from pathlib import Path

import pytest
from answered import answered_on
from door import Refused, refused
from files import json_lines, write
from test_verdict import compared, printed

from bertkit import registry
from bertkit.spec import Spec

__all__ = ["refused"]


def rows(path: Path, answers: list[str], golds: list[str] | None = None) -> Path:
    """A file of these answers, with golds if there are any."""
    lines = [{"id": k, "answer": one, **({"gold": golds[k]} if golds else {})} for k, one in enumerate(answers)]
    return write(path, json_lines(*lines))


PAIRS = ["equivalent", "equivalent", "equivalent", "not_equivalent"]
ALL = ["equivalent"] * 4


def test_files_alone_are_not_compared_by_f1_as_no_file_says_which_label_is_the_positive_one(
    tmp_path: Path, refused: Refused
) -> None:
    files = rows(tmp_path / "a.jsonl", PAIRS, PAIRS), rows(tmp_path / "b.jsonl", ALL)
    line = refused("compare", *map(str, files), "--metric", "f1")
    assert "--metric f1: files do not say which label is the positive one; name a run of the task too" in line
    assert "f1_macro or accuracy" in line


def test_beside_a_run_of_the_task_f1_of_a_file_is_of_its_positive_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = Spec(task=registry.find("mrpc"), model="org/tiny", data="here")
    run = answered_on(tmp_path, spec, {"dev": (PAIRS, PAIRS)})
    (found,) = compared(capsys, run, rows(tmp_path / "b.jsonl", ALL), "--metric", "f1")
    # of "equivalent" three of the four that are given are right, and all three found: 2 x 3 / (4 + 3)
    assert [arm["scores"] for arm in found["arms"]] == [[1.0], [pytest.approx(6 / 7)]]


def test_f1_is_of_two_labels(tmp_path: Path, refused: Refused) -> None:
    golds = ["entailment", "neutral", "contradiction"]
    spec = Spec(task=registry.find("mnli"), model="org/tiny", data="here")
    run = answered_on(tmp_path, spec, {"matched": (golds, golds)})
    file = rows(tmp_path / "b.jsonl", golds)
    line = refused("compare", str(run), str(file), "--metric", "f1", "--evaluation", "matched")
    assert "--metric f1: it is of the second of two labels, and mnli, matched has 3; take --metric f1_macro" in line


def test_rows_without_an_answer_are_counted_and_said_to_be_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, rows(tmp_path / "a.jsonl", ["", *ALL[1:]], PAIRS), rows(tmp_path / "b.jsonl", ALL))
    assert "a.jsonl: 1 of 4 rows have no answer, and count as wrong" in " ".join(text.split())
    assert "b.jsonl: " not in text.partition("have no answer")[2]


def test_numbers_with_decimals_are_no_labels(tmp_path: Path, refused: Refused) -> None:
    scores = ["0.5", "1.0", "2.5", "4.0"]
    files = rows(tmp_path / "a.jsonl", scores, scores), rows(tmp_path / "b.jsonl", scores[::-1])
    assert "say --metric pearson or spearman" in refused("compare", *map(str, files))


def test_of_files_it_is_said_that_the_test_covers_their_answers_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, rows(tmp_path / "a.jsonl", PAIRS, PAIRS), rows(tmp_path / "b.jsonl", ALL))
    assert "one file each: the test covers these answers only" in text
    assert "seed" not in text.replace("SEEDS", "")


def test_beside_a_file_more_seeds_of_a_run_are_not_advised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = Spec(task=registry.find("mrpc"), model="org/tiny", data="here")
    run = answered_on(tmp_path, spec, {"dev": (PAIRS, PAIRS)})
    text = printed(capsys, run, rows(tmp_path / "b.jsonl", ALL))
    assert "b.jsonl: one file, so the test covers these answers only" in text
    assert "--seeds" not in text


GOLD_TAGS = ["B-PER E-PER O S-LOC", "O S-LOC"]
HALF = ["B-PER E-PER O O", "O S-LOC"]


@pytest.mark.parametrize("metric", ["entity_f1_strict", "tag_accuracy", "entity_f1"])
def test_a_row_with_a_tag_too_few_is_refused_and_named(tmp_path: Path, refused: Refused, metric: str) -> None:
    first = rows(tmp_path / "a.jsonl", GOLD_TAGS, GOLD_TAGS)
    second = rows(tmp_path / "b.jsonl", [GOLD_TAGS[0], "O"])
    line = refused("compare", str(first), str(second), "--metric", metric)
    assert f"{second}, id '1': 1 tags, but its gold has 2" in line


def test_a_row_with_a_tag_more_than_the_run_has_words_is_refused(tmp_path: Path, refused: Refused) -> None:
    spec = Spec(task=registry.find("ud_en_ewt"), model="org/tiny", data="here")
    golds = [["NOUN", "VERB"], ["NOUN"]]
    run = answered_on(tmp_path, spec, {"dev": (golds, golds)})
    file = rows(tmp_path / "b.jsonl", ["NOUN VERB", "NOUN VERB"])
    assert "id '1': 2 tags, but its gold has 1" in refused("compare", str(run), str(file), "--evaluation", "dev")


def test_tags_of_files_are_scored_strictly_by_their_own_scheme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = rows(tmp_path / "a.jsonl", GOLD_TAGS, GOLD_TAGS), rows(tmp_path / "b.jsonl", HALF)
    (found,) = compared(capsys, *files, "--metric", "entity_f1_strict")
    # the second finds two of three entities and gives no other: 2 x 2 / (2 + 3)
    assert [arm["scores"] for arm in found["arms"]] == [[1.0], [pytest.approx(4 / 5)]]


def test_tags_of_no_scheme_are_not_scored_strictly_by_one(tmp_path: Path, refused: Refused) -> None:
    first = rows(tmp_path / "a.jsonl", ["NOUN VERB"], ["NOUN VERB"])
    second = rows(tmp_path / "b.jsonl", ["NOUN NOUN"])
    line = refused("compare", str(first), str(second), "--metric", "entity_f1_strict")
    assert f"{first}, id '0': 'NOUN' is no tag of the scheme BIO; take --metric tag_accuracy" in line


def test_runs_whose_labels_are_no_chunk_tags_are_not_scored_strictly(tmp_path: Path, refused: Refused) -> None:
    golds = [["NOUN", "VERB"], ["NOUN"]]
    specs = [Spec(task=registry.find("ud_en_ewt"), model=f"org/{name}", data="here") for name in "ab"]
    runs = [str(answered_on(tmp_path, spec, {"dev": (golds, golds)})) for spec in specs]
    line = refused("compare", *runs, "--metric", "entity_f1_strict", "--evaluation", "dev")
    assert "--metric entity_f1_strict: the labels of ud_en_ewt, dev are no chunk tags" in line
