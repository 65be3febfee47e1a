"""Rows: as many as were published, stable ids and digests, cached, and split by whole documents."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from files import json_lines, squad, write

from bertkit import registry
from bertkit.data import locate as locating
from bertkit.data import rows
from bertkit.data.rows import Rows, read_files
from bertkit.data.splits import carve, read_splits
from bertkit.data.table import Table
from bertkit.errors import DataError
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.sources import locate


def read(task: str, data: Path, split: str = "train", golds: bool = True) -> Rows:
    found = registry.find(task)
    source = next(s for s in found.sources if split in s.files)
    located = locate(source, data, split)
    assert located, f"no {split} of {task} in {data}"
    return read_files(located, source, found.head, golds)


def refusal(task: str, data: Path, split: str = "train") -> str:
    with pytest.raises(DataError) as caught:
        read(task, data, split)
    return str(caught.value)


def kept_files() -> set[Path]:
    return set((Path(os.environ["BERTKIT_CACHE"]) / "rows").glob("*"))


# The real data.


@pytest.mark.parametrize(
    ("task", "split", "count"),
    [
        *(("cola", "train", 8_551), ("cola", "dev", 1_043), ("sst2", "train", 67_349), ("sst2", "dev", 872)),
        *(("mrpc", "train", 3_668), ("mrpc", "dev", 408), ("stsb", "train", 5_749), ("stsb", "dev", 1_500)),
        *(("rte", "train", 2_490), ("rte", "dev", 277), ("wnli", "train", 635), ("wnli", "dev", 71)),
        *(("mnli", "dev_matched", 9_815), ("qnli", "dev", 5_463), ("squad", "dev", 10_570)),
        *(("ud_en_ewt", "train", 12_544), ("ud_en_ewt", "dev", 2_001), ("ud_zh_gsd", "dev", 500)),
        *(("ud_fr_sequoia", "train", 2_231), ("ud_fr_sequoia", "dev", 412), ("ud_de_gsd", "dev", 799)),
        *(("stance", "train", 6_978), ("stance", "dev", 2_071)),
    ],
)
def test_a_whole_split_has_the_published_number_of_rows(real_data: Path, task: str, split: str, count: int) -> None:
    assert len(read(task, _folder(real_data, task), split)) == count
    assert registry.find(task).source.rows[split] == count


@pytest.mark.parametrize(
    ("task", "split", "count"),
    [
        *(("mnli", "train", 8_999), ("qnli", "train", 8_999), ("qqp", "train", 18_000), ("qqp", "dev", 2_000)),
        *(("squad", "train", 11_877), ("squad_v2", "dev", 3_328)),
    ],
)
def test_a_part_of_a_split_has_all_the_rows_of_its_file(real_data: Path, task: str, split: str, count: int) -> None:
    assert len(read(task, real_data, split)) == count < registry.find(task).source.rows[split]


@pytest.mark.parametrize(
    ("task", "count"),
    [
        ("cola", 1_063),
        ("sst2", 1_821),
        ("mrpc", 1_725),
        ("stsb", 1_379),
        ("qnli", 5_463),
        ("rte", 3_000),
        ("wnli", 146),
    ],
)
def test_a_test_split_has_the_published_number_of_rows_and_no_labels(real_data: Path, task: str, count: int) -> None:
    found = read(task, _folder(real_data, task), "test", golds=False)
    assert len(found) == count == registry.find(task).source.rows["test"]
    assert set(found.table["label"]) == {None}


@pytest.mark.parametrize("task", ["sst2", "mrpc", "stsb", "qnli", "rte", "wnli"])
def test_a_test_split_without_labels_cannot_be_scored(real_data: Path, task: str) -> None:
    assert "test.tsv: no column" in refusal(task, _folder(real_data, task), "test")


@pytest.mark.parametrize(
    ("task", "split", "majority", "percent"),
    [
        ("cola", "dev", "acceptable", 69.1),
        ("sst2", "dev", "positive", 50.9),
        ("mrpc", "dev", "equivalent", 68.4),
        ("qnli", "dev", "not_entailment", 50.5),
        ("rte", "dev", "entailment", 52.7),
        ("wnli", "dev", "not_entailment", 56.3),
        ("mnli", "dev_matched", "entailment", 35.4),
    ],
)
def test_the_majority_of_a_dev_set_is_the_label_that_the_literature_names(
    real_data: Path, task: str, split: str, majority: str, percent: float
) -> None:
    labels = Counter(read(task, _folder(real_data, task), split).table["label"])
    assert labels.most_common(1)[0][0] == majority
    assert 100 * labels[majority] / labels.total() == pytest.approx(percent, abs=0.06)


def test_the_real_similarities_are_the_files_numbers(real_data: Path) -> None:
    path = real_data / "glue" / "STS-B" / "dev.tsv"
    with path.open(encoding="utf-8", newline="\n") as file:
        scores = [float(row["score"]) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert list(read("stsb", path.parent, "dev").table["label"]) == scores


def test_every_real_answer_stands_at_its_offset(real_data: Path) -> None:
    found = read("squad_v2", real_data, "dev")
    assert all(
        row["context"][gold["start"] :].startswith(gold["text"]) for row in found.table for gold in row["answers"]
    )


def _folder(data: Path, task: str) -> Path:
    return data / "perspectrum" if task == "stance" else data


# Ids and digests.

TWO = json_lines({"sentence": "a", "label": 1}, {"sentence": "b", "label": 0})


def test_a_row_keeps_its_id_wherever_the_file_lies_and_whatever_its_format(tmp_path: Path) -> None:
    write(tmp_path / "one" / "train.jsonl", TWO)
    write(tmp_path / "two" / "SST-2" / "train.tsv", "sentence\tlabel\na\t1\nb\t0\n")
    ids = [list(read("sst2", tmp_path / folder).table["row_id"]) for folder in ("one", "two")]
    assert ids == [["0", "1"], ["0", "1"]]


def test_the_ids_of_two_shards_count_on(tmp_path: Path) -> None:
    for number in range(2):
        write(tmp_path / f"train-0000{number}-of-00002.jsonl", TWO)
    assert list(read("sst2", tmp_path).table["row_id"]) == ["0", "1", "2", "3"]


def test_questions_whose_ids_are_numbers_keep_them_all(tmp_path: Path) -> None:
    asked = [{"id": number, "question": "Why?", "answers": []} for number in (1, 0)]
    write(tmp_path / "train-v2.0.json", squad(*asked))
    assert list(read("squad_v2", tmp_path).table["row_id"]) == ["1", "0"]


def test_an_answer_with_a_line_break_is_refused_in_one_line(tmp_path: Path) -> None:
    answer = {"text": "no such\n answer", "answer_start": 0}
    write(tmp_path / "train-v2.0.json", squad({"id": "1", "question": "Why?", "answers": [answer]}))
    said = refusal("squad_v2", tmp_path)
    assert "no such  answer" in said and "\n" not in said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (False, "the answers are a bool, not a list"),
        (3, "the answers are a int, not a list"),
        ("Rain", "the answers are a str, not a list"),
        ([1], "an answer needs its text and its offset"),
        ([None], "an answer needs its text and its offset"),
        ([{"text": "Rain"}], "an answer needs its text and its offset"),
        ([{"text": "Rain", "answer_start": True}], "an answer needs its text and its offset"),
        ({"text": "Rain", "answer_start": 0}, "the answers are a dict, not a list"),
        ({"text": ["Rain"], "answer_start": []}, "1 texts of answers but 0 offsets"),
        ({"text": ["Rain"]}, "the answers' offsets are a NoneType, not a list"),
        ({"text": [3], "answer_start": [0]}, "an answer needs its text and its offset"),
    ],
)
def test_answers_that_are_none_are_refused_by_their_question(tmp_path: Path, answers: Any, said: str) -> None:
    asked = {"id": "q1", "question": "What fell?", "context": "Rain fell.", "answers": answers}
    write(tmp_path / "train.jsonl", json_lines(asked))
    assert f"line 1 ('q1'): {said}" in refusal("squad_v2", tmp_path)


@pytest.mark.parametrize(
    "answers",
    [[{"text": "Rain", "answer_start": 0}], {"text": ["Rain"], "answer_start": [0]}],
    ids=["SQuAD", "datasets"],
)
def test_answers_lie_in_lines_as_in_squad_or_as_in_datasets(tmp_path: Path, answers: Any) -> None:
    asked = {"id": "q1", "question": "What fell?", "context": "Rain fell.", "answers": answers}
    write(tmp_path / "train.jsonl", json_lines(asked))
    assert list(read("squad", tmp_path).table["answers"]) == [[{"text": "Rain", "start": 0}]]


@pytest.mark.parametrize(
    ("words", "tags", "said"),
    [
        (True, ["X"], "the words are a bool, not a list"),
        ("ab", ["X", "X"], "the words are a str, not a list"),
        (["a"], 3, "the tags are a int, not a list"),
        (["a"], [["X"]], "unknown tag '['X']'"),
        (["a"], [{}], "unknown tag '{}'"),
    ],
)
def test_words_and_tags_that_are_none_are_refused_by_their_line(
    tmp_path: Path, words: Any, tags: Any, said: str
) -> None:
    write(tmp_path / "train.jsonl", json_lines({"tokens": words, "upos": tags}))
    assert f"line 1: {said}" in refusal("ud_en_ewt", tmp_path)


def test_the_same_bytes_give_the_same_digest(tmp_path: Path) -> None:
    for folder in ("one", "two/SST-2"):
        write(tmp_path / folder / "train.jsonl", TWO)
    assert read("sst2", tmp_path / "one").digest == read("sst2", tmp_path / "two").digest


def test_another_label_gives_another_digest(tmp_path: Path) -> None:
    write(tmp_path / "one" / "train.jsonl", TWO)
    write(tmp_path / "two" / "train.jsonl", TWO.replace('"label": 0', '"label": 1'))
    assert read("sst2", tmp_path / "one").digest != read("sst2", tmp_path / "two").digest


def test_another_reading_of_the_same_bytes_gives_another_digest(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", TWO)
    task = registry.find("sst2")
    located = locate(task.source, tmp_path, "train")
    assert located
    swapped = replace(task.source, labels={"0": "positive", "1": "negative"})
    ours, theirs = (read_files(located, source, task.head) for source in (task.source, swapped))
    assert list(theirs.table["label"]) == ["negative", "positive"]
    assert ours.digest != theirs.digest


def test_rows_that_were_kept_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "train.jsonl", TWO.replace('"a"', '"kept"'))
    first = read("sst2", tmp_path)
    monkeypatch.setattr(rows, "read_located", None)
    assert read("sst2", tmp_path).table.to_list() == first.table.to_list()


def test_rows_that_were_damaged_where_they_are_kept_are_read_again(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", TWO.replace('"a"', '"harmed"'))
    before = kept_files()
    wanted = read("sst2", tmp_path).table.to_list()
    (place,) = kept_files() - before
    kept = place / rows.ROWS
    kept.write_bytes(kept.read_bytes().replace(b"harmed", b"armed!"))
    assert Table.from_file(kept).to_list() != wanted
    assert read("sst2", tmp_path).table.to_list() == wanted
    assert Table.from_file(kept).to_list() == wanted


def test_a_limit_takes_the_first_rows_and_remembers_how_many_there_are(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", TWO)
    limited = read("sst2", tmp_path).limited(1)
    assert (list(limited.table["text"]), limited.there) == (["a"], 2)


def test_rows_that_are_refused_leave_nothing_in_the_cache(tmp_path: Path) -> None:
    before = kept_files()
    write(tmp_path / "train.jsonl", json_lines({"sentence": "a", "label": 1}, {"sentence": "b", "label": 7}))
    refusal("sst2", tmp_path)
    assert kept_files() == before


# Carving.


def documents(tmp_path: Path, count: int) -> Rows:
    """`count` articles, article k with k + 1 questions."""
    articles = [json.loads(squad(*_asked(k), title=f"article {k}"))["data"][0] for k in range(count)]
    write(tmp_path / "dev-v2.0.json", json.dumps({"data": articles}))
    return read("squad_v2", tmp_path, "dev")


def _asked(k: int) -> list[dict[str, Any]]:
    return [{"id": f"{k}.{n}", "question": "Why?", "answers": []} for n in range(k + 1)]


@pytest.mark.parametrize(("count", "train"), [(8, 5), (2, 1), (3, 2), (16, 10)])
def test_whole_documents_train_and_the_others_score(tmp_path: Path, count: int, train: int) -> None:
    whole = documents(tmp_path, count)
    parts = carve(whole, seed=1, train=5, of=8)
    groups = [set(part.table["group"]) for part in parts]
    assert [len(part) for part in groups] == [train, count - train]
    assert not groups[0] & groups[1]
    ids = [row_id for part in parts for row_id in part.table["row_id"]]
    assert sorted(ids) == sorted(whole.table["row_id"])


def test_the_seed_draws_the_documents(tmp_path: Path) -> None:
    whole = documents(tmp_path, 8)
    drawn = [frozenset(carve(whole, seed, 5, 8)[0].table["group"]) for seed in (1, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_parts_of_another_draw_have_other_digests(tmp_path: Path) -> None:
    whole = documents(tmp_path, 8)
    digests = [part.digest for seed in (1, 2) for part in carve(whole, seed, 5, 8)]
    assert len({whole.digest, *digests}) == 5


def test_one_document_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one document only"):
        carve(documents(tmp_path, 1), seed=1, train=5, of=8)


def test_a_folder_is_searched_once_for_each_split(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    plain = locating.locate

    def counted(source: Any, folder: Path, split: str) -> Any:
        asked.append(split)
        return plain(source, folder, split)

    monkeypatch.setattr(locating, "locate", counted)
    read_splits(spec_of(registry.find("mnli"), Flags(sample=True)))
    assert sorted(asked) == ["ax", "dev_matched", "dev_mismatched", "train"]
