"""Tasks by language: their files in the official layouts, what they are trained on, and PAWS-X in halves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused
from files import squad, write

from bertkit import registry
from bertkit.data.halves import in_first_half
from bertkit.data.splits import read_splits
from bertkit.errors import DataError, RequestError
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.spec import Spec

__all__ = ["refused"]

BY_LANGUAGE = [task for task in registry.tasks() if "." in task.name]
PAIRS = {
    "en": ("A\tB\t1", "C\tD\t0", "b \tE\t0", "F\tG\t1", "d\tI\t0", "K\tL\t1"),
    "de": ("u\tU\t1", "v\tV\t0", "NS\tw\t0", "x\tX\t1", "NS\ty\t0", "z\tZ\t1"),
}
"""In English rows 0 and 2 share B, rows 1 and 4 share D; in German only what was not translated is the same."""


def pairs(folder: Path, **rows: tuple[str, ...]) -> str:
    """A folder with PAWS-X's dev rows in XTREME's layout."""
    for language, lines in rows.items():
        write(folder / "pawsx" / f"dev-{language}.tsv", "\n".join(lines) + "\n")
    return str(folder)


def columns(task: str, data: str, split: str, training: bool = True) -> dict[str, list[Any]]:
    spec: Spec = spec_of(registry.find(task), Flags(model="sample", data=data))
    splits = read_splits(spec, training)
    rows = splits.train if split == "train" else splits.evaluations[split]
    assert rows is not None
    assert not isinstance(rows, str)
    return dict(rows.table[:])


@pytest.mark.parametrize("task", BY_LANGUAGE, ids=lambda task: task.name)
def test_a_task_that_is_trained_elsewhere_has_the_head_of_that_task(task: Any) -> None:
    assert registry.language(task.name) == task.name.partition(".")[2]
    if task.trains_on:
        assert registry.find(task.trains_on).head == task.head


def test_published_scores_are_of_tasks_evaluations_and_metrics_that_there_are() -> None:
    for train in ("squad", "mnli"):
        for one in registry.transfers(train):
            for task, evaluation, metric in one.scores:
                scored = {e.name: e.metrics for e in registry.find(task).scored}
                assert metric in scored[evaluation]
                assert 0 < one.scores[task, evaluation, metric] < 1
    first = registry.transfers("squad")[0].scores
    assert (first["xquad.zh", "test", "squad_v1_f1"], first["xquad.zh", "test", "squad_v1_em"]) == (0.58, 0.483)
    mean = sum(first[f"xquad.{one}", "test", "squad_v1_f1"] for one in registry.languages_of("xquad")) / 12
    assert mean == pytest.approx(0.652, abs=0.0005)  # the mean that the README gives


def test_a_language_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RequestError, match="xnli has no language 'xx': there are ar, bg, de, el, en, es, fr, "):
        registry.find("xnli.xx")
    with pytest.raises(RequestError, match=r"xquad has a task for each language, such as xquad.ar: there are ar, de"):
        registry.find("xquad")


@pytest.mark.parametrize("where", [("--data", "there"), ()])
def test_a_task_without_train_rows_is_not_fine_tuned_and_names_what_is(
    tmp_path: Path, refused: Refused, where: tuple[str, ...]
) -> None:
    (tmp_path / "there").mkdir()
    said = refused("finetune", "xquad.zh", *where)
    assert said.startswith("Error: xquad.zh has no train rows: fine-tune on squad, and score it here by `bertkit comp")


def test_a_task_whose_train_file_is_not_there_names_what_to_train_on(tmp_path: Path, refused: Refused) -> None:
    question = {"id": "1", "question": "谁？", "answers": [{"text": "安娜", "answer_start": 0}]}
    write(tmp_path / "drcd" / "DRCD_dev.json", squad(question, context="安娜五月来。"))
    said = refused("finetune", "drcd", "--data", str(tmp_path))
    assert "no train split" in said
    assert "fine-tune on squad" in said


def test_files_are_read_in_their_official_layouts(tmp_path: Path) -> None:
    question = {"id": "1", "question": "谁？", "answers": [{"text": "安娜", "answer_start": 0}]}
    write(tmp_path / "xquad" / "xquad.zh.json", squad(question, context="安娜五月来。"))
    write(tmp_path / "xnli" / "dev-zh.tsv", "他来了。\t他没来。\tcontradiction\n他来了。\t有人来了。\tentailment\n")
    read = columns("xquad.zh", str(tmp_path), "test", training=False)
    assert read["answers"] == [[{"text": "安娜", "start": 0}]]
    read = columns("xnli.zh", str(tmp_path), "dev", training=False)
    assert (read["text_pair"], read["label"]) == (["他没来。", "有人来了。"], ["contradiction", "entailment"])


def test_english_xnli_is_trained_on_mnli_s_rows(tmp_path: Path) -> None:
    row = {"premise": "He came.", "hypothesis": "He left.", "label": "contradiction"}
    write(tmp_path / "glue" / "MNLI" / "train.jsonl", json.dumps(row) + "\n")
    write(tmp_path / "xnli" / "dev-en.tsv", "He came.\tOne came.\tentailment\n")
    assert columns("xnli.en", str(tmp_path), "train")["label"] == ["contradiction"]
    assert columns("xnli.en", str(tmp_path), "dev")["label"] == ["entailment"]


def test_pairs_that_share_a_sentence_are_in_one_half() -> None:
    rows = [("a", "b"), ("c", "d"), ("b", "e"), ("f", "g"), (" E ", "h"), ("i", "j")]
    # groups in order: {0, 2, 4} to the first half; {1} to the second, {3} to it too (1 < 3), and {5} (2 < 3)
    assert in_first_half(rows) == [True, False, True, False, True, False]


def test_no_row_of_the_scored_half_has_an_english_sentence_that_is_trained_on_in_any_language(tmp_path: Path) -> None:
    data = pairs(tmp_path, **PAIRS)
    trained = columns("pawsx_half.en", data, "train")
    scored = {language: columns(f"pawsx_half.{language}", data, "dev") for language in PAIRS}
    # {0, 2} to the first half, {1, 4} to the second, {3} to the first again, {5} to the second
    assert trained["row_id"] == ["0", "2", "3"]
    assert scored["en"]["row_id"] == scored["de"]["row_id"] == ["1", "4", "5"]
    sentences = {text.strip().casefold() for name in ("text", "text_pair") for text in trained[name]}
    assert not sentences & {text.strip().casefold() for name in ("text", "text_pair") for text in scored["en"][name]}


def test_halves_of_files_that_are_not_parallel_are_refused(tmp_path: Path) -> None:
    data = pairs(tmp_path, en=PAIRS["en"], de=PAIRS["de"][:4])
    with pytest.raises(DataError, match=r"dev-de.tsv has 4 rows, and dev-en.tsv 6: .* the same rows in the same order"):
        columns("pawsx_half.de", data, "dev")


def test_halves_without_the_english_rows_are_refused(tmp_path: Path) -> None:
    data = pairs(tmp_path, de=PAIRS["de"])
    with pytest.raises(DataError, match=r"dev-de.tsv is divided by dev-en.tsv, which .* does not have"):
        columns("pawsx_half.de", data, "dev")


def test_the_real_halves_are_of_1000_rows_each_and_share_no_sentence(real_data: Path) -> None:
    trained, scored = (columns("pawsx_half.en", str(real_data), split) for split in ("train", "dev"))
    texts = [
        {text.strip().casefold() for name in ("text", "text_pair") for text in one[name]} for one in (trained, scored)
    ]
    assert (len(trained["row_id"]), len(scored["row_id"]), len(texts[0] & texts[1])) == (1_000, 1_000, 0)


@pytest.mark.parametrize(
    ("task", "split", "rows"),
    [("xquad.hi", "test", 1_190), ("xnli.fr", "dev", 2_490), ("pawsx.zh", "dev", 2_000), ("drcd", "dev", 3_524),
     ("cmrc", "dev", 3_216)],
)  # fmt: skip
def test_the_real_rows_are_read(real_data: Path, task: str, split: str, rows: int) -> None:
    assert len(columns(task, str(real_data), split, training=False)["row_id"]) == rows
